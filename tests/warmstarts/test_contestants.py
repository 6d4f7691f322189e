"""What every contestant must do, whoever it is; and what some promise besides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot import warmstarts
from paletteot.errors import DataError, ParamsError
from paletteot.networks.plan_network import PlanNetwork, kept_potentials, seed_potentials
from paletteot.ot import newton, sinkhorn
from paletteot.ot.gaussian import gaussian_map, moments
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.warmstarts.contract import WarmStart
from paletteot.warmstarts.gaussian import Gaussian
from paletteot.warmstarts.nearest import Nearest
from paletteot.warmstarts.plan_network import PlanStart
from tests.dataset import made
from tests.networks.labelled import EPS, labelled_pairs, one
from tests.warmstarts import reading

BOUND = 4
"""Iterations from a start, as multiples of the cold start's: no start may be so bad that it is worse than this."""


@pytest.fixture(scope="module", params=warmstarts.entries())
def method(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> WarmStart:
    """Each contestant; those that learn know what untrained networks or a tiny training split know."""
    name = request.param
    return warmstarts.create(name, reading.file(name, tmp_path_factory.mktemp(name)))


def padded(problems: list[Problem], k: int, l: int) -> Problems:
    """Return problems of many sizes as a batch with atoms of weight zero at its end, and NaN where they would lie."""

    def pad(points: Array, weights: Array, size: int) -> tuple[Array, Array]:
        empty = size - len(weights)
        return np.pad(points, ((0, empty), (0, 0)), constant_values=np.nan), np.pad(weights, (0, empty))

    sides = [(*pad(p.x, p.a, k), *pad(p.y, p.b, l)) for p in problems]
    n = len(problems)
    return Problems(*(np.stack(part) for part in zip(*sides, strict=True)), EPS, np.arange(n), np.arange(n, 2 * n))  # type: ignore[arg-type]


def compared(found: Array, expected: Array, b: Array, atol: float) -> None:
    """Check that potentials are equal up to a constant."""
    np.testing.assert_allclose(sinkhorn.fix_gauge(found, b), sinkhorn.fix_gauge(expected, b), atol=atol)


def tolerance(method: WarmStart) -> float:
    """Return how far rounding may move potentials: the networks reckon in float32."""
    return 2e-3 if "network" in method.name or method.name == "seed_checkpoint" else 1e-6


def test_it_says_who_it_is(method: WarmStart) -> None:
    assert method.name in warmstarts.entries()
    for line in (method.summary, method.citation):
        assert line
        assert "\n" not in line


def test_it_answers_in_the_contract_and_touches_nothing(method: WarmStart) -> None:
    problems = labelled_pairs().problems(EPS)
    before = [array.copy() for array in (problems.x, problems.a, problems.y, problems.b)]
    start = method.start(problems)
    assert start.g.shape == problems.b.shape
    assert start.g.dtype == np.float64
    assert np.isfinite(start.g[problems.b > 0]).all()
    iterations = np.broadcast_to(start.iterations, len(problems))
    assert iterations.dtype == np.int64
    assert (iterations >= 0).all()
    if start.omega is not None:
        assert start.omega.shape == (len(problems),)
        assert start.omega.dtype == np.float64
        assert ((start.omega > 0) & (start.omega < 2)).all()
    for was, now in zip(before, (problems.x, problems.a, problems.y, problems.b), strict=True):
        np.testing.assert_array_equal(was, now)


def test_it_answers_alike_after_other_questions(method: WarmStart) -> None:
    problems = labelled_pairs().problems(EPS)
    first = method.start(problems).g.copy()
    method.start(one(9, 17, 5))
    np.testing.assert_array_equal(method.start(problems).g, first)


def test_a_batch_is_its_problems_one_by_one(method: WarmStart) -> None:
    problems = labelled_pairs(pictures=4).problems(EPS)
    whole = method.start(problems)
    for row in range(len(problems)):
        problem = problems[row]
        alone = method.start(Problems.of(problem))
        compared(alone.g[0], whole.g[row], problem.b, tolerance(method))
        assert np.broadcast_to(alone.iterations, 1)[0] == np.broadcast_to(whole.iterations, len(problems))[row]


@pytest.mark.parametrize(("k", "l"), [(1, 1), (1, 9), (8, 1), (8, 40), (200, 130)])
def test_supports_may_have_any_size(method: WarmStart, k: int, l: int) -> None:
    g = method.start(one(4, k, l)).g
    assert g.shape == (1, l)
    assert np.isfinite(g).all()


def test_atoms_of_weight_zero_take_no_part(method: WarmStart) -> None:
    alone = [one(seed, k, l)[0] for seed, (k, l) in enumerate([(8, 12), (14, 5), (14, 12)])]
    together = method.start(padded(alone, 16, 13)).g
    for row, problem in enumerate(alone):
        found = together[row, : len(problem.b)]
        compared(found, method.start(Problems.of(problem)).g[0], problem.b, tolerance(method))


@settings(max_examples=5)
@given(seed=st.integers(0, 1000))
def test_the_order_of_atoms_is_irrelevant(method: WarmStart, seed: int) -> None:
    problem = one(seed, 11, 13)[0]
    rng = np.random.default_rng(seed)
    i, j = rng.permutation(11), rng.permutation(13)
    g = method.start(Problems.of(problem)).g[0]
    shuffled = Problem(problem.x[i], problem.a[i], problem.y[j], problem.b[j], EPS)
    found = method.start(Problems.of(shuffled)).g[0]
    if method.name == "lp_duals":  # duals of the linear programme are not unique: their value is
        assert dual_value(shuffled, found) == pytest.approx(dual_value(problem, g), abs=1e-9)
    else:
        compared(found, g[j], shuffled.b, tolerance(method))


def dual_value(problem: Problem, g: Array) -> float:
    return float(problem.a @ (problem.cost - g).min(axis=1) + problem.b @ g)


def test_the_iteration_converges_from_it_and_soon(method: WarmStart) -> None:
    pairs = labelled_pairs()
    problems = pairs.problems(EPS)
    start = method.start(problems)
    runs = [sinkhorn.reference(problems[row], start.g[row]) for row in range(len(problems))]
    cold = [sinkhorn.reference(problems[row]).iterations for row in range(len(problems))]
    assert all(run.converged for run in runs)
    assert np.median([run.iterations for run in runs]) <= BOUND * np.median(cold)
    for run, truth, b in zip(runs[::7], pairs.g[::7], problems.b[::7], strict=True):
        compared(run.g, truth, b, 0.01)


def test_a_seed_is_no_part_of_the_family() -> None:
    assert warmstarts.family("dual_network_self-5") == "dual_network_self"
    assert warmstarts.family("cold") == "cold"


def test_accelerated_contestants_leave_next_to_nothing_to_do(tmp_path: Path) -> None:
    path = reading.file("dual_network_accelerated", tmp_path)
    problems = labelled_pairs().problems(EPS)
    for name, own in (("epsilon_schedule_accelerated", 10), ("dual_network_accelerated", 5)):
        start = warmstarts.create(name, path).start(problems)
        assert (np.asarray(start.iterations) > own).all()
        for row in range(0, len(problems), 7):
            assert sinkhorn.reference(problems[row], start.g[row]).iterations == 0


def test_a_learned_contestant_must_be_given_its_file() -> None:
    for name in (name for name, entry in warmstarts.entries().items() if entry.learned):
        with pytest.raises(ParamsError, match=f"method {name} must be given a file to read"):
            warmstarts.create(name)


@pytest.mark.parametrize("iterations", [10, 13, 40])
def test_the_schedule_confesses_its_iterations(iterations: int) -> None:
    method = warmstarts.create(f"epsilon_schedule_{iterations}")
    assert method.name == f"epsilon_schedule_{iterations}"
    assert method.start(one(0, 8, 9)).iterations == iterations


@pytest.mark.parametrize(("iterations", "hottest"), [(10, 40), (13, 10), (40, 40)])
def test_the_schedule_is_the_iteration_at_each_eps(iterations: int, hottest: float) -> None:
    problem = one(8, 14, 12)[0]
    g = np.zeros(12)
    for eps in np.geomspace(hottest, EPS, iterations):
        at = replace(problem, eps=float(eps))
        g = sinkhorn.source_potential(at.swapped(), sinkhorn.source_potential(at, g))
    found = warmstarts.create(f"epsilon_schedule_{iterations}").start(Problems.of(problem)).g[0]
    compared(found, g, problem.b, 1e-9)


def test_the_gaussian_map_takes_one_covariance_to_the_other() -> None:
    rng = np.random.default_rng(0)
    here, there = (m @ m.swapaxes(1, 2) for m in rng.normal(size=(2, 5, 3, 3)))
    matrix = gaussian_map(here * 100, there * 100)
    np.testing.assert_allclose(matrix @ (here * 100) @ matrix, there * 100, atol=0.1)
    np.testing.assert_allclose(matrix, matrix.swapaxes(1, 2), atol=1e-9)


def test_moments_against_numpy() -> None:
    problem = one(3, 20, 5)[0]
    mean, covariance = moments(problem.x[None], problem.a[None])
    np.testing.assert_allclose(mean[0], np.average(problem.x, axis=0, weights=problem.a))
    np.testing.assert_allclose(covariance[0], np.cov(problem.x.T, aweights=problem.a, ddof=0))


def test_the_gaussian_start_of_a_far_translation_is_nearly_exact() -> None:
    x, a = one(1, 20, 3)[0].x, one(1, 20, 3)[0].a
    problem = Problem(x, a, x + np.array([300.0, 0, 0]), a, EPS)
    g = Gaussian().start(Problems.of(problem)).g[0]
    np.testing.assert_allclose(sinkhorn.fix_gauge(g, a), sinkhorn.fix_gauge(problem.y[:, 0], a), atol=0.01)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_the_gaussian_start_bears_palettes_without_volume(rank: int) -> None:
    rng = np.random.default_rng(rank)
    flat, full = rng.normal(size=(9, rank)) @ rng.normal(size=(rank, 3)) * 20 + 50, rng.normal(size=(9, 3)) * 20
    weights = np.full(9, 1 / 9)
    for x, y in ((flat, full), (full, flat), (flat, flat)):
        g = Gaussian().start(Problems.of(Problem(x, weights, y, weights, EPS))).g[0]
        assert np.isfinite(g).all()
        assert (np.abs(g) <= np.linalg.norm(y - y.mean(axis=0), axis=1) + 1e-9).all()


def test_the_gaussian_start_of_a_widened_palette_points_outwards() -> None:
    x, a = one(1, 20, 3)[0].x, one(1, 20, 3)[0].a
    mean = a @ x
    problem = Problem(x, a, mean + 5 * (x - mean), a, EPS)
    g = Gaussian().start(Problems.of(problem)).g[0]
    np.testing.assert_allclose(g, np.linalg.norm(problem.y - mean, axis=1), atol=1.3)  # the softening over 1 - 1/5


def test_the_nearest_pair_of_a_training_pair_is_itself() -> None:
    pairs = labelled_pairs()
    found = Nearest(pairs).start(pairs.problems(EPS))
    np.testing.assert_allclose(found.g, pairs.g, atol=1e-6)
    assert found.iterations == 2


def test_the_nearest_pair_is_found_wherever_both_palettes_are_moved() -> None:
    pairs = labelled_pairs()
    problem = pairs.problems(EPS)[7]
    moved = Problem(problem.x + 30, problem.a, problem.y[::-1] + 30, problem.b[::-1], EPS)
    np.testing.assert_allclose(Nearest(pairs).start(Problems.of(moved)).g[0], pairs.g[7][::-1], atol=1e-6)


def test_the_nearest_pair_lends_its_potential_to_other_supports() -> None:
    pairs = labelled_pairs()
    problem = pairs.problems(EPS)[7]
    some = np.array([2, 5, 7, 11])
    kept = problem.b[some] / problem.b[some].sum()
    g = Nearest(pairs[7:8]).start(Problems.of(Problem(problem.x, problem.a, problem.y[some], kept, EPS))).g[0]
    np.testing.assert_allclose(g, pairs.g[7][some], atol=1e-6)


def test_the_nearest_pair_is_read_from_the_training_split_alone(tmp_path: Path) -> None:
    folder = made.pipeline_folder(tmp_path) / "plans"
    for shard in folder.glob("*_*.parquet"):  # validation_seen, ...
        shard.unlink()
    assert len(Nearest.from_file(folder).g) == len(made.SPLITS["train"])
    next(folder.glob("train-*.parquet")).unlink()
    with pytest.raises(DataError, match="split train must have 2 shards, but lacks"):
        Nearest.from_file(folder)


def converted(convert: object, problem: Problem, g: Array) -> Array:
    """Return the potentials that a conversion finds in the plan of potentials g."""
    f = sinkhorn.source_potential(problem, g)
    with np.errstate(divide="ignore"):
        log_rows = (f[:, None] + g - problem.cost) / problem.eps + np.log(problem.b)
    arrays = (log_rows, problem.cost, problem.a, problem.b)
    assert callable(convert)
    return np.asarray(convert(*(torch.tensor(one)[None] for one in arrays), problem.eps)[0])


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), eps=st.sampled_from([0.1, 0.5, 5.0]))
def test_the_kept_conversion_of_the_true_plan_leaves_nothing_to_do(seed: int, eps: float) -> None:
    problem = one(seed, 30, 24, eps)[0]
    g = newton.solve(problem).g
    compared(converted(kept_potentials, problem, g), g, problem.b, 1e-4)
    assert sinkhorn.reference(problem, converted(kept_potentials, problem, g)).iterations <= 1


def test_the_seeds_conversion_of_the_true_plan_leaves_most_to_do() -> None:
    problem = one(1, 60, 60, 0.1)[0]
    found = converted(seed_potentials, problem, newton.solve(problem).g)
    assert sinkhorn.reference(problem, found).iterations > 0.5 * sinkhorn.reference(problem).iterations


def test_the_kept_conversion_is_the_weighted_least_squares_solution() -> None:
    rng = np.random.default_rng(3)
    cost, a, b = rng.uniform(0, 3, (4, 5)), rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(5))
    rows = np.log(rng.dirichlet(np.ones(5), 4))
    plan = a[:, None] * np.exp(rows)
    wanted = cost + EPS * np.log(plan / np.outer(a, b))
    design = np.hstack([np.repeat(np.eye(4), 5, axis=0), np.tile(np.eye(5), (4, 1))])
    weight = np.sqrt(plan).ravel()
    expected = np.linalg.lstsq(design * weight[:, None], wanted.ravel() * weight, rcond=None)[0][4:]
    found = kept_potentials(*(torch.tensor(one)[None] for one in (rows, cost, a, b)), EPS)[0].numpy()
    compared(found, expected, b, 1e-8)


def test_both_conversions_start_from_the_same_weights(tmp_path: Path) -> None:
    PlanNetwork(hidden=16).save(path := tmp_path / "weights.safetensors")
    kept, seeds = warmstarts.create("plan_network_kept", path), warmstarts.create("plan_network", path)
    assert isinstance(kept, PlanStart)
    assert isinstance(seeds, PlanStart)
    assert all(torch.equal(kept.network.state_dict()[key], value) for key, value in seeds.network.state_dict().items())
    problems = labelled_pairs().problems(EPS)
    assert np.abs(kept.start(problems).g - seeds.start(problems).g).max() > 0.1


def test_the_schedule_from_gaussian_fits_is_the_iteration_at_each_eps() -> None:
    problem = one(8, 14, 12)[0]
    problem.b[3], problem.b[4] = 0.0, problem.b[3] + problem.b[4]
    method = warmstarts.create("gaussian_schedule_6")
    found = method.start(Problems.of(problem))
    g = warmstarts.create("gaussian").start(Problems.of(problem)).g[0]
    for eps in np.geomspace(2.4, EPS, 6):
        at = replace(problem, eps=float(eps))
        g = sinkhorn.source_potential(at.swapped(), sinkhorn.source_potential(at, g))
    compared(found.g[0], g, problem.b, 1e-9)
    assert found.iterations == 6
    assert found.g[0, 3] == 0
