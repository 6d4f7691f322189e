"""`paletteot time-solvers`, and the solver of docs/add-a-method.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from paletteot import cli, solvers
from paletteot.benchmark import schema
from paletteot.tables import read_parquet
from tests.benchmark.solvers import code
from tests.small_project import ROOT, project

PAGE = (ROOT / "docs" / "add-a-method.md").read_text()


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.app, ["time-solvers", *(str(one) for one in arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def error(*arguments: object) -> str:
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("error: ").rstrip()


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(solvers, "OWN", {solvers.BASE: "cold_plain"})
    monkeypatch.chdir(project(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("small")
def test_the_pages_solver_runs_as_the_page_says():
    (example,) = re.findall(r"```python\n(# my_solver\.py\n.*?)```", PAGE, re.S)
    Path("my_solver.py").write_text(example)
    (line,) = re.findall(r"^paletteot time-solvers (.*)$", PAGE, re.M)
    result = run(*line.replace("--repeats 3", "--repeats 1").split())
    assert result.exit_code == 0, result.output
    assert "validation_unseen, 1 repeats" in result.stdout
    assert len(re.findall(r"^\| my_solver\.py:solve \| .* \| 0 of 3 \|", result.stdout, re.M)) == 2
    rows = read_parquet(Path("timed/solves.parquet"), schema.SOLVES)
    seconds = read_parquet(Path("timed/solves_seconds.parquet"), schema.SOLVES_SECONDS)
    assert len(rows) == len(seconds) == 2 * 2 * 3
    assert (rows["error"] <= rows["tolerance"]).all()
    assert rows["reached"].all()
    assert (seconds["seconds"] > 0).all()
    assert "| cold + plain |" in Path("timed/solvers.md").read_text()
    told = "--out must be a new folder, but timed exists"
    assert error("--out", "timed") == told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["theirs.py:good"], "theirs.py:good is code from outside the package, and running it can do whatever you can"),
        (["theirs.py", "--trust"], "a solver must be given as FILE.py:FUNCTION, but is 'theirs.py'"),
        (["none.py:solve", "--trust"], "none.py: no such file"),
        (
            ["theirs.py:good", "./theirs.py:good", "--trust"],
            "two solvers must not have the same file name and function",
        ),
        (["theirs.py:nonesuch", "--trust"], "theirs.py:nonesuch: it could not be made: AttributeError: "),
        (["--split", "test"], "--split must be one of train, validation_seen, "),
    ],
)
def test_what_cannot_be_timed_is_one_line(small, arguments, words):
    code(small, "good")
    assert error(*arguments).startswith(words)


@pytest.mark.usefixtures("small")
def test_nothing_of_it_ran_before_it_was_trusted():
    Path("theirs.py").write_text("open('was here', 'w')\n")
    error("theirs.py:solve")
    assert not Path("was here").exists()


def test_the_protocol_names_every_failure():
    protocol = (ROOT / "docs" / "protocol.md").read_text()
    kinds = schema.SOLVES["failure"].meaning.partition(";")[0].replace(" or ", ", ").split(", ")
    assert len(kinds) == 7
    assert all(f"(`{kind}`)" in protocol for kind in kinds)
