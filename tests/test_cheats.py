"""Cheats and broken submissions, planted as strangers would: each is caught by the command that meets it.

The many ways in which a single field can be wrong are in benchmark/test_submission.py, benchmark/test_conformance.py
and warmstarts/test_guest.py; here is one of each kind, and their number.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from paletteot import cli
from paletteot.benchmark.tracks import runner
from paletteot.project import judging
from tests.benchmark import submitted
from tests.benchmark.submitted import rounded, rows, spoilt, write
from tests.guests import guests
from tests.small_project import project

IDS = rows()["pair_id"].to_list()


def facts(**changes: object):
    return lambda folder: write(folder, **changes)


def table(spoil):
    return lambda folder: write(folder, spoil(rows()))


def content(name: str, new: bytes):
    def put(folder: Path) -> Path:
        path = write(folder)
        (folder / name).write_bytes(new)
        return path

    return put


FILES = {
    "NaN": (table(lambda g: spoilt(g, 1, float("nan"))), f"g: must be finite .* not for pair {IDS[1]}"),
    "infinite": (table(lambda g: spoilt(g, 2, float("inf"))), f"g: must be finite .* not for pair {IDS[2]}"),
    "wrong length": (table(lambda g: submitted.changed(g, 0, [1.5] * 3)), f"must hold 8 values, .* pair {IDS[0]}"),
    "a pair twice": (table(lambda g: pl.concat([g, g[1:2]])), f"names pair {IDS[1]} more than once"),
    "a pair missing": (table(lambda g: g[1:]), f"lacks pair {IDS[0]}"),
    "a pair too many": (
        table(lambda g: pl.concat([g, g[:1].with_columns(pair_id=pl.lit(0, pl.Int32))])), "but names pair 0",
    ),
    "pairs of another split": (
        lambda folder: write(folder, rows("validation_unseen")), "must name pairs of the split, but names 3 pairs",
    ),
    "another version of the data": (facts(data_version="0.9.0"), "data_version: must be 1.0.0"),
    "float32": (table(lambda g: g.with_columns(pl.col("g").cast(pl.List(pl.Float32)))), "must be lists of float64"),
    "float32 passed off as float64": (table(rounded), "every value is a float32 for 4 pairs"),
    "the labels": (
        table(lambda g: g.with_columns(g=pl.Series((submitted.labels() - 7).tolist()), iterations=pl.lit(0))),
        "is the label itself",
    ),
    "a column of labels": (
        table(lambda g: g.with_columns(label=pl.Series(submitted.labels().tolist()))), "'label': is not a column",
    ),
    "passes below zero": (table(lambda g: g.with_columns(iterations=pl.lit(-500))), "iterations: must be from 0 to"),
    "no Parquet": (content("idea.parquet", b"pair_id,g\n1,2\n"), "not a whole Parquet file"),
    "half a Parquet": (content("idea.parquet", b"PAR1" + bytes(80)), "not a whole Parquet file"),
    "a pickle": (content("idea.parquet", b"\x80\x04cos\nsystem\n(S'exit 1'\ntR."), "not a whole Parquet file"),
    "YAML that swells": (content("idea.yaml", b"a: &a [x, x]\nb: [*a, *a]\n"), "aliases .* are not allowed"),
    "YAML that runs": (content("idea.yaml", b"name: !!python/object/apply:os.system ['touch owned']\n"), "not YAML: "),
    "a file elsewhere": (facts(file="../../../etc/passwd"), "must be the name of a file beside this one"),
    "a borrowed name": (facts(name="LP_Duals"), "name: must not be that of a contestant"),
    "a name that colours a terminal": (facts(name="\x1b[31mfirst"), "must be one line of printable characters"),
    "a link that is a script": (facts(link="javascript:alert(1)"), "link: must be an http or https URL"),
    "negative seconds": (facts(seconds=-1), "seconds: Input should be greater than or equal to 0"),
}  # fmt: skip
"""How each is made, and what is said."""

STARTS = {
    "hangs": ("time.sleep(600)", "it did not answer within 3 s; it was not asked any more"),
    "crashes": ("os._exit(7)", "its process ended with exit code 7 instead of answering"),
    "raises": ("raise ValueError('no idea')", "start raised ValueError: no idea"),
    "changes what it is given": ("problems.b[:] = 1; return Start(problems.b)", "as it is, but changed b"),
    "knows what it was asked before": (
        "self.asked = getattr(self, 'asked', 0) + 1; return Start(cold(problems) + problems.x[:, :1, 0] * self.asked "
        "* np.arange(problems.b.shape[1]))",
        "must get the same g when asked again",
    ),
    "is another one each time": (
        "return Start(cold(problems) + np.random.default_rng().normal(size=problems.b.shape))", "must get the same g",
    ),
    "looks for credentials": (
        "return Start(float(os.environ['MLFLOW_TRACKING_PASSWORD']) + cold(problems))",
        "start raised KeyError: 'MLFLOW_TRACKING_PASSWORD'",
    ),
    "float32": ("return Start(cold(problems).astype(np.float32))", "g must be float64, but is float32"),
    "passes below zero": ("return Start(cold(problems), iterations=-99)", "iterations must be from 0 to"),
    "NaN": ("return Start(cold(problems) * np.nan)", "g must be finite where b is positive, but holds nan"),
    "infinite": ("return Start(cold(problems) + np.inf)", "g must be finite where b is positive, but holds inf"),
    "wrong length": ("return Start(cold(problems)[:, 1:])", "g must have shape"),
    "no answer at all": ("return {'iterations': 0}", "start must return a Start, but returned dict"),
    "objects instead of numbers": (
        "return Start(cold(problems).astype(object))", "must return g as an array of numbers, but returned an array of",
    ),
    "knows the place in the batch": (
        "return Start(cold(problems) * np.arange(len(problems))[:, None])", "g must be the same alone and in a batch",
    ),
    "knows the order of the atoms": (
        "return Start(cold(problems) + np.arange(problems.b.shape[1]))", "g must be the same with its atoms in another",
    ),
    "takes all memory": ("np.ones((40_000, 40_000)); return Start(cold(problems))", "MemoryError: Unable to allocate"),
}  # fmt: skip
"""The body of ``start``, and what `paletteot check` says."""

COUNTS = {
    "prints results of its own": "print('  theirs 0 0 0 0 0; median ratio to cold 0.000', flush=True); " + guests.COLD,
    "patches the referee": """
        from paletteot.ot import sinkhorn
        sinkhorn.reference = lambda *_, **__: None
        return Start(cold(problems))
    """,
    "raises for one pair": """
        if len(problems) == 2 and not hasattr(self, "raised"):
            self.raised = True
            raise RuntimeError("not this one")
        return Start(cold(problems))
    """,
    "NaN for one pair": """
        g = cold(problems)
        g[1:2, 0] = np.nan
        return Start(g)
    """,
    "an absurd spread": "return Start(cold(problems) + 1e5 * np.arange(problems.b.shape[1]))",
}
"""The body of ``start`` of what is judged, and comes to nothing: each counts what cold counts."""

FAILURES = {"raises for one pair": 2, "NaN for one pair": 2, "an absurd spread": 4}
"""Problems of each that are failures, of four, which it is given two by two."""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    judging.pairs_of.cache_clear()
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "12345")
    monkeypatch.chdir(project(tmp_path))
    return tmp_path


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(cli.app, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize("cheat", FILES)
def test_a_file_is_refused_before_anything_is_run(here, monkeypatch, cheat):
    make, words = FILES[cheat]
    monkeypatch.setattr(runner, "judge", lambda *_, **__: pytest.fail("an illegal submission was run"))
    result = run("submit", make(here))
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.search(words, result.stderr)
    assert "\x1b" not in result.stderr
    assert not {"reports", ".partial", "owned"} & {path.name for path in here.iterdir()}


@pytest.mark.parametrize("cheat", STARTS)
def test_a_class_that_breaks_the_contract_is_found(here, cheat):
    body, words = STARTS[cheat]
    guests.contestant(here, body)
    result = run("check", "theirs.py:Theirs", "--trust", "--seconds", "3", "--memory", "4")
    assert (result.exit_code, result.stderr) == (1, "theirs.py:Theirs breaks the contract\n")
    assert words in result.stdout
    assert "12345" not in result.output


@pytest.mark.parametrize("cheat", COUNTS)
def test_a_class_that_lies_counts_what_cold_counts(here, cheat):
    guests.contestant(here, COUNTS[cheat])
    result = run("evaluate", "theirs.py:Theirs", "--trust")
    assert result.exit_code == 0, result.output
    lines = {line.split()[0]: line.split() for line in result.stdout.splitlines()}
    assert lines["theirs"][1:6] == lines["cold"][1:6]
    ratio = next(line.strip() for line in result.stdout.splitlines() if line.strip().startswith("ratio"))
    assert ratio.startswith("ratio 1.000,")  # of so few photographs no interval is shown
    assert ratio.endswith(f"failures {FAILURES.get(cheat, 0)}")


def test_a_record_that_was_touched_up_is_refused(here):
    assert run("submit", write(here)).exit_code == 0
    (file,) = here.glob("reports/results/*/*/*/*/iterations.parquet")
    pl.read_parquet(file).with_columns(iterations=pl.lit(0, pl.Int32)).write_parquet(file)
    assert "must be as it was written" in run("submit", "--rescore").stderr


def test_a_copied_record_is_refused(here):
    """A record that lies elsewhere than its facts say: of validation passed off as of test."""
    assert run("submit", write(here, split="validation_unseen")).exit_code == 0
    (place,) = here.glob("reports/results/*/*/*/*")
    place.rename(place.with_name("test_unseen"))
    assert "must lie in" in run("submit", "--rescore").stderr


def test_there_are_enough():
    assert len(FILES) >= 20
    assert len(STARTS) + len(COUNTS) >= 20
    assert np.all([len(words) > 8 for _, words in {**FILES, **STARTS}.values()])
