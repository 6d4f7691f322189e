from __future__ import annotations

import numpy as np
import ot
import pytest

import paletteot
from paletteot.errors import ParamsError
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Problem, Problems
from paletteot.transfer.matching import make, match, starts
from paletteot.transfer.options import Options


def test_without_kept_neutrals_the_plan_is_the_exact_one(make_problem):
    problem = make_problem(seed=3, k=20)
    made = match(problem, Options(neutrals=0, cost="distance"))
    expected = paletteot.plan(problem, paletteot.solve(problem).g)
    np.testing.assert_allclose(made.plan, expected, atol=1e-12)
    np.testing.assert_allclose(made.targets, expected @ problem.y / problem.a[:, None], atol=1e-8)
    assert made.counts is None
    assert made.kept == 0


def test_rows_of_the_plan_sum_to_the_source_whatever_is_kept():
    problem = paletteot.example()
    made = match(problem, Options())
    np.testing.assert_allclose(made.plan.sum(axis=1), problem.a, atol=1e-7)


def test_iterations_are_those_of_the_reference_from_the_start_and_from_cold(make_problem):
    problem = make_problem(seed=4, k=20)
    made = match(problem, Options(neutrals=0, start="gaussian"))
    start = make("gaussian").start(Problems.of(problem))
    assert made.counts is not None
    assert made.counts.cold_iterations == sinkhorn.reference(problem).iterations
    assert made.counts.iterations == sinkhorn.reference(problem, start.g[0]).iterations + made.counts.own


def test_the_plan_of_the_network_alone_is_not_the_one_after_sinkhorn_from_it():
    pytest.importorskip("torch")
    problem = paletteot.example()
    alone = match(problem, Options(start="dual", network_only=True))
    after = match(problem, Options(start="dual"))
    exact = match(problem, Options(cost="distance"))
    assert np.abs(alone.plan - exact.plan).sum() > 10 * np.abs(after.plan - exact.plan).sum()
    assert np.abs(after.plan - exact.plan).sum() < 0.01
    assert alone.counts is not None
    assert after.counts is not None
    assert alone.counts.iterations == after.counts.iterations


@pytest.mark.parametrize("name", [name for name in starts() if name not in ("none", "dual")])
def test_every_start_that_is_named_starts(name, make_problem):
    assert match(make_problem(k=8), Options(start=name, neutrals=0)).counts is not None


def test_an_unknown_start_is_said_with_the_known_ones(make_problem):
    with pytest.raises(ParamsError, match=r"start must be one of none, dual, .*cold.*, but is 'warm'"):
        match(make_problem(k=8), Options(start="warm"))


def test_the_plan_of_squared_distances_is_that_of_another_library(make_problem):
    problem = make_problem(seed=5, k=20, eps=1.0)
    made = match(problem, Options(neutrals=0))
    cost = (((problem.x[:, None] - problem.y) * [2, 1, 1]) ** 2).sum(axis=2) / 100
    expected = ot.sinkhorn(problem.a, problem.b, cost, 1.0, method="sinkhorn_log", numItermax=10_000, stopThr=1e-12)
    np.testing.assert_allclose(made.plan, expected, atol=1e-8)


def test_squared_distances_keep_the_order_of_greys():
    """By distances any plan between greys that all go up costs the same; by their squares only the one in order."""
    rng = np.random.default_rng(0)
    dark, light = np.sort(rng.uniform(5, 30, 12)), np.sort(rng.uniform(60, 95, 12))
    x, y = np.zeros((12, 3)), np.zeros((12, 3))
    x[:, 0], y[:, 0] = dark, light
    even = np.full(12, 1 / 12)
    made = match(Problem(x, even, y, even, 0.01), Options(neutrals=0))
    assert (np.diff(made.targets[:, 0]) > 0).all()
    np.testing.assert_allclose(made.targets[:, 0], light, atol=2)


def test_a_start_knows_distances_alone():
    with pytest.raises(ParamsError, match="cost must be distance for the start cold, which knows no other"):
        Options(start="cold", cost="squared")
    with pytest.raises(ParamsError, match="cost must be one of squared, distance, but is 'cubic'"):
        Options(cost="cubic")


def test_an_eps_that_is_too_small_is_said():
    from paletteot.ot.newton import NotSolvedError

    example = paletteot.example()
    tiny = Problem(example.x, example.a, example.y, example.b, 1e-3)
    with pytest.raises(NotSolvedError, match=r"eps 0.001 is too small for squared distances"):
        match(tiny, Options(neutrals=0))
