from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from paletteot import warmstarts
from paletteot.benchmark import schema
from paletteot.benchmark.boards import ladder
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import RUNGS
from paletteot.benchmark.tracks import reference
from paletteot.benchmark.tracks.asking import ask
from paletteot.errors import DataError
from paletteot.ot import sinkhorn
from paletteot.tables import check_table
from tests.benchmark import fake
from tests.benchmark.starts import Exact, Told, pairs


def test_the_reference_stop_is_a_rung():
    assert sinkhorn.ATOL in RUNGS


def test_rows_are_a_ladder_for_each_problem():
    starts = ask(warmstarts.create("epsilon_schedule_10"), pairs())
    rows = reference.ladder(starts, max_iterations=20_000)
    check_table(rows, schema.LADDER, "rows")
    assert rows["pair_id"].to_list() == [pair for pair in range(4) for _ in RUNGS]
    assert rows["atol"].to_list() == list(RUNGS) * 4
    assert rows["iterations"].to_list() == [
        sinkhorn.reference(starts.problems[row], starts.g[row], atol=atol).iterations
        for row in range(4) for atol in RUNGS
    ]  # fmt: skip
    assert set(rows["init_iterations"]) == {10}
    assert not rows["fallback"].any()


def ladders(**more: object) -> dict[str, pl.DataFrame]:
    contestants = {"cold": warmstarts.create("cold"), "exact": Exact(), **more}
    return {name: reference.ladder(ask(one, pairs()), max_iterations=2000) for name, one in contestants.items()}


def pictures() -> Bootstrap:
    return Bootstrap(pairs().frame, fake.alone(pairs().frame), 100, 0)


def test_the_board_has_a_ratio_at_every_rung():
    nan = Told(lambda g: np.where(np.arange(len(g))[:, None] == 0, np.nan, g), name="nan")
    board = ladder.board(ladders(nan=nan), pictures())
    assert board["method"].to_list() == [name for name in ("cold", "exact", "nan") for _ in RUNGS]
    assert board["atol"].to_list() == list(RUNGS) * 3
    assert (board.filter(pl.col("method") == "cold")["ratio_median"] == 1).all()
    cold = ladders()["cold"]
    for atol, row in zip(RUNGS, board.filter(pl.col("method") == "exact").iter_rows(named=True), strict=True):
        counts = cold.filter(pl.col("atol") == atol)["iterations"]
        assert row["median"] == 3  # no iteration, and the three passes of the start
        assert row["ratio_median"] == pytest.approx(float((3 / counts).median()))
        assert row["ratio_low"] <= row["ratio_median"] <= row["ratio_high"]


def test_people_see_a_line_for_each_method_and_a_column_for_each_rung():
    header, lines = ladder.page_rows(ladder.board(ladders(), pictures()))
    assert header == ["start", "0.01", "0.001", "0.0001", "1e-05", "1e-06"]
    assert [line[0] for line in lines] == ["cold", "exact"]
    assert lines[0][1:] == ["1.000"] * 5  # of too few photographs for an interval
    assert all(len(line) == len(header) for line in lines)


def test_a_board_needs_the_cold_start_and_the_same_pairs():
    made = ladders()
    with pytest.raises(DataError, match="the tolerance ladder of exact must hold the pairs of cold"):
        ladder.board({**made, "exact": made["exact"].filter(pl.col("pair_id") > 0)}, pictures())
    del made["cold"]
    with pytest.raises(DataError, match="the tolerance ladder must hold cold, which every ratio is taken to"):
        ladder.board(made, pictures())
