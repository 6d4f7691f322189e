from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from paletteot import warmstarts
from paletteot.benchmark import evaluate
from paletteot.dataset import schema
from paletteot.dataset.load import Pairs, Palettes
from paletteot.errors import DataError, ParamsError
from paletteot.ot import newton, sinkhorn
from paletteot.warmstarts.contract import Start, WarmStart
from tests.conftest import palette

PROTOCOL = {"eps": 0.5, "atol": 1e-4, "max_iterations": 20_000}


@pytest.fixture
def pairs() -> Pairs:
    made = [palette(np.random.default_rng(row), 12) for row in range(6)]
    made[2][1][:3] = 0  # a palette with atoms of weight zero
    made[2][1][:] /= made[2][1].sum()
    palettes = Palettes(list("abcdef"), list("ababab"), np.stack([x for x, _ in made]), np.stack([a for _, a in made]))
    source, target = np.array([0, 1, 2, 3]), np.array([4, 5, 1, 2])
    frame = pl.DataFrame(
        {"pair_id": range(4), "split": ["test_seen"] * 4, "source": list("abcd"), "target": list("efbc")},
        schema=schema.dtypes(schema.PAIRS),
    )
    return Pairs(palettes, frame, source, target)


class Exact:
    """Knows the answer; says it spent three passes on it."""

    name, summary, citation = "exact", "the solution", "none"

    def start(self, problems):
        return Start(np.stack([newton.solve(problems[row]).g for row in range(len(problems))]), iterations=3)


class Wrong:
    name, summary, citation = "wrong", "returns what it is told", "none"

    def __init__(self, make):
        self.make = make

    def start(self, problems):
        return Start(self.make(problems.b))


@pytest.mark.parametrize("name", ["cold", "lp_duals"])
def test_a_contestant_answers_in_the_contract(name, pairs):
    contestant = warmstarts.create(name)
    assert isinstance(contestant, WarmStart)
    problems = pairs.problems(0.5)
    before = [array.copy() for array in (problems.x, problems.a, problems.y, problems.b)]
    g = contestant.start(problems).g
    assert (g.dtype, g.shape) == (np.float64, (4, 12))
    for was, now in zip(before, (problems.x, problems.a, problems.y, problems.b), strict=True):
        np.testing.assert_array_equal(was, now)
    assert contestant.name == name


def test_rows_are_those_of_the_reference_iteration(pairs):
    frame = evaluate.track_a(warmstarts.create("cold"), pairs, **PROTOCOL)
    problems = pairs.problems(0.5)
    assert frame["iterations"].to_list() == [sinkhorn.reference_log_domain(problems[row])[0] for row in range(4)]
    assert frame["converged"].all()
    assert (frame["init_iterations"] == 0).all()
    assert (frame["total_seconds"] > frame["init_seconds"]).all()
    for table in (schema.ITERATIONS, schema.SECONDS):
        schema.check(frame, table, "rows")


def test_the_solution_needs_no_iteration_and_its_passes_are_counted(pairs):
    frame = evaluate.track_a(Exact(), pairs, **PROTOCOL)
    assert frame["iterations"].to_list() == [0] * 4
    assert frame["init_iterations"].to_list() == [3] * 4
    assert (frame["error_0"] < 1e-8).all()


def test_a_warm_start_asks_fewer_iterations_and_both_converge(pairs):
    cold, warm = (evaluate.track_a(warmstarts.create(name), pairs, **PROTOCOL) for name in ("cold", "lp_duals"))
    assert cold["converged"].all()
    assert warm["converged"].all()
    assert warm["iterations"].sum() < cold["iterations"].sum()


def test_a_run_at_the_cap_is_recorded(pairs):
    frame = evaluate.track_a(warmstarts.create("cold"), pairs, eps=0.5, atol=1e-4, max_iterations=3)
    assert frame["iterations"].to_list() == [3] * 4
    assert not frame["converged"].any()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda b: b.astype(np.float32),
            r"wrong: start must return g as float64 of shape \(4, 12\), but returned float32",
        ),
        (lambda b: b[:, :5], r"of shape \(4, 12\), but returned float64 \(4, 5\)"),
        (lambda b: b.tolist(), "but returned list"),
        (lambda b: np.where(np.arange(4)[:, None] == 1, np.nan, b), "wrong: g of pair 1 is not finite"),
    ],
)
def test_an_illegal_start_is_named(pairs, make, words):
    with pytest.raises(DataError, match=words):
        evaluate.track_a(Wrong(make), pairs, **PROTOCOL)


def test_an_unknown_contestant_gets_the_legal_names():
    with pytest.raises(
        ParamsError, match="method must be one of cold, lp_duals, plan_network, dual_network, but is 'hot'"
    ):
        warmstarts.create("hot")
