from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from paletteot.config import TrainDualNetwork, TrainPlanNetwork
from paletteot.dataset.load import Pairs
from paletteot.errors import DataError, ParamsError
from paletteot.ot import sinkhorn
from paletteot.warmstarts import training
from paletteot.warmstarts.dual_network import DualNetwork, DualStart
from paletteot.warmstarts.plan_network import PlanNetwork
from tests.warmstarts.labelled import EPS, labelled_pairs

DUAL = TrainDualNetwork(epochs=3, block=3, learning_rate=3e-3, seed=1, hidden=16, layers=2, heads=2)
PLAN = TrainPlanNetwork(epochs=3, block=3, learning_rate=3e-3, seed=1, hidden=16)
SETTINGS: dict[str, TrainPlanNetwork] = {"dual_network": DUAL, "plan_network": PLAN}

each = pytest.mark.parametrize("name", list(SETTINGS))


class KilledError(Exception):
    pass


def silent(_epoch: int, _metrics: dict[str, float]) -> None:
    pass


def fit(
    name: str, partial: Path, settings: TrainPlanNetwork | None = None, log: training.Log = silent, **change: Any
) -> training.Trained:
    pairs = labelled_pairs()
    validation: dict[str, Pairs] = dict.fromkeys(training.VALIDATION, labelled_pairs(1, pictures=3))
    given = {"eps": EPS, "device": "cpu"} | change
    return training.train(
        name, pairs, validation, settings or SETTINGS[name], partial=partial, log=log, **given
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
        patched.setattr(training, "CHECKPOINT_SECONDS", 0.0)
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
    losses = iter([9.0, 2.0, 9.0, 1.0, 9.0, 3.0])  # seen, unseen; the second epoch is the best
    monkeypatch.setattr(training, "evaluate", lambda *_: next(losses))
    seen: list[dict[str, torch.Tensor]] = []

    def remember(_epoch: int, _metrics: dict[str, float]) -> None:
        seen.append(torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"])

    trained = fit(name, tmp_path, log=remember)
    weights = trained.network.state_dict()
    assert all(torch.equal(weights[key], seen[1][key]) for key in weights)
    assert any(not torch.equal(weights[key], seen[2][key]) for key in weights)


def test_a_trained_dual_network_starts_nearer_than_an_untrained_one(tmp_path: Path) -> None:
    trained = fit("dual_network", tmp_path, DUAL.model_copy(update={"epochs": 12, "learning_rate": 1e-2}))
    problems = labelled_pairs().problems(EPS)

    def iterations(network: object) -> np.ndarray[Any, Any]:
        assert isinstance(network, DualNetwork)
        g = DualStart(network).start(problems).g
        runs = [sinkhorn.reference(problems[row], g[row]) for row in range(len(problems))]
        assert all(run.converged for run in runs)
        return np.array([run.iterations for run in runs])

    untrained = training.create("dual_network", DUAL).eval()
    assert np.median(iterations(trained.network)) < np.median(iterations(untrained))


def test_evaluation_is_the_mean_over_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = labelled_pairs()
    network = training.create("plan_network", PLAN).eval()
    whole = training.evaluate(network, pairs, pairs.g, EPS, torch.device("cpu"))
    monkeypatch.setattr(training, "VALIDATION_BATCH", 1)
    # Rows weigh alike inside a batch; only the palette with two empty atoms tells batches apart.
    assert training.evaluate(network, pairs, pairs.g, EPS, torch.device("cpu")) == pytest.approx(whole, rel=0.02)


@each
def test_the_same_seed_makes_the_same_network_and_leaves_others_dice_alone(name: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one, same = training.create(name, SETTINGS[name]), training.create(name, SETTINGS[name])
    other = training.create(name, SETTINGS[name].model_copy(update={"seed": 2}))
    assert torch.equal(torch.rand(3), expected)
    weights = one.state_dict()
    assert all(torch.equal(same.state_dict()[key], weights[key]) for key in weights)
    assert any(not torch.equal(other.state_dict()[key], weights[key]) for key in weights)
    assert isinstance(one, DualNetwork if name == "dual_network" else PlanNetwork)


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
        with pytest.raises(ParamsError, match=rf"train\.{name}\.hidden must be a multiple of .*but is 9"):
            training.create(name, settings.model_copy(update={"hidden": 9}))


def test_a_device_that_is_not_there_is_refused() -> None:
    assert training.device_of("cpu") == torch.device("cpu")
    assert training.device_of("auto").type in {"cpu", "cuda", "mps"}
    if not torch.backends.mps.is_available():
        with pytest.raises(ParamsError, match=r"train\.device must be one of auto, .*cpu.* but is 'mps'"):
            training.device_of("mps")
