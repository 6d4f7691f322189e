"""Taking part with a class, as a newcomer does: begun, checked, judged; and the lines of docs/add-a-method.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from paletteot import cli
from paletteot.benchmark import conformance, schema
from paletteot.guests import sandbox
from paletteot.guests.mode import Mode
from paletteot.project import paths as common
from paletteot.project.parameters import load_params
from paletteot.stages import evaluate as evaluate_stage
from paletteot.tables import read_parquet
from tests.guests import guests
from tests.small_project import ROOT, project, ready_to_report

PAGE = (ROOT / "docs" / "add-a-method.md").read_text()


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.app, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def error(*arguments: object) -> str:
    """Return the one line that a command ends with."""
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("error: ").rstrip()


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small(here) -> Path:
    return project(here)


def test_a_new_warm_start_works_and_passes_its_own_tests(here):
    result = run("new-warm-start", "my_idea")
    assert result.output == "my_idea.py and test_my_idea.py; now: paletteot check my_idea.py:MyIdea --trust\n"
    assert 30 <= len((here / "my_idea.py").read_text().splitlines()) <= 45
    for tool in (
        ["pytest", "-q", "test_my_idea.py"],
        ["ruff", "check", "--select", "E,F,B,D1,RUF", "--line-length", "120", "my_idea.py"],
    ):
        done = subprocess.run([sys.executable, "-m", *tool], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    result = run("check", "my_idea.py:MyIdea", "--trust")
    assert result.exit_code == 0
    where, kept = result.output.splitlines()
    assert where == f"my_idea.py:MyIdea ran {sandbox.find(Mode.AUTO)}"
    assert kept == f"my_idea.py:MyIdea keeps the contract: {', '.join(['name', *conformance.CHECKS])}"
    assert (
        "my_idea.py:MyIdea ran not in a sandbox"
        in run("check", "my_idea.py:MyIdea", "--trust", "--sandbox", "none").output
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my-idea", "the name must be a Python identifier, such as my_idea, but is 'my-idea'"),
        ("../idea", "the name must be a Python identifier, such as my_idea, but is '../idea'"),
        ("class", "the name must be a Python identifier, such as my_idea, but is 'class'"),
        ("lp_duals", "the name must be none of cold, dual_network, "),
        ("numpy", "the name must not be that of a Python module, but there is a module 'numpy'"),
    ],
)
def test_a_name_that_cannot_be_is_refused(here, name, words):
    assert error("new-warm-start", name).startswith(words)
    assert not list(here.iterdir())


@pytest.mark.parametrize("file", ["my_idea.py", "test_my_idea.py"])
def test_nothing_is_overwritten(here, file):
    (here / file).write_text("mine")
    assert error("new-warm-start", "my_idea") == f"{file}: exists already; nothing was written"
    assert [one.name for one in here.iterdir()] == [file]
    assert (here / file).read_text() == "mine"


def test_check_says_everything_that_is_wrong(here):
    start = "return Start((cold(problems) + np.arange(problems.b.shape[1])).astype(np.float32), iterations=-1)"
    guests.contestant(here, start, name="bad.py")
    result = run("check", "bad.py:Theirs", "--trust")
    assert result.exit_code == 1
    assert result.stderr == "bad.py:Theirs breaks the contract\n"
    lines = result.stdout.splitlines()
    assert "contract: g must be float64, but is float32" in lines
    assert "contract: iterations must be from 0 to 1000000, but hold -1" in lines
    assert any(line.startswith("order: g must be the same with its atoms in another order") for line in lines)


def test_check_of_what_crashes_shows_no_traceback(here):
    guests.contestant(here, "raise RuntimeError('tired')")
    result = run("check", "theirs.py:Theirs", "--trust")
    assert result.exit_code == 1
    assert "start raised RuntimeError: tired (theirs.py, line 18)" in result.stdout
    assert "Traceback" not in result.output


def test_check_of_what_hangs_ends(here):
    guests.contestant(here, "time.sleep(600)")
    result = run("check", "theirs.py:Theirs", "--trust", "--seconds", "4")
    assert result.exit_code == 1
    line, _where = result.stdout.splitlines()
    assert "it did not answer within 4 s" in line


def test_check_of_a_built_in_needs_no_trust():
    assert run("check", "gaussian").output.startswith("gaussian keeps the contract: name, contract, ")


@pytest.mark.parametrize("command", ["check", "evaluate"])
def test_a_sandbox_that_is_required_and_not_there_ends_it_before_anything_ran(small, monkeypatch, command):
    guests.contestant(small, before="open('was here', 'w')\n")
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    told = error(command, "theirs.py:Theirs", "--trust", "--sandbox", "required")
    assert told.startswith("--sandbox required: ")
    assert not Path("was here").exists()


@pytest.mark.parametrize("command", ["check", "evaluate"])
def test_code_from_outside_runs_only_when_trusted(small, monkeypatch, command):
    guests.contestant(small, before="open('was here', 'w')\n")
    monkeypatch.syspath_prepend(guests.package(small / "site"))
    ending = "is code from outside the package, and running it can do whatever you can: read it, then say --trust"
    assert error(command, "theirs.py:Theirs") == f"theirs.py:Theirs {ending}"
    assert error(command, "theirs") == f"theirs {ending}"
    assert not Path("was here").exists()
    assert error(command, "nobody", "--trust").startswith(
        "a contestant that is not FILE.py:CLASS must be one of cold, "
    )


def test_a_file_is_judged_beside_the_cold_start(small):
    """Cold, from a file, counts what cold counts."""
    result = run("evaluate", guests.contestant(small).name + ":Theirs", "--trust")
    assert result.exit_code == 0, result.output
    title, _, cold, theirs, ratio, few, where = result.stdout.splitlines()
    assert title == "test_unseen, 4 problems of 3 photographs, Track A"
    assert theirs == cold.replace("cold", "theirs").replace("theirs  ", "theirs", 1)
    assert where == f"theirs.py:Theirs ran {sandbox.find(Mode.AUTO)}"
    assert ratio == "  ratio 1.000, better on 0.0%; passes of the start 0; failures 0"
    assert few == "  3 photographs: no interval worth reading, nor a rank"
    assert run("evaluate", "cold").stdout.splitlines()[3:] == [cold, ratio, few]


@pytest.mark.parametrize(
    ("track", "lines", "theirs", "cold"),
    [("B", 25, "theirs + anderson_20", "cold + anderson_20"), ("C", 3, "theirs", "cold")],
)
def test_the_other_tracks_take_a_file_too_beside_the_cold_start(small, track, lines, theirs, cold):
    """Under Track B under the same acceleration, under Track C in front of the same Newton."""
    result = run("evaluate", guests.contestant(small).name + ":Theirs", "--trust", "--track", track, "--limit", 2)
    assert result.exit_code == 0, result.output
    found = result.stdout.splitlines()
    assert "2 problems" in found[0]
    assert len(found) == lines + 2
    ours = [line.removeprefix(f"  {theirs} ") for line in found if line.startswith(f"  {theirs} ")]
    beside = [line.removeprefix(f"  {cold} ") for line in found if line.startswith(f"  {cold} ")]
    assert len(ours) == len(beside) == (2 if track == "B" else 1)
    for one, other in zip(ours, beside, strict=True):
        assert one.split(";")[0].split() == other.split(";")[0].split()  # it is the cold start, from a file


def test_an_installed_contestant_is_judged_by_its_name(small, monkeypatch):
    monkeypatch.syspath_prepend(guests.package(small / "site"))
    result = run("evaluate", "theirs", "--trust", "--split", "validation_unseen")
    assert result.exit_code == 0, result.output
    assert "  theirs " in result.stdout


def test_a_batch_without_an_answer_is_a_failure_of_its_problems(small):
    """Two batches of two; what dies in the second was whole in the first, and in the next run is asked again."""
    start = """
        if not hasattr(self, "asked"):
            self.asked = 0
        self.asked += len(problems)
        if self.asked > 3:
            os._exit(9)
        return Start(cold(problems))
    """
    result = run("evaluate", guests.contestant(small, start).name + ":Theirs", "--trust")
    assert result.exit_code == 0, result.output
    words = "2 problem(s) are failures: theirs.py:Theirs: its process ended with exit code 9 instead of answering\n"
    assert result.stderr == words
    assert result.stdout.splitlines()[-3].endswith("failures 2")


@pytest.mark.parametrize(
    ("start", "before", "words"),
    [
        (
            "return Start(cold(problems)[:, :2])",
            "",
            "theirs: start must return g as float64 of shape (1, 3), but returned",
        ),
        ("os._exit(4)", "", "theirs.py:Theirs: its process ended with exit code 4 instead of answering"),
        (guests.COLD, "import nonesuch\n", "theirs.py:Theirs: it could not be made: ModuleNotFoundError: No module"),
    ],
)
def test_what_never_answers_ends_the_run_with_one_line(small, start, before, words):
    assert error("evaluate", f"{guests.contestant(small, start, before)}:Theirs", "--trust").startswith(words)


def test_a_borrowed_name_is_refused(small):
    file = guests.contestant(small)
    file.write_text(file.read_text().replace('"theirs", "the cold start"', '"cold", "two\\nlines"'))
    words = r"name must be nobody else's, but is 'cold'; summary must be one line of text, but is 'two\nlines'"
    assert error("evaluate", "theirs.py:Theirs", "--trust") == f"theirs.py:Theirs: {words}"


def test_the_pipeline_judges_an_installed_contestant(small, monkeypatch):
    monkeypatch.syspath_prepend(guests.package(small / "site"))
    methods = {"theirs": dict.fromkeys(("code", "reads"), str(small / "site"))}
    monkeypatch.chdir(project(small / "more", methods=methods, splits={"test_unseen": 4}))
    evaluate_stage.stage(load_params(), "theirs")
    rows = read_parquet(common.EVALUATIONS / "theirs" / "iterations.parquet", schema.TRACKS["A"]["iterations"])
    assert len(rows) == 4
    assert rows["converged"].all()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def shell(lines: str, folder: Path, *paths: Path) -> str:
    """Run the lines of a block as they are written, on a clean environment."""
    (folder / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
    (folder / ".venv" / "bin" / "activate").write_text(f'PATH="{Path(sys.executable).parent}:$PATH"\n')
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, [*paths, ROOT / "src"])),
    }
    done = subprocess.run(
        ["bash", "-euc", lines], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_pages_first_lines_do_what_they_say(here):
    project(here / ".quickstart")
    shown = shell(blocks("sh")[0], here)
    assert "my_idea.py:MyIdea keeps the contract" in shown
    assert "2 passed" in shown
    assert re.search(r"^  my_idea +\d.*\n  ratio 0\.", shown, re.M)
    assert "  my_idea + anderson_20 " in shown
    assert "  cold + anderson_20 " in shown


def test_the_pages_last_lines_put_it_on_the_leaderboard(small):
    """DVC's line as what it runs: the stage of the report."""
    ready_to_report()
    for method in ("cold", "lp_duals"):
        evaluate_stage.stage(load_params(), method)
    run("new-warm-start", "my_idea")
    lines = blocks("sh")[-1]
    assert "dvc repro --single-item report" in lines
    lines = lines.replace("dvc repro --single-item report", "python -m paletteot.stages report")
    shown = shell(f". .venv/bin/activate\n{lines}", small)
    assert re.search(r"^\| my_idea \| anderson_\d+ \|", shown, re.M)
    assert re.search(r"^\| my_idea \| test_unseen \| 4 \| 3 \| 3 \| 4 \| 0 \|", shown, re.M)


def test_the_pages_package_is_known_by_name(here):
    project(here)
    ((name, place),) = re.findall(r'^(\w+) = "(.*)"$', blocks("toml")[0], re.M)
    site = guests.package(here / "site", f"{name} = {place}")
    module = site / "their_package" / "warm_starts.py"
    (site / "their_package" / "theirs.py").rename(module)
    module.write_text(module.read_text().replace("Theirs", "TheirIdea"))
    shown = shell(f". .venv/bin/activate\n{blocks('sh')[1]}", here, site)
    assert "their_idea keeps the contract" in shown
    assert "  their_idea " in shown


def test_the_page_names_every_check():
    assert re.findall(r"^\| (\w+) \|", PAGE, re.M)[1:] == ["name", *conformance.CHECKS]
