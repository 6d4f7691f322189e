"""`paletteot submit` as a stranger meets it, and the page that says how, run as written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from paletteot import cli
from paletteot.benchmark.tracks import runner
from paletteot.project import judging
from tests.benchmark import submitted
from tests.benchmark.submitted import rows, write
from tests.dataset import made

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "submit-a-file.md").read_text()
BLOCKS = re.findall(r"```(python|sh|yaml)\n(.*?)```", PAGE, re.S)


def run(*arguments: object):
    done = CliRunner().invoke(cli.app, ["submit", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with parameters and the data set in small."""
    monkeypatch.chdir(tmp_path)
    judging.pairs_of.cache_clear()
    made.pipeline_folder(tmp_path / "data")
    use(submitted.VERSION)
    return tmp_path


def use(version: str) -> None:
    """Write parameters that say that the data set is of this version."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"workers": 1, "transport": made.PARAMS["transport"]}
    params["dataset"]["version"] = version
    params["evaluate"]["batch"] = 3
    Path("params.yaml").write_text(yaml.safe_dump(params))


def test_a_submission_is_judged_once_and_kept(project, monkeypatch):
    first = run(write(project))
    assert first.exit_code == 0, first.stderr
    written, *lines = first.stdout.splitlines()
    assert re.fullmatch(r"reports/results/our_idea-\w{8}/\w{12}/1\.0\.0/test_unseen: written", written)
    assert lines[0] == "Our idea: test_unseen, 4 problems of 3 photographs, Track A, data 1.0.0"
    assert [line.split()[0] for line in lines[2:5]] == ["cold", "start", "ratio"]
    assert lines[5] == "  3 photographs: no interval worth reading, nor a rank"
    assert "claimed, not measured here" in lines[6]
    assert not (project / ".partial").exists()

    monkeypatch.setattr(runner, "judge", lambda *_, **__: pytest.fail("a record that is there was run again"))
    again = run(project / "idea.yaml")
    assert again.stdout.splitlines() == [written.replace("written", "judged already, nothing was run"), *lines]
    assert run("--rescore").stdout.splitlines() == lines


def test_track_b_is_judged_with_its_base(project):
    done = run(write(project, track="B"))
    assert done.exit_code == 0, done.stderr
    (folder,) = (project / "reports/results").glob("*/*/*/*")
    assert sorted(file.name for file in folder.iterdir()) == [
        "accelerated.parquet", "accelerated_seconds.parquet", "facts.json", "plain.parquet",
    ]  # fmt: skip
    assert "anderson_20" in done.stdout


def test_a_changed_file_is_a_new_version(project):
    run(write(project))
    done = run(write(project, rows()[::-1]))
    assert "written" in done.stdout.splitlines()[0]
    assert len(list((project / "reports/results").glob("*/*/1.0.0/test_unseen"))) == 2
    assert len(run("--rescore").stdout.splitlines()) == 7


def test_what_is_wrong_is_one_report_and_nothing_is_run(project, monkeypatch):
    monkeypatch.setattr(runner, "judge", lambda *_, **__: pytest.fail("an illegal submission was run"))
    done = run(write(project, submitted.spoilt(rows()[1:], 1, float("nan")), name="cold", seconds=-1))
    assert done.exit_code == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in lines[:-1]] == ["seconds", "name", "pair_id", "g"]
    assert lines[-1] == f"error: {project / 'idea.yaml'}: 4 problem(s); nothing was run"
    assert not (project / "reports").exists()
    assert not (project / ".partial").exists()


def test_an_interrupted_run_goes_on(project, monkeypatch):
    judge, judged = runner.judge, []

    def once(method, pairs, stop, **asked):
        if stop.max_iterations > 100:  # not the warm-up
            judged.append(len(pairs))
        if len(judged) == 2:
            raise KeyboardInterrupt
        return judge(method, pairs, stop, **asked)

    monkeypatch.setattr(runner, "judge", once)
    path = write(project)
    assert CliRunner().invoke(cli.app, ["submit", str(path)]).exit_code != 0
    assert not (project / "reports").exists()
    assert run(path).exit_code == 0
    assert judged == [3, 1, 1]


@pytest.mark.parametrize("arguments", [[], ["idea.yaml", "--rescore"]])
def test_a_file_or_rescore(project, arguments):
    write(project)
    done = run(*arguments)
    assert (done.exit_code, done.stderr) == (
        1, "error: submit must be given the YAML file of a submission, or --rescore\n",
    )  # fmt: skip


@pytest.mark.usefixtures("project")
def test_without_records_there_is_nothing_to_rescore():
    assert run("--rescore").stderr == "error: reports/results: no record of data version 1.0.0\n"
    assert "no such file" in run("none.yaml").stderr


@pytest.mark.parametrize("name", ["<script>", "=1+1", "../../etc/passwd", "a|b"])
def test_odd_names_are_printed_as_typed_and_stay_inside(project, name):
    done = run(write(project, name=name))
    assert done.stdout.splitlines()[1].startswith(f"{name}: test_unseen")
    assert {path.name for path in project.iterdir()} == {
        "data", "params.yaml", "idea.yaml", "idea.parquet", "reports",
    }  # fmt: skip
    assert len(list((project / "reports").glob("results/*/*/1.0.0/test_unseen/facts.json"))) == 1


def example(folder: Path, language: str, code: str) -> str:
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-euc"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*command, code], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_is_right(project):
    """Every block in its order: the example is written and judged, packed from raw doubles, and rescored."""
    assert [language for language, _ in BLOCKS] == ["yaml", "python", "sh", "python", "sh"]
    facts, python, submit, pack, rescore = (code for _, code in BLOCKS)
    version = yaml.safe_load((ROOT / "params.yaml").read_text())["dataset"]["version"]
    use(version)
    made.release(project / "data" / "release", version)
    (project / "idea.yaml").write_text(facts)
    example(project, "python", python)
    whole = pl.read_parquet("idea.parquet")
    shown = example(project, "sh", submit)
    assert "Four steps down: test_unseen, 4 problems" in shown
    assert "failures 0" in shown
    assert shown.splitlines()[1:] == example(project, "sh", rescore).splitlines()

    np.array(whole["g"].to_list()).tofile("idea.f64")
    shutil.move("idea.parquet", "first.parquet")
    example(project, "python", pack)
    assert pl.read_parquet("idea.parquet").select("pair_id", "g").equals(whole.select("pair_id", "g"))
