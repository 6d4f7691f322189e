from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from scipy.special import log_softmax
from scipy.stats import special_ortho_group

from paletteot import warmstarts
from paletteot.errors import DataError, ProblemError
from paletteot.networks import losses
from paletteot.networks.batches import Batch
from paletteot.networks.dual_network import TEMPERATURES, DualNetwork
from paletteot.networks.messages import LARGEST, RANGES, closeness
from paletteot.networks.model import Network
from paletteot.networks.plan_network import PlanNetwork, seed_potentials
from paletteot.ot import accelerated, sinkhorn
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.warmstarts.contract import WarmStart
from paletteot.warmstarts.dual_network import AcceleratedDualStart, DualStart
from paletteot.warmstarts.gaussian import Gaussian
from paletteot.warmstarts.plan_network import PlanStart
from tests.networks.labelled import EPS, labelled_pairs, one

CPU = torch.device("cpu")


def dual() -> DualNetwork:
    """Return a network whose corrections are not zero, as if it had been trained."""
    torch.manual_seed(0)
    network = DualNetwork(hidden=16, temperatures=(8.0, 2.0, 0.5)).eval()
    for block in network.blocks:
        torch.nn.init.normal_(block.step.weight, std=0.3)  # type: ignore[union-attr,arg-type]
    return network


def iterated(problem: Problem, temperatures: Sequence[float]) -> tuple[Array, Array]:
    """Return f and g after one Sinkhorn iteration at each of the temperatures, from the potentials of Gaussian fits."""
    f, g = np.zeros(len(problem.a)), Gaussian().start(Problems.of(problem)).g[0]
    for eps in temperatures:
        at = replace(problem, eps=eps)
        f = sinkhorn.source_potential(at, g)
        g = sinkhorn.source_potential(at.swapped(), f)
    return f, g


def plan() -> PlanNetwork:
    torch.manual_seed(0)
    return PlanNetwork(hidden=16).eval()


def starts() -> list[WarmStart]:
    return [DualStart(dual()), AcceleratedDualStart(dual(), "accelerated"), PlanStart(plan())]


each_start = pytest.mark.parametrize("method", starts(), ids=lambda method: method.name)
each_network = pytest.mark.parametrize("make", [dual, plan])


@each_start
def test_a_start_keeps_the_contract(method: WarmStart) -> None:
    problems = labelled_pairs().problems(EPS)
    before = problems.x.copy()
    g = method.start(problems).g
    assert isinstance(method, WarmStart)
    assert g.shape == problems.b.shape
    assert g.dtype == np.float64
    assert (g[problems.b == 0] == 0).all()
    np.testing.assert_allclose((g * problems.b).sum(axis=1), 0, atol=1e-9)
    np.testing.assert_array_equal(problems.x, before)
    np.testing.assert_array_equal(method.start(problems).g, g)


@each_start
def test_the_iteration_converges_from_a_start_to_the_same_plan(method: WarmStart) -> None:
    pairs = labelled_pairs()
    problems = pairs.problems(EPS)
    start = method.start(problems)
    for row in (0, 9, 29):
        run = sinkhorn.reference(problems[row], start.g[row], atol=1e-9)
        assert run.converged
        np.testing.assert_allclose(run.g, pairs.g[row], atol=1e-5)


@each_start
@pytest.mark.parametrize(("k", "l"), [(8, 8), (5, 17), (40, 9), (1, 3), (512, 300)])
def test_supports_may_have_any_size(method: WarmStart, k: int, l: int) -> None:
    assert np.isfinite(method.start(one(4, k, l)).g).all()


@each_start
def test_the_order_of_atoms_is_irrelevant(method: WarmStart) -> None:
    problems = one(5, 11, 13)
    i, j = np.random.default_rng(1).permutation(11), np.random.default_rng(2).permutation(13)
    shuffled = replace(
        problems, x=problems.x[:, i], a=problems.a[:, i], y=problems.y[:, j], b=problems.b[:, j]
    )  # fmt: skip
    np.testing.assert_allclose(method.start(shuffled).g, method.start(problems).g[:, j], atol=2e-3)


@each_start
def test_atoms_of_weight_zero_change_nothing(method: WarmStart) -> None:
    problems = one(6, 9, 10)

    def padded(points: Array, weights: Array, n: int) -> tuple[Array, Array]:
        return np.pad(points, ((0, 0), (0, n), (0, 0)), constant_values=np.nan), np.pad(weights, ((0, 0), (0, n)))

    (x, a), (y, b) = padded(problems.x, problems.a, 3), padded(problems.y, problems.b, 4)
    found = method.start(replace(problems, x=x, a=a, y=y, b=b)).g
    np.testing.assert_allclose(found[:, :10], method.start(problems).g, atol=2e-3)
    assert (found[:, 10:] == 0).all()


@each_start
def test_a_problem_is_answered_alike_alone_and_in_a_batch(method: WarmStart) -> None:
    problems = labelled_pairs().problems(EPS)
    whole = method.start(problems).g
    for row in (3, 28):
        np.testing.assert_allclose(method.start(Problems.of(problems[row])).g[0], whole[row], atol=2e-3)


def test_a_batch_larger_than_a_chunk_is_answered_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = labelled_pairs().problems(EPS)
    whole = DualStart(dual()).start(problems).g
    monkeypatch.setattr("paletteot.networks.model.CHUNK", 7 * 12 * 12)
    np.testing.assert_allclose(DualStart(dual()).start(problems).g, whole, atol=2e-3)


@each_start
def test_a_nan_is_not_hidden(method: WarmStart) -> None:
    method = deepcopy(method)
    with torch.no_grad():
        for weight in method.network.parameters():  # type: ignore[attr-defined]
            weight.fill_(float("nan"))
    if isinstance(method, AcceleratedDualStart):  # it would iterate from what is no start
        with pytest.raises(ProblemError, match="g must be finite"):
            method.start(one(0, 4, 4))
    else:
        assert np.isnan(method.start(one(0, 4, 4)).g).any()


@pytest.mark.parametrize("reflected", [False, True])
def test_a_common_isometry_changes_nothing(reflected: bool) -> None:
    problems = one(7, 20, 15)
    turn = special_ortho_group.rvs(3, random_state=4) * (-1 if reflected else 1)
    shift = np.array([10.0, -30.0, 5.0])
    moved = replace(problems, x=problems.x @ turn.T + shift, y=problems.y @ turn.T + shift)
    method = DualStart(dual())
    np.testing.assert_allclose(method.start(moved).g, method.start(problems).g, atol=2e-3)


def test_passes_over_the_kernel_are_confessed() -> None:
    problems = one(0, 9, 7)
    first = DualStart(dual()).start(problems)
    assert first.iterations == 3
    assert DualStart(DualNetwork()).start(problems).iterations == len(TEMPERATURES)
    assert PlanStart(plan()).start(problems).iterations == 0
    polished = AcceleratedDualStart(dual()).start(problems)
    assert polished.iterations == 3 + accelerated.polish(problems, first.g)[1]


def test_accelerated_passes_leave_nothing_to_do() -> None:
    pairs = labelled_pairs()
    problems = pairs.problems(EPS)
    start = AcceleratedDualStart(dual()).start(problems)
    np.testing.assert_allclose(start.g, pairs.g, atol=1e-6)
    for row in (0, 9, 29):
        assert sinkhorn.reference(problems[row], start.g[row]).iterations == 0


def test_each_problem_gets_a_relaxation_that_converges() -> None:
    problems = labelled_pairs().problems(EPS)
    omega = DualStart(dual()).start(problems).omega
    assert omega is not None
    assert omega.shape == (len(problems),)
    assert omega.dtype == np.float64
    assert ((omega > 1) & (omega < 2)).all()
    assert len(np.unique(omega)) > 1
    assert PlanStart(plan()).start(problems).omega is None


def test_a_relaxation_is_told_alike_alone_and_in_a_batch() -> None:
    problems = labelled_pairs().problems(EPS)
    whole = DualStart(dual()).start(problems).omega
    assert whole is not None
    for row in (3, 28):
        alone = DualStart(dual()).start(Problems.of(problems[row])).omega
        assert alone == pytest.approx(whole[row], abs=1e-3)


@pytest.mark.parametrize("temperatures", [TEMPERATURES, (20.0, 3.0), (4.0, 0.2, 0.2)])
def test_untrained_the_dual_network_is_its_iterations_at_falling_temperatures(temperatures: Sequence[float]) -> None:
    problems = one(8, 14, 12)
    torch.manual_seed(1)
    network = DualNetwork(hidden=8, temperatures=temperatures).eval()
    # None is below the problem's, and the last is the problem's.
    _, g = iterated(problems[0], [*(max(eps, EPS) for eps in temperatures[:-1]), EPS])
    np.testing.assert_allclose(DualStart(network).start(problems).g[0], sinkhorn.fix_gauge(g, problems.b[0]), atol=1e-3)


def test_the_last_iteration_is_at_the_problems_eps_however_hot() -> None:
    problems = one(8, 14, 12, eps=15.0)
    network = DualNetwork(hidden=8, temperatures=(8.0, 20.0, 0.1)).eval()
    _, g = iterated(problems[0], [15.0, 20.0, 15.0])
    np.testing.assert_allclose(DualStart(network).start(problems).g[0], sinkhorn.fix_gauge(g, problems.b[0]), atol=1e-3)


def test_the_dual_loss_is_the_logarithm_of_the_weighted_error() -> None:
    pairs = labelled_pairs()
    network = DualNetwork(hidden=8, temperatures=(8.0, 2.0, 0.5)).eval()
    rows = np.array([4])
    problem = pairs.problems(EPS)[4]

    def log_error(found: Array, truth: Array, weights: Array) -> float:
        error = sinkhorn.fix_gauge(found - truth, weights)
        return float(np.log((weights * error**2).sum() + 0.01**2) / 2)

    true_f = sinkhorn.source_potential(problem, pairs.g[4])
    errors = []  # of the blocks, untrained: each is an iteration
    for temperatures in ([8.0], [8.0, 2.0], [8.0, 2.0, EPS]):
        f, g = iterated(problem, temperatures)
        errors.append((log_error(g, pairs.g[4], problem.b) + log_error(f, true_f, problem.a)) / 2)
    loss = losses.labelled(network, Batch.of_pairs(pairs, pairs.g, rows, CPU), EPS).item()
    assert loss == pytest.approx((errors[0] / 4 + errors[1] / 2 + errors[2]) / 1.75, abs=1e-3)


def test_the_plan_loss_is_the_kl_divergence_from_the_true_rows() -> None:
    pairs = labelled_pairs()
    rows = np.array([0, 24, 29])  # 24 has the palette with empty atoms as target, 29 as source
    network = plan()
    batch = Batch.of_pairs(pairs, pairs.g, rows, CPU)
    queries, keys = network.encode(batch)
    guess = network.log_plan(queries[batch.source], keys[batch.target], batch.weights()[1] > 0).detach().numpy()
    terms = []
    for n, row in enumerate(rows):
        problem = pairs.problems(EPS)[int(row)]
        i, j = problem.a > 0, problem.b > 0
        truth = sinkhorn.plan(problem, pairs.g[row])[i][:, j] / problem.a[i][:, None]
        np.testing.assert_allclose(truth.sum(axis=1), 1, rtol=1e-9)
        np.testing.assert_allclose(np.exp(guess[n]).sum(axis=1), 1, rtol=1e-5)
        terms += (truth * (np.log(truth + 1e-300) - guess[n][i][:, j])).sum(axis=1).tolist()
    assert losses.divergence(network, batch, EPS).item() == pytest.approx(np.mean(terms), rel=1e-3)


def test_the_plan_is_torch_attention() -> None:
    pairs = labelled_pairs(k=6)
    network = plan()
    batch = Batch.of_pairs(pairs, pairs.g, np.array([0]), CPU)
    queries, keys = network.encode(batch)
    tokens = [
        encoder(torch.cat([points, weights[..., None]], -1))
        for encoder, points, weights in (
            (network.source_enc, batch.x, batch.a),
            (network.target_enc, batch.y, batch.b),
        )
    ]
    expected = network.attention(tokens[0], tokens[1], tokens[1], need_weights=True)[1]
    found = network.log_plan(queries, keys, batch.b > 0).exp()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_the_seeds_conversion_against_its_formula() -> None:
    rng = np.random.default_rng(0)
    cost, a, b = rng.uniform(0, 3, (4, 5)), rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(5))
    rows = log_softmax(rng.normal(size=(4, 5)) * 12, axis=1)
    scaled = np.log(np.maximum(a[:, None] * np.exp(rows), 1e-12)) + cost / EPS
    expected = EPS * (scaled.mean(axis=0) - np.log(b))
    tensors = [torch.tensor(array)[None] for array in (rows, cost, a, b)]
    np.testing.assert_allclose(seed_potentials(*tensors, EPS)[0], expected, rtol=1e-9)


def test_the_seeds_conversion_of_the_true_plan_finds_g_where_nothing_is_clamped() -> None:
    problem = replace(labelled_pairs().problems(EPS)[3], eps=20.0)
    g = sinkhorn.reference(problem, atol=1e-12).g
    log_rows = np.log(sinkhorn.plan(problem, g) / problem.a[:, None])
    tensors = [torch.tensor(array)[None] for array in (log_rows, problem.cost, problem.a, problem.b)]
    found = seed_potentials(*tensors, problem.eps)[0].numpy()
    np.testing.assert_allclose(sinkhorn.fix_gauge(found, problem.b), g, atol=1e-6)


def test_the_seeds_checkpoint_fits_and_knows_its_plans(seed_dir: Path) -> None:
    state = torch.load(seed_dir / "model_state_dict_k_128.pt", weights_only=True, map_location="cpu")
    seed, untrained = PlanNetwork().eval(), PlanNetwork().eval()
    seed.load_state_dict(state, strict=True)
    pairs = labelled_pairs(pictures=3, k=128)
    batch = Batch.of_pairs(pairs, pairs.g, np.arange(len(pairs)), CPU)
    known, unknown = (losses.divergence(one, batch, EPS).item() for one in (seed, untrained))
    assert known < unknown - 0.5


@each_network
def test_weights_are_saved_and_read_whole(make: Callable[[], Network], tmp_path: Path) -> None:
    network = make()
    path = tmp_path / "weights.safetensors"
    network.save(path, eps=EPS)
    again = warmstarts.create(network.name, path)
    problems = labelled_pairs().problems(EPS)
    fresh = DualStart(network) if isinstance(network, DualNetwork) else PlanStart(network)  # type: ignore[arg-type]
    np.testing.assert_array_equal(again.start(problems).g, fresh.start(problems).g)
    np.testing.assert_array_equal(again.start(problems).omega, fresh.start(problems).omega)
    assert [file.name for file in tmp_path.iterdir()] == ["weights.safetensors"]


@pytest.mark.parametrize("name", [name for name, one in warmstarts.trained().items() if one.trained == "dual"])
def test_a_file_of_weights_says_which_network_it_is(name: str, tmp_path: Path) -> None:
    network = dual()
    network.name = name
    network.save(tmp_path / "weights.safetensors", eps=EPS)
    with safe_open(tmp_path / "weights.safetensors", framework="pt") as file:
        header = json.loads(file.metadata()["paletteot"])
    assert header == {"name": name, "settings": {"hidden": 16, "temperatures": [8.0, 2.0, 0.5]}, "eps": EPS}
    read = warmstarts.create(name, tmp_path / "weights.safetensors")
    assert isinstance(read, DualStart)
    assert (read.name, read.network.name) == (name, name)
    assert read.network.temperatures == (8.0, 2.0, 0.5)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def _foreign(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path)


def _other(path: Path) -> None:
    plan().save(path)


def _unfitting(path: Path) -> None:
    network = dual()
    network.settings = network.settings | {"hidden": 8}
    network.save(path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (Path.unlink, "no such file"),
        (_cut, "not a whole file of weights"),
        (lambda path: path.write_text("hello"), "not a whole file of weights"),
        (_foreign, "not a whole file of weights"),
        (_other, "must hold weights of dual_network, but holds plan_network"),
        (_unfitting, "weights do not fit dual_network"),
    ],
)
def test_a_bad_file_of_weights_is_named(damage: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    dual().save(path)
    damage(path)
    with pytest.raises(DataError, match=words) as caught:
        DualNetwork.load(path, "dual_network")
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_closeness_is_the_exponential_of_the_slack_at_every_reach() -> None:
    slack = torch.linspace(-60, 12, 101)[None, None]
    found = closeness(slack)
    assert len(found) == len(RANGES)
    for weight, reach in zip(found, RANGES, strict=True):
        expected = torch.exp(slack.double() / reach).clamp_max(2**LARGEST)
        torch.testing.assert_close(weight.double(), expected, rtol=1e-4, atol=1e-30)


def test_closeness_never_overflows() -> None:
    for weight in closeness(torch.tensor([[[1e3, 1e6, 3e38, -3e38]]])):
        assert weight.tolist() == [[[2**LARGEST] * 3 + [0.0]]]
