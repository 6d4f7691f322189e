from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from paletteot.errors import ProblemError
from paletteot.ot import accelerated, newton, sinkhorn
from paletteot.ot.accelerated import anderson, best_omega, implied_omega, plain, polish, relaxed
from paletteot.ot.problem import Problem
from tests.conftest import batch, palette

EVERY = {
    "plain": plain,
    "relaxed": relaxed,
    "relaxed_1.5": lambda *given, **more: relaxed(*given, omega=1.5, **more),
    "anderson_1": lambda *given, **more: anderson(*given, memory=1, **more),
    "anderson_10": anderson,
    "anderson_20": lambda *given, **more: anderson(*given, memory=20, **more),
}

every = pytest.mark.parametrize("run", EVERY.values(), ids=list(EVERY))


class Literal:
    """The iterations of the protocol in numpy, in the log domain; they yield g after 0, 1, 2, ... iterations."""

    def __init__(self, problem):
        self.problem, self.log_kernel = problem, -problem.cost / problem.eps
        self.log_a, self.log_b = np.log(problem.a), np.log(problem.b)

    def rows(self, log_v):
        return self.log_a - logsumexp(self.log_kernel + log_v, axis=1)

    def columns(self, log_u):
        return self.log_b - logsumexp(self.log_kernel + log_u[:, None], axis=0)

    def g(self, log_v):
        return sinkhorn.fix_gauge(self.problem.eps * (log_v - self.log_b), self.problem.b)

    def error(self, log_u, log_v):
        coupling = np.exp(log_u[:, None] + self.log_kernel + log_v)
        return np.abs(coupling.sum(1) - self.problem.a).sum() + np.abs(coupling.sum(0) - self.problem.b).sum()

    def plain(self, g):
        log_v = g / self.problem.eps + self.log_b
        while True:
            log_u = self.rows(log_v)
            yield self.g(log_v), self.error(log_u, log_v)
            log_v = self.columns(log_u)

    def relaxed(self, g, omega):
        log_v = g / self.problem.eps + self.log_b
        log_u = self.rows(log_v)
        yield self.g(log_v), self.error(log_u, log_v)
        log_v = self.columns(log_u)
        while True:
            yield self.g(log_v), self.error(log_u, log_v)
            log_u = (1 - omega) * log_u + omega * self.rows(log_v)
            log_v = (1 - omega) * log_v + omega * self.columns(log_u)

    def anderson(self, g, memory):
        """Type II, the least squares in the norm weighted by b."""
        log_v = g / self.problem.eps + self.log_b
        residuals, images = [], []
        root = np.sqrt(self.problem.b)
        while True:
            log_u = self.rows(log_v)
            yield self.g(log_v), self.error(log_u, log_v)
            image = self.columns(log_u)
            residuals.append(image - log_v)
            images.append(image)
            log_v = image
            if held := min(memory, len(images) - 1):
                steps, moves = (np.diff(part[-held - 1 :], axis=0).T for part in (residuals, images))
                gamma = np.linalg.lstsq(steps * root[:, None], residuals[-1] * root, rcond=None)[0]
                log_v = image - moves @ gamma


def first(iterates, tolerances, most=20_000):
    """Return the first iterations whose errors are at most the tolerances."""
    wanted, found = list(tolerances), []
    for t, (_, error) in enumerate(islice(iterates, most)):
        while wanted and error <= wanted[0]:
            found.append(t)
            wanted.pop(0)
        if not wanted:
            break
    return found


def some(seed, k=13, l=10, eps=0.5, spread=6.0):
    rng = np.random.default_rng(seed)
    return Problem(*palette(rng, k, spread), *palette(rng, l, spread), eps)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("far", [0.0, 30.0])
def test_plain_counts_are_those_of_the_log_domain(seed, far):
    problem = some(seed, 10 + seed, 17 - seed, (0.3, 1.0)[seed % 2])
    g = sinkhorn.cold(problem) + far * np.random.default_rng(seed).normal(size=len(problem.b))
    run = plain(problem, g, tolerances=(1e-2, 1e-5, 1e-9))
    assert run.iterations.tolist() == first(Literal(problem).plain(g), (1e-2, 1e-5, 1e-9))
    assert run.converged.all()
    assert run.undone == 0


def test_plain_iterates_are_those_of_the_reference():
    problem = some(3, eps=0.2)
    for t in (0, 1, 5, 50):
        found = plain(problem, max_iterations=t)
        np.testing.assert_allclose(found.g, sinkhorn.reference(problem, max_iterations=t).g, atol=1e-10)
        assert found.error == pytest.approx(sinkhorn.marginal_error(problem, found.g), rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_relaxed_with_omega_one_is_plain(seed):
    problem = some(seed, eps=0.3)
    same, other = relaxed(problem, omega=1.0), plain(problem)
    assert same.iterations.tolist() == first(Literal(problem).relaxed(sinkhorn.cold(problem), 1.0), (1e-5, 1e-9))
    # Its error is that of the source, whose row update comes only in the next iteration and cannot raise it.
    assert set(same.iterations - other.iterations) <= {0, 1}
    np.testing.assert_allclose(same.g, other.g, atol=1e-6)
    for t in (1, 2, 10):
        np.testing.assert_allclose(
            relaxed(problem, omega=1.0, max_iterations=t).g, plain(problem, max_iterations=t).g, atol=1e-10
        )


@pytest.mark.parametrize("omega", [0.7, 1.3, 1.8])
@pytest.mark.parametrize("seed", range(3))
def test_relaxed_iterates_are_the_formulas(seed, omega):
    problem = some(seed, eps=3.0)
    literal = list(islice(Literal(problem).relaxed(np.zeros(10), omega), 7))
    for t, (g, error) in enumerate(literal):
        found = relaxed(problem, np.zeros(10), omega=omega, max_iterations=t)
        assert found.undone == 0
        np.testing.assert_allclose(found.g, g, atol=1e-9)
        assert found.error == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("omega", [0.8, 1.2, 1.5])
def test_relaxed_counts_are_the_formulas(omega):
    problem = some(5, eps=1.0)
    run = relaxed(problem, omega=omega)
    assert run.undone == 0
    assert run.iterations.tolist() == first(Literal(problem).relaxed(sinkhorn.cold(problem), omega), (1e-5, 1e-9))


@pytest.mark.parametrize("memory", [1, 2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_anderson_iterates_are_the_formulas(seed, memory):
    problem = some(seed, eps=2.0)
    truth = newton.solve(problem, tolerance=1e-12).g
    near = truth + 0.1 * np.random.default_rng(seed).normal(size=10)  # where no difference is left out as too far
    for t, (g, error) in enumerate(islice(Literal(problem).anderson(near, memory), 6)):
        found = anderson(problem, near, memory=memory, max_iterations=t, tolerances=(1e-15,))
        assert found.undone == 0
        np.testing.assert_allclose(found.g, g, atol=1e-8)
        assert found.error == pytest.approx(error, rel=1e-4, abs=1e-9)


@every
@pytest.mark.parametrize("seed", range(4))
def test_every_iteration_ends_at_the_solution(run, seed):
    problem = some(seed, 20, 24, 0.5)
    found = run(problem, tolerances=(1e-5, 1e-11))
    assert found.converged.all()
    assert found.error <= 1e-11
    assert sinkhorn.marginal_error(problem, found.g) <= 1.05e-11
    assert problem.b @ found.g == pytest.approx(0, abs=1e-11)
    np.testing.assert_allclose(found.g, newton.solve(problem, tolerance=1e-12).g, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_on_hard_problems_each_saves_most_iterations(make_problem, seed):
    problem = make_problem(seed, k=60, eps=0.1)
    slow = plain(problem).iterations
    assert slow[0] > 300
    assert (relaxed(problem).iterations < 0.6 * slow).all()
    assert (anderson(problem).iterations < 0.4 * slow).all()


@pytest.mark.parametrize("seed", range(0, 120, 17))
def test_relaxation_of_wide_palettes_ends_before_plain_does(make_problem, seed):
    problem = make_problem(seed, k=64, eps=0.1, spread=12.0)
    assert (relaxed(problem).iterations <= plain(problem).iterations).all()


def from_afar(seed, eps, spread):
    """Return a small problem and a start that may be as far as the colours themselves."""
    rng = np.random.default_rng(seed)
    k, l = rng.integers(1, 16, 2)
    problem = Problem(*palette(rng, k), *palette(rng, l), eps)
    return problem, rng.normal(size=l) * spread


@settings(max_examples=60)
@given(
    seed=st.integers(0, 100_000), eps=st.floats(0.02, 5), spread=st.floats(0, 200),
    memory=st.integers(1, 20), omega=st.floats(0.5, 1.95),
)  # fmt: skip
@example(seed=23, eps=0.032, spread=150.0, memory=15, omega=1.8)
def test_from_afar_each_converges_where_plain_does(seed, eps, spread, memory, omega):
    problem, g = from_afar(seed, eps, spread)
    assume(plain(problem, g, max_iterations=2000).converged.all())
    for run in (anderson(problem, g, memory=memory), relaxed(problem, g, omega=omega)):
        assert run.converged.all()
        assert sinkhorn.marginal_error(problem, run.g) <= 1.05e-9
        assert run.iterations[0] <= run.iterations[1]


def test_a_step_that_is_undone_is_counted_and_the_way_goes_on():
    undone = 0
    for seed in range(40):
        problem, g = from_afar(seed, 0.1, 100.0)
        if not plain(problem, g, max_iterations=3000).converged.all():
            continue
        for run in (anderson(problem, g), relaxed(problem, g, omega=1.95)):
            assert run.converged.all()
            assert run.undone <= run.iterations[-1]
            undone += run.undone > 0
    assert undone > 10


@every
def test_a_run_at_the_cap_is_censored(make_problem, run):
    found = run(make_problem(k=40, eps=0.05), max_iterations=7)
    assert found.iterations.tolist() == [7, 7]
    assert not found.converged.any()
    assert found.error > 1e-5


@every
def test_where_the_first_tolerance_is_met_and_the_second_is_not(make_problem, run):
    problem = make_problem(k=20)
    reached = run(problem).iterations
    found = run(problem, max_iterations=int(reached[1]) - 1)
    assert found.iterations.tolist() == [reached[0], reached[1] - 1]
    assert found.converged.tolist() == [True, False]


@every
def test_at_the_solution_there_is_nothing_to_count(make_problem, run):
    problem = make_problem(k=12)
    solution = newton.solve(problem, tolerance=1e-12).g
    found = run(problem, solution)
    assert found.iterations.tolist() == [0, 0]
    np.testing.assert_allclose(found.g, solution, atol=1e-12)


@every
def test_a_count_does_not_hang_on_the_other_tolerances(make_problem, run):
    problem = make_problem(8, k=30, eps=0.3)
    both = run(problem, tolerances=(1e-3, 1e-8)).iterations
    alone = [run(problem, tolerances=(tolerance,)).iterations[0] for tolerance in (1e-3, 1e-8)]
    assert both.tolist() == alone
    assert both[0] < both[1]


@every
def test_atoms_of_weight_zero_change_nothing(run):
    problem = some(6, 10, 8)
    padded = Problem(
        np.vstack([problem.x[:4], np.full((2, 3), np.nan), problem.x[4:]]), np.insert(problem.a, 4, [0, 0]),
        np.vstack([problem.y, np.full((3, 3), 7.0)]), np.append(problem.b, [0, 0, 0]), problem.eps,
    )  # fmt: skip
    g = np.random.default_rng(0).normal(size=8)
    here, there = run(problem, g), run(padded, np.append(g, [np.nan, 1e9, 0]))
    assert there.iterations.tolist() == here.iterations.tolist()
    np.testing.assert_array_equal(there.g, np.append(here.g, [0, 0, 0]))


@every
def test_the_start_is_left_alone_and_its_gauge_is_not_seen(make_problem, run):
    problem = make_problem(k=15)
    g = np.random.default_rng(1).normal(size=15)
    before = g.copy()
    here, there = run(problem, g), run(problem, g + 37.0)
    np.testing.assert_array_equal(g, before)
    np.testing.assert_allclose(there.g, here.g, atol=1e-7)
    assert (np.abs(there.iterations - here.iterations) <= 2).all()


@every
@pytest.mark.parametrize(("k", "l"), [(1, 1), (1, 6), (6, 1), (2, 2), (5, 33)])
def test_supports_may_have_any_size(run, k, l):
    problem = some(2, k, l)
    found = run(problem)
    assert found.converged.all()
    assert sinkhorn.marginal_error(problem, found.g) <= 1.05e-9


@every
@pytest.mark.parametrize(
    ("g", "more", "words"),
    [
        (np.full(5, np.nan), {}, "g must be finite where the target weight is positive"),
        (np.array([0, 0, np.inf, 0, 0]), {}, "g must be finite"),
        (np.zeros(4), {}, r"g must have shape \(5,\), but has \(4,\)"),
        (None, {"tolerances": (1e-9, 1e-5)}, r"tolerances must be positive and fall, but are \(1e-09, 1e-05\)"),
        (None, {"tolerances": (1e-5, 1e-5)}, "tolerances must be positive and fall"),
        (None, {"tolerances": ()}, "tolerances must be positive and fall"),
        (None, {"tolerances": (1e-5, 0.0)}, "tolerances must be positive and fall"),
        (None, {"tolerances": (float("nan"),)}, "tolerances must be positive and fall"),
    ],
)
def test_bad_questions_get_one_clear_line(make_problem, run, g, more, words):
    with pytest.raises(ProblemError, match=words) as caught:
        run(make_problem(k=5), g, **more)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("memory", [-1, 0, 21])
def test_a_memory_that_is_none_is_refused(make_problem, memory):
    with pytest.raises(ProblemError, match=f"memory must be from 1 to 20, but is {memory}"):
        anderson(make_problem(k=4), memory=memory)


@pytest.mark.parametrize("omega", [-1.0, 0.0, 2.0, float("nan")])
def test_an_omega_that_does_not_converge_is_refused(make_problem, omega):
    with pytest.raises(ProblemError, match=f"omega must be between 0 and 2, but is {omega}"):
        relaxed(make_problem(k=4), omega=omega)


def scaled_singular_values(problem, g):
    """Return the singular values of the plan scaled to have none above 1."""
    coupling = sinkhorn.plan(problem, g)
    return np.linalg.svd(coupling / np.sqrt(np.outer(coupling.sum(1), coupling.sum(0))), compute_uv=False)


@given(s2=st.floats(0, 1))
def test_the_best_omega_is_youngs(s2):
    omega = best_omega(s2)
    assert 1 <= omega <= 2
    # The largest eigenvalue of relaxation by omega is omega - 1 exactly where (omega s2 / 2)^2 = omega - 1.
    assert (omega * s2 / 2) ** 2 == pytest.approx(omega - 1, abs=1e-9)


@pytest.mark.parametrize(("s2", "omega"), [(0.0, 1.0), (0.6, 2 / 1.8), (0.8, 1.25), (1.0, 2.0), (1.0 + 1e-12, 2.0)])
def test_the_best_omega_by_hand(s2, omega):
    assert best_omega(s2) == pytest.approx(omega)


@settings(max_examples=30)
@given(seed=st.integers(0, 1000), k=st.integers(2, 20), l=st.integers(2, 20), noise=st.floats(0, 3))
def test_the_implied_omega_is_the_plans_from_below(seed, k, l, noise):
    rng = np.random.default_rng(seed)
    problem = Problem(*palette(rng, k), *palette(rng, l), 1.0)
    g = newton.solve(problem).g + noise * rng.normal(size=l)
    truth = best_omega(scaled_singular_values(problem, g)[1])
    few, some_more, many = (implied_omega(problem, g, passes) for passes in (2, 10, 3000))
    assert 1 <= few <= some_more + 1e-9
    assert some_more <= many + 1e-9
    assert many <= truth + 1e-6
    assert many == pytest.approx(truth, abs=2e-3)


@pytest.mark.parametrize(("k", "l"), [(1, 1), (1, 5), (5, 1), (1, 40)])
@pytest.mark.parametrize("passes", [1, 2, 10, 61])
def test_a_plan_of_rank_one_needs_no_relaxation(k, l, passes):
    problem = some(1, k, l)
    assert implied_omega(problem, newton.solve(problem).g, passes) == pytest.approx(1, abs=1e-6)


def test_the_implied_omega_is_the_fastest(make_problem):
    problem = make_problem(4, k=30, eps=0.5)
    start = newton.solve(problem).g
    start = start + 0.01 * np.random.default_rng(0).normal(size=30)
    best = implied_omega(problem, start, 2000)

    def count(omega):
        return relaxed(problem, start, omega=omega).iterations[-1]

    assert count(best) <= 1.05 * min(count(1.0), count(best - 0.1), count(min(best + 0.1, 1.99)), count(1.2))


def test_polish_is_exact_and_counts_every_pass():
    problems = [some(seed, 12, 10, 0.3) for seed in range(3)]
    g = np.stack([sinkhorn.cold(problem) for problem in problems])
    g[0] = newton.solve(problems[0], tolerance=1e-12).g
    before = g.copy()
    found, passes = polish(batch(problems), g)
    np.testing.assert_array_equal(g, before)
    assert passes.dtype == np.int64
    assert passes[0] == 1  # the pass that told that nothing is left to do
    for row, problem in enumerate(problems):
        run = anderson(problem, g[row], memory=accelerated.MEMORY, tolerances=(1e-9,))
        assert passes[row] == run.iterations[0] + 1
        np.testing.assert_array_equal(found[row], run.g)
        assert sinkhorn.marginal_error(problem, found[row]) <= 1.05e-9


def test_polish_loses_its_patience(make_problem, monkeypatch):
    problem = make_problem(k=30, eps=0.05)
    monkeypatch.setattr(accelerated, "PATIENCE", 9)
    _, passes = polish(batch([problem]), sinkhorn.cold(problem)[None])
    assert passes.tolist() == [10]
