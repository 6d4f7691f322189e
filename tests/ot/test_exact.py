from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paletteot
from paletteot.errors import ProblemError
from paletteot.ot import accelerated, exact, newton, sinkhorn
from paletteot.ot.certificate import certify
from paletteot.ot.problem import Problem
from paletteot.ot.schedule import schedule
from tests.conftest import palette


def passes_of(problem, start):
    run = accelerated.anderson(problem, start, memory=accelerated.MEMORY, tolerances=(5e-10,))
    return int(run.iterations[0])


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), eps=st.sampled_from([0.1, 0.3, 1.0, 20.0]))
def test_it_is_exact_and_newtons(seed, eps):
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, 14), *palette(rng, 11), eps)
    solution = exact.solve(problem)
    assert solution.marginal_error == pytest.approx(sinkhorn.marginal_error(problem, solution.g), abs=1e-12)
    assert solution.marginal_error <= 1e-9
    assert problem.b @ solution.g == pytest.approx(0, abs=1e-10)
    truth = newton.solve(problem, tolerance=1e-12).g
    np.testing.assert_allclose(sinkhorn.plan(problem, solution.g), sinkhorn.plan(problem, truth), atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("eps", [0.3, 1.0])
def test_its_potentials_are_newtons(make_problem, seed, eps):
    problem = make_problem(seed, k=40, eps=eps)
    truth = newton.solve(problem, tolerance=1e-12).g
    np.testing.assert_allclose(exact.solve(problem).g, truth, atol=1e-6)


def test_its_passes_are_the_schedules_and_the_iterations(make_problem):
    problem = make_problem(1, k=30, eps=0.3)
    solution = exact.solve(problem)
    assert solution.passes == exact.SCHEDULE + passes_of(problem, schedule(problem, exact.SCHEDULE))
    assert solution.newton_steps == 0
    assert solution.passes > exact.SCHEDULE


def test_from_potentials_there_is_no_schedule(make_problem):
    problem = make_problem(1, k=30, eps=0.3)
    start = newton.lp_duals(problem)
    before = start.copy()
    solution = exact.solve(problem, start)
    assert solution.passes == passes_of(problem, start)
    np.testing.assert_array_equal(start, before)
    again = exact.solve(problem, solution.g)
    assert again.passes == passes_of(problem, solution.g) <= 20  # a label is at most the tolerance, not half of it
    np.testing.assert_allclose(again.g, solution.g, atol=1e-7)


@pytest.mark.parametrize("patience", [0, 1, 7])
def test_newton_ends_what_passes_do_not(make_problem, monkeypatch, patience):
    problem = make_problem(2, k=30, eps=0.1)
    whole = exact.solve(problem)
    monkeypatch.setattr(exact, "PATIENCE", patience)
    solution = exact.solve(problem)
    assert solution.passes == exact.SCHEDULE + patience
    assert solution.newton_steps > 0 == whole.newton_steps
    assert solution.marginal_error <= 1e-9
    np.testing.assert_allclose(solution.g, whole.g, atol=1e-5)


def test_the_tolerance_may_be_chosen(make_problem):
    problem = make_problem(3, k=20, eps=0.3)
    loose, tight = (exact.solve(problem, tolerance=tolerance) for tolerance in (1e-4, 1e-11))
    assert tight.marginal_error <= 1e-11 < loose.marginal_error <= 1e-4
    assert loose.passes < tight.passes


def test_a_hard_problem_that_passes_do_not_solve_is_solved():
    """Supports far apart in two clusters that hardly meet: the iteration is slow, Newton is not."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(20, 3)), rng.normal(size=(20, 3)) + 60])
    y = np.concatenate([rng.normal(size=(18, 3)), rng.normal(size=(22, 3)) + 60])
    problem = Problem(x, rng.dirichlet(np.ones(40)), y, rng.dirichlet(np.ones(40)), 0.02)
    assert exact.solve(problem).marginal_error <= 1e-9


def test_atoms_of_weight_zero_change_nothing(make_problem):
    problem = make_problem(4, k=12, l=9)
    padded = Problem(
        np.vstack([np.full((1, 3), np.nan), problem.x]), np.append(0, problem.a),
        np.vstack([problem.y, np.zeros((2, 3))]), np.append(problem.b, [0, 0]), problem.eps,
    )  # fmt: skip
    here, there = exact.solve(problem), exact.solve(padded)
    np.testing.assert_array_equal(there.g, np.append(here.g, [0, 0]))
    assert (there.passes, there.newton_steps, there.certificate) == (here.passes, here.newton_steps, here.certificate)


def test_one_atom_each():
    problem = Problem(np.zeros((1, 3)), np.ones(1), np.ones((1, 3)), np.ones(1), 0.1)
    solution = exact.solve(problem)
    assert (solution.g.tolist(), solution.passes, solution.marginal_error) == ([0.0], exact.SCHEDULE, 0.0)


def test_it_is_what_the_package_calls_solve():
    assert paletteot.solve is exact.solve


@pytest.mark.parametrize(
    ("g", "words"), [(np.zeros(4), r"g must have shape \(5,\)"), (np.full(5, np.nan), "g must be finite")]
)
def test_bad_starts_are_refused(make_problem, g, words):
    with pytest.raises(ProblemError, match=words):
        exact.solve(make_problem(k=5), g)


@pytest.mark.parametrize(("seed", "k", "l"), [(1, 32, 48), (2, 64, 64)])
@pytest.mark.parametrize("eps", [1e-3, 1e-4])
def test_what_newton_solves_from_the_duals_is_solved(seed, k, l, eps):
    """From where the passes end Newton finds no way at an eps that small."""
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.2, 1, l)
    problem = Problem(
        rng.uniform(0, 100, (k, 3)), np.full(k, 1 / k), rng.uniform(0, 100, (l, 3)), weights / weights.sum(), eps
    )
    assert exact.solve(problem).marginal_error <= 1e-9


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000), k=st.integers(1, 8), l=st.integers(1, 8), exponent=st.floats(-9, 2),
    tolerance=st.sampled_from([1e-3, 1e-9, 1e-13]), few=st.booleans(),
)  # fmt: skip
def test_no_solution_is_beyond_the_tolerance(seed, k, l, exponent, tolerance, few):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, 100, (k, 3)), rng.uniform(0, 100, (l, 3))
    if few:
        x, y = x[rng.integers(0, k, k)], y[rng.integers(0, (l + 1) // 2, l)]
    problem = Problem(x, np.full(k, 1 / k), y, rng.dirichlet(np.ones(l)), 10.0**exponent)
    for solve in (exact.solve, newton.solve):
        try:
            solution = solve(problem, tolerance=tolerance)
        except newton.NotSolvedError:
            continue
        assert solution.marginal_error <= tolerance
        if solve is exact.solve:
            assert solution.marginal_error == certify(problem, solution.g).marginal_error


def test_what_rounding_does_not_allow_is_not_solved():
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 100, (128, 3))
    problem = Problem(rng.uniform(0, 100, (1, 3)), np.ones(1), y, np.full(128, 1 / 128), 1e-6)
    with pytest.raises(
        newton.NotSolvedError, match="L1 marginal error of at most 1e-09, eps may be too small"
    ) as caught:
        exact.solve(problem)
    assert "\n" not in str(caught.value)
    assert exact.solve(problem, tolerance=1e-6).marginal_error <= 1e-6
