"""The table of solvers: failures as the cap, medians over repeats, ranks, and text as typed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from paletteot.benchmark.boards import solvers as solvers_board
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.tracks.race import COLUMNS
from paletteot.errors import DataError
from tests.benchmark import fake

CAP = 2.0
BASE = "cold + plain"
ODD = "a|b.py:solve"


def runs(seconds: dict[str, list[list[float]]], tolerance: float = 1e-9) -> pl.DataFrame:
    """Return rows; seconds: of each solver, problem by problem, its repeats; NaN for a failure."""
    rows = [
        {
            "method": name, "tolerance": tolerance, "pair_id": pair, "split": "test_unseen", "repeat": repeat,
            "order": 0, "error": None, "reached": bool(np.isfinite(one)), "failure": "" if np.isfinite(one) else "hang",
            "told": "" if np.isfinite(one) else "it did <b>not</b> answer", "cpu_seconds": 0.9 * np.nan_to_num(one),
            "seconds": float(np.nan_to_num(one, nan=0.001)),
        }
        for name, problems in seconds.items()
        for pair, repeats in enumerate(problems)
        for repeat, one in enumerate(repeats)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=COLUMNS)


def pictures(problems: int) -> Bootstrap:
    names = [f"p{row}" for row in range(problems)]
    frame = pl.DataFrame(
        {"pair_id": range(problems), "source": names, "target": names[1:] + names[:1]},
        schema_overrides={"pair_id": pl.Int32},
    )
    return Bootstrap(frame, fake.alone(frame), 100, 0)


def test_a_failure_stands_as_the_cap_and_a_problem_as_its_median_repeat():
    nan = np.nan
    made = runs({BASE: [[1.0, 1.0, 1.0]] * 3, ODD: [[0.1, 0.3, nan], [0.1, nan, nan], [5.0, 0.2, 0.1]]})
    scores = solvers_board.scored(made, CAP).filter(pl.col("method") == ODD)
    assert scores["score"].to_list() == [0.3, CAP, 0.2]
    row = solvers_board.rows(made, pictures(3), base=BASE, cap=CAP).row(
        by_predicate=pl.col("method") == ODD, named=True
    )
    assert (row["problems"], row["runs"], row["failures"]) == (3, 9, 3)
    assert row["median_ms"] == 300
    assert row["mean_ms"] == pytest.approx(2500 / 3)
    assert row["ratio"] == pytest.approx(0.3)


def test_the_faster_one_ranks_first_and_equal_ones_tie():
    rng = np.random.default_rng(0)
    hard = rng.lognormal(-6, 0.5, 40)
    times = {BASE: hard, "half": hard / 2, "other": hard / 2, "never": np.full(40, np.nan)}
    loose = runs({name: [[one] for one in column] for name, column in times.items()}, 1e-4)
    tight = runs({name: [[2 * one] for one in column] for name, column in times.items()})
    board = solvers_board.rows(pl.concat([tight, loose]), pictures(40), base=BASE, cap=CAP)
    assert board["tolerance"].to_list() == [1e-4] * 4 + [1e-9] * 4
    assert board["method"].to_list() == ["half", "other", BASE, "never"] * 2
    assert board["rank"].to_list() == [1, 1, 3, 4] * 2
    assert board["ties"].to_list() == ["other", "half", "", ""] * 2
    assert board["cpu"][0] == pytest.approx(0.9)


def test_the_table_shows_failures_and_names_as_typed():
    made = runs({BASE: [[1.0]] * 4, ODD: [[0.5], [np.nan], [0.5], [np.nan]]})
    board = solvers_board.rows(made, pictures(4), base=BASE, cap=CAP)
    text = solvers_board.to_markdown(board, made, base=BASE, cap=CAP)
    lines = text.splitlines()
    assert "To an L1 marginal error of 1e-9, 4 problems of 4 photographs:" in lines
    assert "4 photographs: no interval worth reading, nor a rank." in lines
    assert any(line.startswith("| a\\|b.py:solve | ") and "| 2 of 4 |" in line for line in lines)
    assert "- a\\|b.py:solve: 2 x hang, it did \\<b\\>not\\</b\\> answer" in lines
    assert "a failure stands as 2 s" in text


def test_without_the_base_there_is_no_ratio():
    with pytest.raises(DataError, match=r"the run must hold cold \+ plain, which every ratio is taken to"):
        solvers_board.rows(runs({ODD: [[1.0]]}), pictures(1), base=BASE, cap=CAP)
