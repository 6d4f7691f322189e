from __future__ import annotations

import numpy as np
import ot
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paletteot.errors import ProblemError
from paletteot.ot import newton, sinkhorn
from paletteot.ot.certificate import certify
from paletteot.ot.problem import Problem
from tests.conftest import palette


def by_the_formulas(problem, g):
    """The certificate by dense arrays, term by term."""
    coupling = sinkhorn.plan(problem, g)
    f = sinkhorn.source_potential(problem, g)
    mass = np.outer(problem.a, problem.b)
    on = coupling > 0
    divergence = (coupling[on] * np.log(coupling[on] / mass[on])).sum()
    primal = (coupling * problem.cost).sum() + problem.eps * divergence
    dual = f @ problem.a + g @ problem.b
    return (
        np.abs(coupling.sum(1) - problem.a).sum(), np.abs(coupling.sum(0) - problem.b).sum(), primal, dual,
        primal - dual,
    )  # fmt: skip


@given(seed=st.integers(0, 1000), k=st.integers(1, 12), l=st.integers(1, 12), noise=st.floats(0, 5))
def test_it_is_what_the_formulas_say(seed, k, l, noise):
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, k), *palette(rng, l), eps=0.5)
    g = rng.normal(size=l) * noise
    np.testing.assert_allclose(certify(problem, g), by_the_formulas(problem, g), rtol=1e-9, atol=1e-9)


def test_a_label_has_no_gap_and_the_value_of_another_solver(make_problem):
    problem = make_problem(seed=3)
    proof = certify(problem, newton.solve(problem, tolerance=1e-12).g)
    assert proof.source_error < 1e-14
    assert proof.target_error <= 1e-12
    assert abs(proof.gap) < 1e-10
    coupling = ot.sinkhorn(problem.a, problem.b, problem.cost, problem.eps, method="sinkhorn_log", stopThr=1e-12,
                           numItermax=100_000)  # fmt: skip
    mass = np.outer(problem.a, problem.b)
    value = (coupling * problem.cost).sum() + problem.eps * (coupling * np.log(coupling / mass)).sum()
    assert proof.primal == pytest.approx(value, abs=1e-8)


@given(seed=st.integers(0, 100), noise=st.floats(1e-6, 3))
def test_the_dual_value_is_as_near_the_optimum_as_the_bound_says(seed, noise):
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, 8), *palette(rng, 6), eps=0.5)
    best = newton.solve(problem, tolerance=1e-12)
    g = best.g + rng.normal(size=6) * noise
    proof = certify(problem, g)
    missing = certify(problem, best.g).dual - proof.dual
    assert -1e-10 <= missing <= proof.target_error * (np.ptp(g) + problem.cost.max()) / 2 + 1e-10


def test_atoms_of_weight_zero_do_not_count():
    rng = np.random.default_rng(5)
    (x, a), (y, b) = palette(rng, 6), palette(rng, 5)
    g = rng.normal(size=5)
    padded = Problem(
        np.vstack([x, np.zeros((1, 3))]), np.append(a, 0.0), np.vstack([y, np.zeros((2, 3))]), np.append(b, [0, 0]), 0.5
    )
    assert certify(padded, np.append(g, [0, 0])) == certify(Problem(x, a, y, b, 0.5), g)


def test_an_offset_of_the_gauge_changes_nothing(make_problem):
    problem = make_problem(seed=1)
    g = newton.solve(problem).g
    np.testing.assert_allclose(certify(problem, g + 7.0), certify(problem, g), atol=1e-11)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: g.astype(np.float32), "g must be float64, but is float32"),
        (lambda g: g[:-1], r"g must have shape \(24,\), but has \(23,\)"),
        (lambda g: np.where(np.arange(len(g)) == 3, np.nan, g), "g must be finite"),
    ],
)
def test_what_is_no_potential_is_refused(make_problem, change, words):
    problem = make_problem()
    with pytest.raises(ProblemError, match=words):
        certify(problem, change(np.zeros(24)))
