"""A constant added to g changes nothing, however large; a g that no distances make meaningful is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot.errors import ProblemError
from paletteot.ot import accelerated, exact, newton, sinkhorn
from paletteot.ot.certificate import certify
from paletteot.ot.problem import Problem
from tests.conftest import palette

CONSTANTS = (0.0, 1.0, 1e6, -1e6, 1e17, 1e300, -1e20)
RUNS = (accelerated.plain, accelerated.relaxed, accelerated.anderson)


def some(seed: int, eps: float = 0.5) -> tuple[Problem, np.ndarray]:
    rng = np.random.default_rng(seed)
    return Problem(*palette(rng, 9), *palette(rng, 12), eps), rng.normal(size=12) * 5


def left_of(g: np.ndarray, constant: float) -> np.ndarray:
    """What float64 leaves of g beside a constant: nothing of it beyond 1e17."""
    return (g + constant) - constant


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), constant=st.sampled_from(CONSTANTS))
def test_counts_errors_and_plans_do_not_see_a_constant(seed, constant):
    problem, g = some(seed)
    there, here = g + constant, left_of(g, constant)
    np.testing.assert_allclose(sinkhorn.plan(problem, there), sinkhorn.plan(problem, here), atol=1e-12)
    assert sinkhorn.marginal_error(problem, there) == pytest.approx(sinkhorn.marginal_error(problem, here), abs=1e-11)
    np.testing.assert_allclose(certify(problem, there), certify(problem, here), atol=1e-9)
    one, other = (sinkhorn.reference(problem, start, max_iterations=2000) for start in (here, there))
    assert abs(one.iterations - other.iterations) <= 1  # a tie in the last bit may fall either way
    np.testing.assert_allclose(other.errors, one.errors, atol=1e-6)
    assert sinkhorn.reference_log_domain(problem, there, max_iterations=2000)[0] == pytest.approx(one.iterations, abs=1)
    np.testing.assert_allclose(newton.solve(problem, there).g, newton.solve(problem, here).g, atol=1e-6)
    assert exact.solve(problem, there).marginal_error <= 1e-9


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), constant=st.sampled_from(CONSTANTS), run=st.sampled_from(RUNS))
def test_accelerated_counts_do_not_see_a_constant(seed, constant, run):
    problem, g = some(seed)
    one, other = (run(problem, start, max_iterations=2000) for start in (left_of(g, constant), g + constant))
    assert (np.abs(one.iterations - other.iterations) <= 2 + one.iterations // 20).all()
    if other.converged[0]:
        assert sinkhorn.marginal_error(problem, other.g) <= 2e-5


@pytest.mark.parametrize("constant", [1e17, 1e20, 1e300, -1e300, 1.7e308])
def test_one_huge_value_is_the_constant_start(constant):
    problem, g = some(1)
    flat, zero = np.full(12, constant), np.zeros(12)
    assert certify(problem, flat) == pytest.approx(certify(problem, zero), abs=1e-9)
    assert certify(problem, flat).target_error > 0.1
    assert exact.solve(problem, flat).passes == exact.solve(problem, zero).passes
    assert sinkhorn.reference(problem, g * 0 + constant).iterations == sinkhorn.reference(problem, zero).iterations > 0
    for run in RUNS:
        assert run(problem, flat).iterations.tolist() == run(problem, zero).iterations.tolist()


def test_ordinary_potentials_keep_every_bit():
    problem, g = some(2)
    for start in (g, g + 1000, g * 500, g - 9000, np.append(np.zeros(11), 9e4)):
        np.testing.assert_array_equal(sinkhorn.start_on_support(problem, start), start)


@given(constant=st.floats(2e4, 1e300), sign=st.sampled_from([-1.0, 1.0]), seed=st.integers(0, 99))
def test_what_is_taken_out_is_a_constant_to_the_last_bit(constant, sign, seed):
    problem, g = some(seed)
    given_ = g + sign * constant
    kept = sinkhorn.start_on_support(problem, given_)
    assert kept.max() == 0
    np.testing.assert_array_equal(kept + given_.max(), given_)


def test_the_source_potential_belongs_to_the_g_that_was_given():
    problem, g = some(3)
    f = sinkhorn.source_potential(problem, g)
    np.testing.assert_allclose(sinkhorn.source_potential(problem, g + 1e6), f - 1e6, atol=1e-8)


EVERY = [
    sinkhorn.reference, sinkhorn.reference_log_domain, sinkhorn.plan, sinkhorn.marginal_error, exact.solve,
    sinkhorn.source_potential, newton.solve, certify, accelerated.implied_omega, *RUNS,
    lambda problem, g: sinkhorn.reference_at(problem, g, atols=(1e-2, 1e-4)),
]  # fmt: skip


@pytest.mark.parametrize("ask", EVERY)
@pytest.mark.parametrize(
    ("first", "words"),
    [
        (1e17, r"g must spread over at most 1\.\d+e\+05 LAB units where the target weight is positive, but .* 1e\+17"),
        (2e5, "g must spread over at most"),
        (-1e300, r"spreads over 1e\+300"),
        (np.nan, "g must be finite"),
        (-np.inf, "g must be finite"),
    ],
)
def test_what_no_distances_make_is_refused(ask, first, words):
    problem, g = some(4)
    g[0] = first
    with pytest.raises(ProblemError, match=words) as caught:
        ask(problem, g)
    assert "\n" not in str(caught.value)


def test_a_spread_that_overflows_is_refused():
    problem, g = some(4)
    g[:2] = 1.7e308, -1.7e308
    with pytest.raises(ProblemError, match="but spreads over inf"):
        sinkhorn.reference(problem, g)


@settings(max_examples=15)
@given(seed=st.integers(0, 999), scale=st.sampled_from([1e-3, 1.0, 1e5, 1e9]), eps=st.sampled_from([0.1, 1.0, 1e6]))
def test_starts_and_solutions_of_any_size_are_legal(seed, scale, eps):
    rng = np.random.default_rng(seed)
    (x, a), (y, b) = palette(rng, 7), palette(rng, 6)
    problem = Problem(x * scale, a, y * scale, b, eps)
    for g in (sinkhorn.cold(problem), newton.lp_duals(problem), sinkhorn.reference(problem, max_iterations=50).g):
        assert np.ptp(sinkhorn.start_on_support(problem, g)) <= sinkhorn.widest(problem) / sinkhorn.WIDE


def test_atoms_of_weight_zero_may_hold_anything():
    problem, g = some(5)
    padded = Problem(
        np.vstack([problem.x, np.full((1, 3), np.inf)]), np.append(problem.a, 0),
        np.vstack([problem.y, np.full((1, 3), np.nan), np.full((1, 3), 1e300)]), np.append(problem.b, [0, 0]), 0.5,
    )  # fmt: skip
    for last in (np.nan, 1e300, -np.inf):
        wide = np.append(g, [last, last])
        assert certify(padded, wide) == pytest.approx(certify(problem, g), abs=1e-12)
        assert sinkhorn.reference(padded, wide).iterations == sinkhorn.reference(problem, g).iterations
        assert np.isfinite(sinkhorn.plan(padded, wide)).all()
