"""Contestants from outside become rows of the leaderboard: classes and files, judged once, kept, and shown as typed."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from paletteot import cli
from paletteot.benchmark.tracks import runner as referee
from paletteot.project import judging
from paletteot.project.parameters import load_params
from paletteot.report.site.facts import slug
from paletteot.stages import evaluate, report
from tests.benchmark.submitted import write
from tests.dataset import made
from tests.guests import guests
from tests.small_project import project, ready_to_report

SPLITS = {split: len(pairs) for split, pairs in made.SPLITS.items() if split != "train"}
RECORD = ("evaluate", "theirs.py:Theirs", "--trust", "--record")


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.app, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def error(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("error: ").rstrip()


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    judging.pairs_of.cache_clear()
    referee._contestant.cache_clear()
    monkeypatch.chdir(project(tmp_path, splits=SPLITS, accelerated={"validation_unseen": 3, "test_unseen": 4}, batch=4))
    guests.contestant(tmp_path)
    return tmp_path


@pytest.fixture
def judged(here) -> Path:
    """The pipeline's own contestants, judged."""
    ready_to_report()
    params = load_params()
    for method in params.evaluate.methods:
        evaluate.stage(params, method)
    return here


def places() -> list[Path]:
    return sorted(Path("reports/results").glob("*/*/*/*"))


@pytest.mark.usefixtures("here")
def test_a_class_is_judged_once_and_kept(monkeypatch):
    first = run(*RECORD)
    assert first.exit_code == 0, first.output
    written, *lines = first.stdout.splitlines()
    (place,) = places()
    assert written == f"{place}: written"
    assert place.parts[2].startswith("theirs-")
    assert place.parts[4:] == ("1.0.0", "test_unseen")
    assert sorted(file.stem for file in place.iterdir()) == [
        "accelerated", "accelerated_seconds", "facts", "iterations", "plain", "seconds",
    ]  # fmt: skip
    assert lines[0] == "theirs: test_unseen, 4 problems of 3 photographs, Tracks A and B, data 1.0.0"
    assert lines[2].split()[1:6] == lines[3].split()[1:6]  # cold is what it is
    assert "claimed" not in first.stdout
    facts = json.loads((place / "facts.json").read_text())
    assert (facts["by"], facts["summary"], facts["claimed"]) == (["none"], "the cold start", None)
    assert (list(facts["submitted"]), facts["entry"]) == (["theirs.py"], "Theirs")
    assert not Path(".partial").exists()

    monkeypatch.setattr(referee, "judge", lambda *_, **__: pytest.fail("a record that is there was run again"))
    again = run(*RECORD)
    assert again.stdout.splitlines() == [f"{place}: judged already, nothing was run", *lines]
    assert run("submit", "--rescore").stdout.splitlines() == lines


def change_the_file(folder: Path) -> None:
    guests.contestant(folder, "return Start(2 * cold(problems))")


def change_what_it_imports(folder: Path) -> None:
    (folder / "beside.py").write_text("FACTOR = 2")


def change_its_weights(folder: Path) -> None:
    (folder / "weights").write_text("2")


@pytest.mark.parametrize("change", [change_the_file, change_what_it_imports, change_its_weights])
def test_a_changed_class_is_judged_again(here, change):
    (here / "beside.py").write_text("FACTOR = 1")
    (here / "weights").write_text("1")
    guests.contestant(here, "from beside import FACTOR; return Start(FACTOR * cold(problems))")
    (here / "another.py").write_text("")
    for expected in (1, 1, 2):
        assert run(*RECORD, "--weights", "weights").exit_code == 0
        assert len(places()) == expected
        (here / "another.py").write_text("nothing to do with it")
        if expected == 1 and (here / "again").exists():
            change(here)
        (here / "again").touch()


def test_problems_without_an_answer_are_failures_of_the_record(here):
    guests.contestant(here, "if len(problems) == 4: os._exit(3)\nreturn Start(cold(problems))")
    done = run(*RECORD)
    assert done.exit_code == 0
    assert "4 problem(s) are failures: theirs.py:Theirs: its process ended with exit code 3" in done.stderr
    (place,) = places()
    assert pl.read_parquet(place / "iterations.parquet")["fallback"].all()
    assert run("submit", "--rescore").stdout.splitlines()[4].endswith("failures 4")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("more", [("--limit", "2"), ("--track", "B")])
def test_a_record_is_of_a_whole_split(more):
    assert error(*RECORD, *more) == (
        "--record judges every pair of a split under Tracks A and B: leave out --limit and --track"
    )


@pytest.mark.usefixtures("here")
def test_what_the_pipeline_judges_needs_no_record():
    assert error("evaluate", "cold", "--record") == "--record is for code from outside; cold is judged by `dvc repro`"


def test_a_name_stands_for_one_contestant(here):
    assert run("submit", write(here, name="theirs")).exit_code == 0
    assert error(*RECORD) == "theirs.py:Theirs: name must be nobody else's, but is 'theirs'"
    (place,) = places()
    other = here / "elsewhere"
    other.mkdir()
    place.parents[2].rename(other / "kept")
    assert run(*RECORD).exit_code == 0
    assert "name: must not be that of a contestant" in run("submit", write(here, name="theirs")).stderr
    (other / "kept").rename(place.parents[2].with_name("copy"))
    found = report.guests(load_params(), {})
    assert [one.facts.name for one in found.records] == ["theirs"]
    (why,) = found.refused.values()
    assert "must lie in theirs-" in why


ODD = "=1+1 | <script>alert(1)</script> ../../etc/passwd"


def test_both_stand_on_the_leaderboard(judged):
    """A file on one split of Track A and on both of Track B, and a class; seconds of the file's starts are claimed."""
    for split in ("validation_unseen", "test_unseen"):
        assert run(*RECORD, "--split", split).exit_code == 0
        for track in "AB":
            assert run("submit", write(judged, name=ODD, authors=[ODD, "Ada"], split=split, track=track)).exit_code == 0
    report.stage(load_params())

    for name in ("leaderboard", "accelerated"):
        rows = csv.DictReader(StringIO(Path(f"reports/{name}.csv").read_text()))
        kept = {row["method"]: row for row in rows if row["split"] == "test_unseen" and row["rank"]}
        assert set(kept) == {"cold", "lp_duals", "theirs", f"'{ODD}"}
        for method, row in kept.items():
            assert (row["data_version"], bool(row["code_commit"]), "cores" in row["hardware"]) == ("1.0.0", True, True)
            assert row["claimed"] == str(ODD in method).lower()
        assert "the start on a laptop, as claimed" in kept[f"'{ODD}"]["hardware"]
        assert kept[f"'{ODD}"]["made_by"] == f"'{ODD}; Ada; https://example.org/idea"
    for name in ("cold", "theirs", ODD):
        page = Path(f"reports/site/methods/{slug(name)}.html").read_text()
        assert (", as claimed" in page, "<script>alert" in page) == (name == ODD, False)
    # Where the rows come from stands under every board; names show as typed, and make no link, cell or element.
    page = run("leaderboard").stdout
    shown = r"| =1+1 \| \<script\>alert(1)\</script\> ../../etc/passwd |"
    assert page.count(shown) >= 4
    assert "<script>" not in page.replace(r"\<script\>", "")
    (origin,) = [line for line in page.splitlines() if line.startswith(shown) and "https" in line]
    assert "| claimed |" in origin
    assert r"https\://example.org/idea" in origin
    (origin,) = [line for line in page.splitlines() if line.startswith("| theirs | none |")]
    assert "| measured |" in origin


def test_a_record_cannot_take_a_contestants_place(judged):
    """Its facts are a stranger's, so the name is looked at again where the boards are made."""
    assert run("submit", write(judged)).exit_code == 0
    found = report.guests(load_params(), {"cold": None, "ＯUR idea-3": None})
    (why,) = found.refused.values()
    assert "name must be nobody else's, but 'Our idea' reads like another's" in why
    assert not found.records
