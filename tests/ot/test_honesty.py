"""No run counts as converged whose error, computed afresh from what it returned, is not small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot.ot import accelerated, accelerated_kernels, kernels, sinkhorn
from paletteot.ot.problem import Problem
from tests.conftest import palette

# ruff: noqa: ARG001, ARG005 - stand-ins for compiled loops take their arguments

RUNS = (accelerated.plain, accelerated.relaxed, accelerated.anderson)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000), exponent=st.integers(-4, 2), scale=st.sampled_from([1e-3, 1.0, 1e3, 1e6]),
    far=st.sampled_from([0.0, 10.0, 3000.0]),
)  # fmt: skip
def test_what_is_said_to_be_reached_is(seed, exponent, scale, far):
    rng = np.random.default_rng(seed)
    (x, a), (y, b) = palette(rng, 8), palette(rng, 7)
    problem, g = Problem(x * scale, a, y * scale, b, 10.0**exponent), rng.normal(size=7) * far
    for run in RUNS:
        found = run(problem, g, max_iterations=500)
        left = sinkhorn.marginal_error(problem, found.g)
        for tolerance, count, converged in zip(accelerated.TOLERANCES, found.iterations, found.converged, strict=True):
            assert (left <= 2.1 * tolerance) if converged else (count == 500)
    for atol in (1e-2, 1e-4, 1e-8):
        found = sinkhorn.reference(problem, g, atol=atol, max_iterations=500)
        if found.converged:
            assert sinkhorn.marginal_error(problem, found.g) <= 2.1 * np.expm1(atol)
        else:
            assert found.iterations == 500


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 30), l=st.integers(1, 30), eps=st.sampled_from([0.1, 1.0, 20.0]))
def test_the_error_afresh_is_that_of_the_plan(seed, k, l, eps):
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, k), *palette(rng, l), eps)
    g = rng.normal(size=l) * 5
    error = kernels.target_error(problem.cost, problem.a, problem.b, eps, g)
    assert error == pytest.approx(sinkhorn.marginal_error(problem, g), abs=1e-12)
    g[0] = np.nan
    assert np.isnan(kernels.target_error(problem.cost, problem.a, problem.b, eps, g))


@pytest.mark.parametrize("spoil", [lambda g: None, lambda g: g.fill(np.nan)])
def test_a_claim_that_the_potentials_do_not_bear_out_is_censored(make_problem, monkeypatch, spoil):
    def claims(cost, a, b, eps, g, setting, wanted, cap, counts):
        spoil(g)
        counts[:] = 3
        return 0.0, 0

    for name in ("anderson", "relaxed"):
        monkeypatch.setattr(accelerated_kernels, name, claims)
    for run in RUNS:
        found = run(make_problem(), max_iterations=77)
        assert found.iterations.tolist() == [77, 77]
        assert not found.converged.any()


def test_each_tolerance_is_judged_by_itself(make_problem, monkeypatch):
    problem = make_problem()
    near = sinkhorn.reference(problem, atol=1e-7).g

    def claims(cost, a, b, eps, g, setting, wanted, cap, counts):
        g[:] = near
        counts[:] = 3, 4
        return 0.0, 0

    monkeypatch.setattr(accelerated_kernels, "anderson", claims)
    found = accelerated.anderson(problem, max_iterations=77)
    assert found.iterations.tolist() == [3, 77]
    assert found.converged.tolist() == [True, False]


@pytest.mark.parametrize("left", [1.0, 2.1e-4, np.nan])
def test_a_stop_with_an_error_that_it_does_not_imply_is_censored(make_problem, monkeypatch, left):
    def stops(cost, a, b, eps, g, atols, cap, counts, errors):
        counts[:], errors[:] = 0, left
        return len(atols)

    monkeypatch.setattr(kernels, "iterate", stops)
    run = sinkhorn.reference(make_problem(), max_iterations=77)
    assert (run.iterations, run.converged) == (77, False)
    counts, converged = sinkhorn.reference_at(make_problem(), atols=(1e-2, 1e-4), max_iterations=77)
    assert not converged[1]
    assert counts[1] == 77
    assert converged[0] == (left < 1e-2)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), atol=st.sampled_from([1e-1, 1e-3, 1e-5]), eps=st.sampled_from([0.3, 1.0, 20.0]))
def test_the_error_at_a_stop_is_at_most_what_the_stop_implies(seed, atol, eps):
    """Changes of log v by at most atol: sum_j b_j |exp(change_j) - 1| <= expm1(atol), and passes only lower it."""
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, 9), *palette(rng, 12), eps)
    run = sinkhorn.reference(problem, atol=atol, max_iterations=3000)
    if run.converged:
        assert run.errors[-1] <= np.expm1(atol) + 1e-12
