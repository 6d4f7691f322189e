from __future__ import annotations

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot.errors import ProblemError
from paletteot.ot import newton, sinkhorn
from paletteot.ot.problem import Problem
from tests.conftest import palette


def two_atoms(eps: float = 1.0) -> Problem:
    """A problem small enough to follow by hand: C = [[0, 1], [1, 0]], a = b = (1/2, 1/2)."""
    points = np.array([[0.0, 0, 0], [1.0, 0, 0]])
    return Problem(points, np.full(2, 0.5), points, np.full(2, 0.5), eps)


def test_count_is_zero_when_the_first_iteration_moves_nothing():
    # By symmetry log v = const solves it: after one iteration log v is log v_0 up to a constant of the gauge, which the
    # row update has taken out, so nothing moves from the solution itself.
    problem = two_atoms()
    solution = newton.solve(problem, tolerance=1e-12).g
    run = sinkhorn.reference(problem, solution)
    assert (run.iterations, run.converged) == (0, True)


def test_cold_count_of_the_symmetric_problem_by_hand():
    # Cold, log v_0 = 0. u_i = (1/2) / (1 + e^-1), then v_j = (1/2) / (u (1 + e^-1)) = 1: the first iteration moves
    # nothing, t = 0.
    run = sinkhorn.reference(two_atoms())
    assert (run.iterations, run.converged) == (0, True)


def test_count_by_hand_where_two_iterations_are_needed():
    # One source atom: the row update of any g makes the plan b-marginal exact after one column update. From g = (0, 3)
    # iteration 0 moves log v, iteration 1 moves nothing: t = 1.
    y = np.array([[1.0, 0, 0], [2.0, 0, 0]])
    problem = Problem(np.zeros((1, 3)), np.ones(1), y, np.array([0.25, 0.75]), 1.0)
    run = sinkhorn.reference(problem, np.array([0.0, 3.0]))
    assert (run.iterations, run.converged) == (1, True)


def test_stop_is_absolute_and_includes_equality():
    # One source atom again: the first change of log v is known in closed form; a tolerance just above it stops at 0,
    # one just below goes on.
    y = np.array([[1.0, 0, 0], [2.0, 0, 0]])
    b = np.array([0.25, 0.75])
    problem = Problem(np.zeros((1, 3)), np.ones(1), y, b, 1.0)
    g = np.array([0.0, 3.0])
    log_v = g + np.log(b)
    log_u = -np.log(np.exp(-problem.cost[0] + log_v).sum())
    change = np.abs(np.log(b) - (log_u - problem.cost[0]) - log_v).max()
    assert sinkhorn.reference(problem, g, atol=change * (1 + 1e-9)).iterations == 0
    assert sinkhorn.reference(problem, g, atol=change * (1 - 1e-9)).iterations == 1


def test_a_run_at_the_cap_is_censored(make_problem):
    run = sinkhorn.reference(make_problem(eps=0.1), max_iterations=5)
    assert (run.iterations, run.converged) == (5, False)


def test_absorbed_counts_equal_log_domain_counts(make_problem):
    """150 problems, many far from a warm kernel; where a tie in the last bit moves a count by one, it is shown."""
    ties = []
    for seed in range(150):
        problem = make_problem(seed, k=16 + seed % 17, l=12 + seed % 23, eps=(0.1, 0.3, 1.0)[seed % 3],
                               spread=(2.0, 6.0, 15.0)[seed % 5 % 3])  # fmt: skip
        fast = sinkhorn.reference(problem, max_iterations=800)
        count, converged, change = sinkhorn.reference_log_domain(problem, max_iterations=800)
        if (fast.iterations, fast.converged) != (count, converged):
            assert abs(fast.iterations - count) == 1
            assert abs(change[0] - sinkhorn.ATOL) < 1e-9, "not a tie"
            ties.append((seed, fast.iterations, count, float(change[0])))
    print("ties in the last bit:", ties)
    assert len(ties) <= 2


@pytest.mark.parametrize("far", [30.0, 300.0, 3000.0])
def test_counts_equal_from_starts_that_underflow(make_problem, far):
    problem = make_problem(3, k=20, l=17, eps=0.1)
    g = np.random.default_rng(1).normal(size=17) * far
    count, converged, _ = sinkhorn.reference_log_domain(problem, g, max_iterations=3000)
    run = sinkhorn.reference(problem, g, max_iterations=3000)
    assert (run.iterations, run.converged) == (count, converged)


def test_errors_are_those_of_the_plan_rebuilt_after_that_many_iterations(make_problem):
    problem = make_problem(5, k=20, l=30, eps=0.3)
    run = sinkhorn.reference(problem)
    assert run.iterations > 100
    assert run.errors[0] == pytest.approx(sinkhorn.marginal_error(problem, sinkhorn.cold(problem)), rel=1e-9)
    for place, done in ((1, 1), (2, 10), (3, 100)):
        after = sinkhorn.reference(problem, max_iterations=done)
        assert run.errors[place] == pytest.approx(sinkhorn.marginal_error(problem, after.g), rel=1e-8)
    assert run.errors[4] == pytest.approx(sinkhorn.marginal_error(problem, run.g), rel=1e-6)
    assert (np.diff(run.errors) < 0).all()


def test_potentials_agree_with_pot(make_problem):
    problem = make_problem(2, k=15, l=18, eps=1.0)
    ours = sinkhorn.plan(problem, sinkhorn.reference(problem, atol=1e-12).g)
    theirs = ot.sinkhorn(
        problem.a, problem.b, problem.cost, reg=1.0, method="sinkhorn_log", stopThr=1e-13, numItermax=20000
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_plan_has_an_exact_source_marginal_whatever_g_is(make_problem):
    problem = make_problem(4, k=11, l=9, eps=0.1)
    coupling = sinkhorn.plan(problem, np.random.default_rng(0).normal(size=9) * 20)
    np.testing.assert_allclose(coupling.sum(1), problem.a, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-50, 50))
def test_count_and_plan_do_not_see_the_gauge(seed, shift):
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, 9), *palette(rng, 12), 0.5)
    g = rng.normal(size=12)
    np.testing.assert_allclose(sinkhorn.plan(problem, g + shift), sinkhorn.plan(problem, g), atol=1e-11)
    one, other = (sinkhorn.reference(problem, g + s, max_iterations=2000) for s in (0.0, shift))
    assert abs(one.iterations - other.iterations) <= 1  # a tie in the last bit may fall either way


def test_padding_changes_nothing_but_the_shape(make_problem):
    problem = make_problem(6, k=10, l=8)
    padded = Problem(
        np.vstack([problem.x[:4], np.zeros((2, 3)), problem.x[4:]]), np.insert(problem.a, 4, [0, 0]),
        np.vstack([problem.y, np.full((3, 3), 7.0)]), np.append(problem.b, [0, 0, 0]), problem.eps,
    )  # fmt: skip
    plain, wide = sinkhorn.reference(problem), sinkhorn.reference(padded)
    assert plain.iterations == wide.iterations
    np.testing.assert_array_equal(wide.g, np.append(plain.g, [0, 0, 0]))
    coupling = sinkhorn.plan(padded, wide.g)
    assert not coupling[4:6].any()
    assert not coupling[:, 8:].any()


def test_bad_starts_are_refused(make_problem):
    problem = make_problem(k=5)
    with pytest.raises(ProblemError, match=r"g must have shape \(5,\), but has \(4,\)"):
        sinkhorn.reference(problem, np.zeros(4))
    with pytest.raises(ProblemError, match="g must be finite"):
        sinkhorn.plan(problem, np.array([0, 0, np.inf, 0, 0]))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), eps=st.sampled_from([0.1, 0.5, 2.0]), far=st.sampled_from([0.0, 1.0, 300.0]),
    cap=st.sampled_from([0, 1, 40, 900]),
)  # fmt: skip
def test_several_stops_in_one_run_are_those_of_a_run_each(seed, eps, far, cap):
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, 9), *palette(rng, 12), eps)
    g = rng.normal(size=12) * far
    atols = (1.0, 1e-1, 1e-2, 1e-4, 1e-7)
    counts, converged = sinkhorn.reference_at(problem, g, atols=atols, max_iterations=cap)
    runs = [sinkhorn.reference(problem, g, atol=atol, max_iterations=cap) for atol in atols]
    assert counts.tolist() == [run.iterations for run in runs]
    assert converged.tolist() == [run.converged for run in runs]


@pytest.mark.parametrize("atols", [(), (1e-4, 1e-2), (1e-2, 1e-2), (0.0,), (np.nan,), "1e-4", None, 1e-4])
def test_stops_fall(make_problem, atols):
    with pytest.raises(ProblemError, match="atols must be positive and fall"):
        sinkhorn.reference_at(make_problem(k=4), atols=atols)


def test_a_stop_below_zero_is_refused(make_problem):
    with pytest.raises(ProblemError, match="atol must be at least 0, but is -1"):
        sinkhorn.reference(make_problem(k=4), atol=-1)
