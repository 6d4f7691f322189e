from __future__ import annotations

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from paletteot.ot import newton, sinkhorn
from paletteot.ot.problem import Problem
from tests.conftest import palette


def random_problem(seed: int, k: int = 14, l: int = 11, eps: float = 0.3) -> Problem:
    rng = np.random.default_rng(seed)
    return Problem(*palette(rng, k), *palette(rng, l), eps)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), eps=st.sampled_from([0.05, 0.1, 1.0]))
def test_optimality_conditions_and_gauge(seed, eps):
    problem = random_problem(seed, eps=eps)
    solution = newton.solve(problem)
    coupling = sinkhorn.plan(problem, solution.g)
    assert np.abs(coupling.sum(0) - problem.b).sum() + np.abs(coupling.sum(1) - problem.a).sum() <= 1.001e-9
    assert abs(problem.b @ solution.g) < 1e-10
    # The plan has Gibbs form: eps log(P / a b^T) + C is a sum of a function of i and a function of j.
    f = sinkhorn.source_potential(problem, solution.g)
    gibbs = problem.eps * np.log(coupling / np.outer(problem.a, problem.b), where=coupling > 1e-250,
                                 out=np.zeros_like(coupling)) + problem.cost  # fmt: skip
    np.testing.assert_allclose(
        np.where(coupling > 1e-250, gibbs, 0), np.where(coupling > 1e-250, f[:, None] + solution.g, 0), atol=1e-9
    )


def test_primal_and_dual_values_meet():
    problem = random_problem(1)
    solution = newton.solve(problem, tolerance=1e-12)
    coupling = sinkhorn.plan(problem, solution.g)
    relative = np.where(coupling > 0, coupling * np.log(coupling / np.outer(problem.a, problem.b)), 0)
    primal = (coupling * problem.cost).sum() + problem.eps * relative.sum()
    dual, _ = newton.semi_dual(problem.cost, problem.a, problem.b, problem.eps, solution.g)
    assert primal == pytest.approx(dual, abs=1e-9)


def test_semi_dual_gradient_is_the_marginal_residual():
    problem = random_problem(2)
    g = np.random.default_rng(3).normal(size=11)

    def value(h: np.ndarray) -> float:
        return newton.semi_dual(problem.cost, problem.a, problem.b, problem.eps, h)[0]

    _, coupling = newton.semi_dual(problem.cost, problem.a, problem.b, problem.eps, g)
    np.testing.assert_allclose(problem.b - coupling.sum(0), approx_fprime(g, value, 1e-6), atol=1e-5)


def test_agrees_with_pot_and_with_the_reference_iteration():
    problem = random_problem(4, eps=1.0)
    ours = sinkhorn.plan(problem, newton.solve(problem).g)
    theirs = ot.sinkhorn(
        problem.a, problem.b, problem.cost, reg=1.0, method="sinkhorn_log", stopThr=1e-13, numItermax=20000
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-9)
    assert sinkhorn.reference(problem, newton.solve(problem).g).iterations == 0


def test_lp_duals_are_feasible_and_optimal():
    problem = random_problem(5)
    g = newton.lp_duals(problem)
    f = (problem.cost - g).min(axis=1)
    assert problem.a @ f + problem.b @ g == pytest.approx(ot.emd2(problem.a, problem.b, problem.cost), rel=1e-10)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_swapping_the_palettes_transposes_the_plan(seed):
    problem = random_problem(seed)
    there = sinkhorn.plan(problem, newton.solve(problem).g)
    back = sinkhorn.plan(problem.swapped(), newton.solve(problem.swapped()).g)
    np.testing.assert_allclose(there, back.T, atol=3e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_permuting_atoms_permutes_the_potentials(seed):
    problem = random_problem(seed)
    order = np.random.default_rng(seed).permutation(11)
    permuted = Problem(problem.x, problem.a, problem.y[order], problem.b[order], problem.eps)
    one, other = newton.solve(problem, tolerance=1e-11).g[order], newton.solve(permuted, tolerance=1e-11).g
    # Atoms that the plan hardly links carry potentials that the marginals determine less sharply.
    np.testing.assert_allclose(
        sinkhorn.plan(permuted, one), sinkhorn.plan(permuted, other), atol=1e-10
    )  # fmt: skip


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_common_isometry_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    shift = rng.normal(size=3) * 40
    moved = Problem(problem.x @ rotation + shift, problem.a, problem.y @ rotation + shift, problem.b, problem.eps)
    one, other = newton.solve(problem, tolerance=1e-11).g, newton.solve(moved, tolerance=1e-11).g
    np.testing.assert_allclose(sinkhorn.plan(problem, one), sinkhorn.plan(problem, other), atol=1e-9)


def test_weight_zero_gets_potential_zero():
    problem = random_problem(6)
    padded = Problem(problem.x, problem.a, np.vstack([problem.y, [[1.0, 2, 3]]]), np.append(problem.b, 0), problem.eps)
    np.testing.assert_array_equal(newton.solve(padded).g, np.append(newton.solve(problem).g, 0))


def test_one_atom_each():
    problem = Problem(np.zeros((1, 3)), np.ones(1), np.ones((1, 3)), np.ones(1), 0.1)
    assert newton.solve(problem).g == pytest.approx([0.0])
    np.testing.assert_allclose(sinkhorn.plan(problem, newton.solve(problem).g), [[1.0]])


def test_too_few_steps_is_an_error_not_a_label():
    with pytest.raises(newton.NotSolvedError, match="after 1 steps"):
        newton.solve(random_problem(7, eps=0.05), sinkhorn.cold(random_problem(7, eps=0.05)), max_steps=1)
