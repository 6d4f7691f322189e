from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from safetensors import safe_open

from paletteot import warmstarts
from paletteot.config.train import Settings, TrainDualNetwork, TrainPlanNetwork
from paletteot.dataset.load import Pairs
from paletteot.errors import DataError, ParamsError
from paletteot.networks import checkpoint, losses, training
from paletteot.networks.batches import Batch
from paletteot.networks.dual_network import DualNetwork
from paletteot.networks.plan_network import PlanNetwork
from paletteot.networks.relaxation import fit_relaxation
from paletteot.ot import sinkhorn
from paletteot.splits import Split
from paletteot.warmstarts.dual_network import DualStart
from tests.networks.labelled import EPS, labelled_pairs

EVERY = 30
"""All labelled pairs."""

DUAL = TrainDualNetwork(
    architecture="dual",
    loss="labelled",
    epochs=3,
    block=3,
    learning_rate=3e-3,
    pairs=EVERY,
    hidden=16,
    matrix_rate=2e-2,
    temperatures=(8.0, 2.0, 0.5),
)
PLAN = TrainPlanNetwork(
    architecture="plan", loss="divergence", epochs=3, block=3, learning_rate=3e-3, pairs=EVERY, hidden=16
)
SETTINGS: dict[str, Settings] = {
    "plan_network": PLAN,
    "dual_network": DUAL,
    "dual_network_self": DUAL.model_copy(update={"loss": "self_supervised"}),
    "dual_network_unrolled": DUAL.model_copy(update={"loss": "unrolled"}),
}
DUALS = [name for name in SETTINGS if name.startswith("dual")]
SEED = 1

FITTED_LAST = {"relaxation.weight", "relaxation.bias"}

each = pytest.mark.parametrize("name", list(SETTINGS))


class KilledError(Exception):
    pass


def silent(_epoch: int, _metrics: dict[str, float]) -> None:
    pass


def fit(
    name: str, partial: Path, settings: Settings | None = None, log: training.Log = silent,
    pairs: Pairs | None = None, **change: Any,
) -> training.Trained:  # fmt: skip
    pairs = labelled_pairs() if pairs is None else pairs
    validation: dict[Split, Pairs] = dict.fromkeys(training.VALIDATION, labelled_pairs(1, pictures=3))
    given = {"device": "cpu"} | change
    return training.train(
        name, pairs, validation, settings or SETTINGS[name], SEED, partial=partial, log=log, **given
    )  # fmt: skip


@each
def test_training_interrupted_and_resumed_is_training_bit_by_bit(name: str, tmp_path: Path) -> None:
    def kill(epoch: int, _metrics: dict[str, float]) -> None:
        if epoch == 2:
            raise KilledError

    (tmp_path / "broken").mkdir()
    (tmp_path / "whole").mkdir()
    with pytest.raises(KilledError):
        fit(name, tmp_path / "broken", log=kill)
    heard: list[int] = []
    resumed = fit(name, tmp_path / "broken", log=lambda epoch, _metrics: heard.append(epoch))
    whole = fit(name, tmp_path / "whole")
    assert heard == [3]
    assert resumed.history.equals(whole.history)
    for key, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[key], value), key


@each
@pytest.mark.parametrize("batches", [1, 4])
def test_a_kill_inside_an_epoch_costs_no_bit(
    name: str, batches: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "whole").mkdir()
    whole = fit(name, tmp_path / "whole")
    finite, seen = training._check_finite, []

    def kill(*arguments: Any) -> float:
        seen.append(arguments)
        if len(seen) > batches:
            raise KilledError
        return finite(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "SECONDS", -1.0)
        patched.setattr(training, "_check_finite", kill)
        with pytest.raises(KilledError):
            fit(name, tmp_path / "broken")
    assert (tmp_path / "broken" / "checkpoint.pt").is_file()
    resumed = fit(name, tmp_path / "broken")
    assert resumed.history.equals(whole.history)
    for key, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[key], value), key


@each
def test_training_lowers_the_loss_and_tells_the_log(name: str, tmp_path: Path) -> None:
    told: dict[int, dict[str, float]] = {}
    longer = SETTINGS[name].model_copy(update={"epochs": 8, "learning_rate": 1e-2})
    history = fit(name, tmp_path, longer, log=told.__setitem__).history
    assert history.columns == ["epoch", "train_loss", "validation_seen_loss", "validation_unseen_loss"]
    assert history["epoch"].to_list() == list(range(1, 9))
    assert history["train_loss"][-1] < history["train_loss"][0] - 0.1
    assert told[2]["train_loss"] == history["train_loss"][1]
    assert told[2].keys() == {"train_loss", "validation_seen_loss", "validation_unseen_loss", "seconds"}


@each
def test_the_best_epoch_is_kept(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([9.0, 2.0, 9.0, 1.0, 9.0, 3.0])  # seen, unseen; the second epoch is the best
    monkeypatch.setattr(training, "evaluate", lambda *_: next(found))
    seen: list[dict[str, torch.Tensor]] = []

    def remember(_epoch: int, _metrics: dict[str, float]) -> None:
        seen.append(torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"])

    trained = fit(name, tmp_path, log=remember)
    weights = trained.network.state_dict()
    for key in weights.keys() - FITTED_LAST:
        assert torch.equal(weights[key], seen[1][key]), key
    assert any(not torch.equal(weights[key], seen[2][key]) for key in weights)


@pytest.mark.parametrize("name", DUALS)
def test_a_trained_dual_network_starts_nearer_than_an_untrained_one(name: str, tmp_path: Path) -> None:
    trained = fit(name, tmp_path, SETTINGS[name].model_copy(update={"epochs": 12, "learning_rate": 1e-2})).network
    pairs = labelled_pairs()
    problems = pairs.problems(EPS)

    def error(network: object) -> float:
        assert isinstance(network, DualNetwork)
        g = DualStart(network).start(problems).g
        assert all(sinkhorn.reference(problems[row], g[row]).converged for row in range(0, len(problems), 5))
        return float(np.sqrt((problems.b * (g - pairs.g) ** 2).sum(axis=1)).mean())

    assert error(trained) < 0.95 * error(training.create(name, DUAL, SEED).eval())


@pytest.mark.parametrize("name", DUALS)
def test_an_epoch_meets_as_many_pairs_as_it_is_told_with_the_variants_own_loss(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[int] = []

    def counted(network: DualNetwork, batch: Batch, eps: float) -> torch.Tensor:
        met.append(len(batch))
        return own.of(network, batch, eps)

    own = losses.LOSSES[SETTINGS[name].loss]
    monkeypatch.setattr(losses, "LOSSES", {SETTINGS[name].loss: replace(own, of=counted)})
    told: list[int] = []
    fit(name, tmp_path, SETTINGS[name].model_copy(update={"pairs": 10}), log=lambda *_: told.append(sum(met)))
    assert len(told) == 3
    for visited in np.diff([0, *told]):
        assert 10 <= visited < 10 + 3 * 3  # whole batches, of at most 3 times 3 palettes


def test_a_training_of_more_pairs_than_there_are_meets_all(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "more").mkdir()
    all_, more = (fit("plan_network", tmp_path / part, PLAN.model_copy(update={"pairs": pairs}))
                  for part, pairs in (("all", EVERY), ("more", 10**6)))  # fmt: skip
    assert all_.history.equals(more.history)


def test_the_variant_without_labels_learns_the_same_from_wrong_ones(tmp_path: Path) -> None:
    pairs = labelled_pairs()
    wrong = replace(pairs, frame=pairs.frame.with_columns(pl.col("g").reverse()))
    assert not np.array_equal(wrong.g, pairs.g)

    def weights(name: str, pairs: Pairs, folder: str) -> dict[str, torch.Tensor]:
        (tmp_path / folder).mkdir()
        found = fit(name, tmp_path / folder, pairs=pairs).network.state_dict()
        return {key: value for key, value in found.items() if key not in FITTED_LAST}

    true, false = (weights("dual_network_self", part, str(n)) for n, part in enumerate((pairs, wrong)))
    assert all(torch.equal(false[key], value) for key, value in true.items())
    with_labels = weights("dual_network", pairs, "labelled")
    spoilt = weights("dual_network", wrong, "spoilt")
    assert any(not torch.equal(spoilt[key], value) for key, value in with_labels.items())


@each
def test_a_training_is_saved_under_its_name_with_its_eps(name: str, tmp_path: Path) -> None:
    trained = fit(name, tmp_path, SETTINGS[name].model_copy(update={"epochs": 1}))
    assert trained.network.name == name
    trained.save(tmp_path / "weights.safetensors")
    assert warmstarts.create(name, tmp_path / "weights.safetensors").name == name
    with safe_open(tmp_path / "weights.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["paletteot"])["eps"] == EPS


def test_a_trained_dual_network_has_a_relaxation_fitted_to_its_pairs(tmp_path: Path) -> None:
    trained = fit("dual_network", tmp_path, DUAL.model_copy(update={"epochs": 1})).network
    assert isinstance(trained, DualNetwork)
    again = deepcopy(trained)
    torch.nn.init.zeros_(again.relaxation.weight)
    fit_relaxation(again, labelled_pairs(), labelled_pairs().g, EPS, torch.device("cpu"))
    assert torch.equal(again.relaxation.weight, trained.relaxation.weight)


def test_the_best_seed_has_the_best_epoch_on_unseen_pictures() -> None:
    history = pl.DataFrame(
        {
            "seed": [5, 5, 6, 6, 7],
            "epoch": [1, 2, 1, 2, 1],
            "validation_seen_loss": [0.1, 0.1, 0.9, 0.9, 0.0],
            "validation_unseen_loss": [3.0, 2.0, 1.5, 4.0, 2.5],
        }
    )
    assert training.best_seed(history) == 6


def test_evaluation_is_the_mean_over_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = labelled_pairs()
    network = training.create("plan_network", PLAN, SEED).eval()
    arguments = (network, losses.divergence, pairs, pairs.g, EPS, torch.device("cpu"))
    whole = training.evaluate(*arguments)
    monkeypatch.setattr(training, "VALIDATION_BATCH", 1)
    # Rows weigh alike inside a batch; only the palette with two empty atoms tells batches apart.
    assert training.evaluate(*arguments) == pytest.approx(whole, rel=0.02)


@each
def test_the_same_seed_makes_the_same_network_and_leaves_others_dice_alone(name: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one, same, other = (training.create(name, SETTINGS[name], seed) for seed in (SEED, SEED, 2))
    assert torch.equal(torch.rand(3), expected)
    weights = one.state_dict()
    assert all(torch.equal(same.state_dict()[key], weights[key]) for key in weights)
    assert any(not torch.equal(other.state_dict()[key], weights[key]) for key in weights)
    assert isinstance(one, PlanNetwork if name == "plan_network" else DualNetwork)
    assert one.name == name


def test_a_loss_that_is_not_finite_ends_training(tmp_path: Path) -> None:
    with pytest.raises(training.TrainingError, match=r"plan_network.*learning_rate must be smaller"):
        fit("plan_network", tmp_path, PLAN.model_copy(update={"learning_rate": 1e30}))


def test_a_checkpoint_cut_short_is_named(tmp_path: Path) -> None:
    fit("plan_network", tmp_path, PLAN.model_copy(update={"epochs": 1}))
    file = tmp_path / "checkpoint.pt"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"checkpoint\.pt: not a whole checkpoint"):
        fit("plan_network", tmp_path)


def test_a_hidden_size_that_heads_cannot_share_is_refused() -> None:
    for name, settings in SETTINGS.items():
        with pytest.raises(ParamsError, match=rf"train\.networks\.{name}\.hidden must be a multiple of 4, but is 9"):
            training.create(name, settings.model_copy(update={"hidden": 9}), SEED)


def test_a_loss_of_another_architecture_is_refused(tmp_path: Path) -> None:
    words = r"params\.yaml: train\.networks\.dual_network\.loss must be one of labelled, .*, but is 'divergence'"
    with pytest.raises(ParamsError, match=words):
        fit("dual_network", tmp_path, DUAL.model_copy(update={"loss": "divergence"}))
    assert not list(tmp_path.iterdir())


def test_eps_is_that_of_the_labelled_pairs(tmp_path: Path) -> None:
    pairs = labelled_pairs()
    other = replace(pairs, frame=pairs.frame.with_columns(eps=pl.lit(2.0)))
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    one = fit("dual_network_self", tmp_path / "one", pairs=pairs)
    two = fit("dual_network_self", tmp_path / "other", pairs=other)
    assert (one.eps, two.eps) == (EPS, 2.0)
    assert not one.history["train_loss"].equals(two.history["train_loss"])
    mixed = replace(pairs, frame=pairs.frame.with_columns(eps=pl.int_range(pl.len()) + 1.0))
    with pytest.raises(DataError, match="pairs: eps must be the same in every row"):
        fit("dual_network", tmp_path, pairs=mixed)


def test_a_device_that_is_not_there_is_refused() -> None:
    assert training.device_of("cpu") == torch.device("cpu")
    assert training.device_of("auto").type in {"cpu", "cuda", "mps"}
    if not torch.backends.mps.is_available():
        with pytest.raises(ParamsError, match=r"train\.device must be one of auto, .*cpu.* but is 'mps'"):
            training.device_of("mps")
