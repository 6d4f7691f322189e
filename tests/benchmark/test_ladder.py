from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot import warmstarts
from paletteot.benchmark import schema
from paletteot.benchmark.boards import ladder as boards
from paletteot.benchmark.pictures import Pictures
from paletteot.benchmark.protocol import RUNGS
from paletteot.benchmark.tracks import ladder
from paletteot.benchmark.tracks.asking import ask
from paletteot.errors import DataError, ProblemError
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Problem
from paletteot.tables import check_table
from tests.benchmark.starts import EPS, Exact, Told, pairs
from tests.conftest import palette


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000), eps=st.sampled_from([0.1, 0.3, 1.0]), far=st.sampled_from([0.0, 1.0, 100.0, 3000.0]),
    cap=st.sampled_from([0, 1, 50, 800]),
)  # fmt: skip
def test_every_count_is_that_of_the_reference(seed, eps, far, cap):
    """To the last one, and where kernels underflow."""
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, 9 + seed % 8), *palette(rng, 12), eps)
    g = None if far == 0 else rng.normal(size=12) * far
    climb = ladder.climb(problem, g, max_iterations=cap)
    runs = [sinkhorn.reference(problem, g, atol=atol, max_iterations=cap) for atol in RUNGS]
    assert climb.iterations.tolist() == [run.iterations for run in runs]
    assert climb.converged.tolist() == [run.converged for run in runs]


def test_the_reference_stop_is_a_rung():
    assert sinkhorn.ATOL in RUNGS


def test_one_iteration_may_reach_several_rungs(make_problem):
    problem = make_problem(1)
    assert ladder.climb(problem).iterations[0] > 0
    solved = sinkhorn.reference(problem, atol=1e-9).g
    assert ladder.climb(problem, solved).iterations.tolist() == [0] * 5


def test_atoms_of_weight_zero_change_nothing(make_problem):
    problem = make_problem(2, k=10, l=8)
    padded = Problem(
        problem.x, problem.a, np.vstack([problem.y, np.full((2, 3), 7.0)]), np.append(problem.b, [0, 0]), problem.eps
    )
    one, other = ladder.climb(problem), ladder.climb(padded)
    assert one.iterations.tolist() == other.iterations.tolist()


@pytest.mark.parametrize("rungs", [(), (1e-3, 1e-3), (1e-4, 1e-3), (0.0,), (1e-2, -1.0)])
def test_rungs_fall(make_problem, rungs):
    with pytest.raises(ProblemError, match="rungs must be positive and fall"):
        ladder.climb(make_problem(), rungs=rungs)


def test_rows_are_a_ladder_for_each_problem():
    starts = ask(warmstarts.create("epsilon_schedule_10"), pairs(), EPS)
    rows = ladder.ladder(starts, max_iterations=20_000)
    check_table(rows, schema.LADDER, "rows")
    assert rows["pair_id"].to_list() == [pair for pair in range(4) for _ in RUNGS]
    assert rows["atol"].to_list() == list(RUNGS) * 4
    assert rows["iterations"].to_list() == [
        count for row in range(4) for count in ladder.climb(starts.problems[row], starts.g[row]).iterations
    ]
    assert set(rows["init_iterations"]) == {10}
    assert not rows["fallback"].any()


def ladders(**more: object) -> dict[str, pl.DataFrame]:
    contestants = {"cold": warmstarts.create("cold"), "exact": Exact(), **more}
    return {name: ladder.ladder(ask(one, pairs(), EPS), max_iterations=2000) for name, one in contestants.items()}


def pictures() -> Pictures:
    return Pictures(pairs().frame.select("pair_id", "source", "target"), 100, 0)


def test_the_board_has_a_ratio_at_every_rung():
    nan = Told(lambda g: np.where(np.arange(len(g))[:, None] == 0, np.nan, g), name="nan")
    board = boards.board(ladders(nan=nan), pictures())
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
    header, lines = boards.page_rows(boards.board(ladders(), pictures()))
    assert header == ["start", "0.01", "0.001", "0.0001", "1e-05", "1e-06"]
    assert [line[0] for line in lines] == ["cold", "exact"]
    assert lines[0][1:] == ["1.000 (1.000 to 1.000)"] * 5
    assert all(len(line) == len(header) for line in lines)


def test_a_board_needs_the_cold_start_and_the_same_pairs():
    made = ladders()
    with pytest.raises(DataError, match="the tolerance ladder of exact must hold the pairs of cold"):
        boards.board({**made, "exact": made["exact"].filter(pl.col("pair_id") > 0)}, pictures())
    del made["cold"]
    with pytest.raises(DataError, match="the tolerance ladder must hold cold, which every ratio is taken to"):
        boards.board(made, pictures())
