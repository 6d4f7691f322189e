from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from paletteot.errors import ProblemError
from paletteot.ot import newton, sinkhorn
from paletteot.ot.problem import Problem
from paletteot.ot.schedule import HOTTEST, schedule
from tests.conftest import palette


def literally(problem, temperatures):
    """Return g after one iteration in the log domain at each of the temperatures."""
    g = np.zeros(len(problem.b))
    for eps in temperatures:
        f = -eps * logsumexp((g - problem.cost) / eps, b=problem.b, axis=1)
        g = -eps * logsumexp((f[:, None] - problem.cost) / eps, b=problem.a[:, None], axis=0)
    return g - problem.b @ g


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000), k=st.integers(1, 14), l=st.integers(1, 14),
    eps=st.sampled_from([0.02, 0.1, 1.0, 30.0]), iterations=st.integers(2, 12),
)  # fmt: skip
def test_it_is_one_iteration_at_each_eps(seed, k, l, eps, iterations):
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, k), *palette(rng, l), eps)
    expected = literally(problem, np.geomspace(HOTTEST, eps, iterations))
    np.testing.assert_allclose(schedule(problem, iterations), expected, atol=1e-9)


@pytest.mark.parametrize("eps", [0.001, 0.02, 0.5])
def test_a_single_iteration_is_at_the_problems_eps(make_problem, eps):
    problem = make_problem(2, k=13, l=17, eps=eps)  # at 0.001 whole columns underflow, and are done anew
    np.testing.assert_allclose(schedule(problem, 1), literally(problem, [eps]), atol=1e-9)


def test_nothing_is_hotter_than_a_problem_that_is_hotter_than_the_hottest(make_problem):
    problem = make_problem(3, k=9, l=8, eps=60.0)
    np.testing.assert_allclose(schedule(problem, 4), literally(problem, [60.0] * 4), atol=1e-9)


def test_the_hottest_may_be_chosen(make_problem):
    problem = make_problem(4, k=9, l=8, eps=0.5)
    np.testing.assert_allclose(schedule(problem, 5, 8.0), literally(problem, np.geomspace(8, 0.5, 5)), atol=1e-9)


def test_it_comes_nearer_to_the_solution_with_more_iterations(make_problem):
    problem = make_problem(5, k=40, eps=0.1)
    truth = newton.solve(problem).g
    errors = [np.abs(schedule(problem, n) - truth) @ problem.b for n in (1, 5, 20, 80)]
    assert errors == sorted(errors, reverse=True)


def test_atoms_of_weight_zero_change_nothing_and_get_zero(make_problem):
    problem = make_problem(6, k=10, l=8)
    padded = Problem(
        np.vstack([np.zeros((2, 3)), problem.x]), np.append([0, 0], problem.a),
        np.vstack([problem.y, np.full((3, 3), np.nan)]), np.append(problem.b, [0, 0, 0]), problem.eps,
    )  # fmt: skip
    np.testing.assert_array_equal(schedule(padded, 6), np.append(schedule(problem, 6), [0, 0, 0]))


def test_it_is_in_the_gauge_and_the_problem_stays(make_problem):
    problem = make_problem(7)
    before = problem.y.copy()
    assert problem.b @ schedule(problem, 10) == pytest.approx(0, abs=1e-12)
    np.testing.assert_array_equal(problem.y, before)
    assert np.isfinite(sinkhorn.marginal_error(problem, schedule(problem, 10)))


@pytest.mark.parametrize(
    ("iterations", "hottest", "words"),
    [
        (0, 40.0, "iterations must be at least 1, but is 0"),
        (-3, 40.0, "iterations must be at least 1, but is -3"),
        (10, 0.0, r"hottest must be a positive number of LAB units, but is 0\.0"),
        (10, float("nan"), "hottest must be a positive number of LAB units, but is nan"),
    ],
)
def test_what_is_no_schedule_is_refused(make_problem, iterations, hottest, words):
    with pytest.raises(ProblemError, match=words):
        schedule(make_problem(k=4), iterations, hottest)
