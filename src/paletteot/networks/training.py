"""Training of the learned warm starts: seeded, resumable, best epoch kept."""

from __future__ import annotations

import math
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from paletteot.config.train import TrainDualNetwork, TrainPlanNetwork
from paletteot.dataset.load import Pairs
from paletteot.errors import DataError, PaletteOTError, ParamsError
from paletteot.files import replacing
from paletteot.networks.batches import Batch, epoch, meetings
from paletteot.networks.dual_network import DualNetwork
from paletteot.networks.losses import LABEL_FREE, LOSSES
from paletteot.networks.messages import RANGES
from paletteot.networks.model import Network
from paletteot.networks.optimiser import Optimiser
from paletteot.networks.plan_network import HEADS as PLAN_HEADS
from paletteot.networks.plan_network import PlanNetwork
from paletteot.networks.relaxation import fit_relaxation
from paletteot.ot.problem import Array
from paletteot.splits import CHOICE, VALIDATION

Log = Callable[[int, dict[str, float]], None]
"""Told the metrics of every epoch."""

_Choice = NDArray[np.int64] | tuple[NDArray[np.int64], NDArray[np.int64]]
"""A batch: rows of the pairs, or rows of the palettes on either side."""

WARM_UP = 0.02
"""Share of the training in which the learning rate rises."""

LARGEST_GRADIENT = 1.0
VALIDATION_BATCH = 64

CHECKPOINT_SECONDS = 30.0
"""Time between checkpoints inside an epoch: what a kill can cost."""


@dataclass
class _Inside:
    """How far an epoch has come: batches and pairs visited, and the sum of their losses."""

    batches: int = 0
    visited: int = 0
    total: float = 0.0


class TrainingError(PaletteOTError):
    """Training did not give finite losses."""


@dataclass(frozen=True)
class Trained:
    """A trained network, best epoch's weights.

    history: epoch (from 1), train_loss, validation_seen_loss, validation_unseen_loss.
    """

    network: Network
    history: pl.DataFrame
    eps: float

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        self.network.save(path, eps=self.eps)


def create(name: str, settings: TrainPlanNetwork | TrainDualNetwork, seed: int) -> Network:
    """Return an untrained network, the same one for the same seed.

    Raises ParamsError when the hidden size cannot be shared out to the heads, or kinds of message.
    """
    parts = len(RANGES) if name in DualNetwork.variants else PLAN_HEADS
    if settings.hidden % parts:
        raise ParamsError(f"params.yaml: train.{name}.hidden must be a multiple of {parts}, but is {settings.hidden}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Network
        if isinstance(settings, TrainDualNetwork):
            network = DualNetwork(settings.hidden, settings.temperatures)
        else:
            network = PlanNetwork(settings.hidden)
        network.name = name
        return network


def one_thread() -> None:
    """Keep torch to one thread in this process: the bits of a training depend on their number."""
    torch.set_num_threads(1)


def best_seed(history: pl.DataFrame) -> int:
    """Return the seed whose best epoch has the smallest loss on validation_unseen; history: with a column seed."""
    return int(history.sort(f"{CHOICE}_loss")["seed"][0])


def device_of(choice: str) -> torch.device:
    """Return the device of a parameter: auto takes CUDA, then MPS, then the CPU; raises ParamsError where it is not."""
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if choice == "auto":
        return torch.device(next(name for name, present in here.items() if present))
    if not here.get(choice, False):
        legal = ", ".join(["auto", *(name for name, present in here.items() if present)])
        raise ParamsError(f"params.yaml: train.device must be one of {legal} on this machine, but is {choice!r}")
    return torch.device(choice)


def train(
    name: str, pairs: Pairs, validation: Mapping[str, Pairs], settings: TrainPlanNetwork | TrainDualNetwork,
    seed: int, *, eps: float, device: str, partial: Path, log: Log,
) -> Trained:  # fmt: skip
    """Train a network and return the weights of the epoch with the smallest loss on validation_unseen.

    The learning rates warmed up and then a cosine. Every variant is judged by the loss with labels, on
    validation. pairs: labelled; an epoch visits settings.pairs of them, or, where the loss needs no labels, as many
    of any two of their palettes. validation: labelled pairs of VALIDATION.
    eps: LAB units. partial: folder of the checkpoint, written every CHECKPOINT_SECONDS and after every epoch; training
    goes on from there to the same result, bit by bit on a CPU. Raises TrainingError when a loss is not finite.
    """
    where = device_of(device)
    network = create(name, settings, seed).to(where)
    optimiser = Optimiser(
        network, settings.learning_rate, settings.matrix_rate if isinstance(settings, TrainDualNetwork) else None
    )
    checkpoint = partial / "checkpoint.pt"
    state: dict[str, Any] = {"history": [], "best": {}, "inside": _Inside().__dict__}
    if checkpoint.is_file():
        state = _resume(checkpoint, where)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
    history: list[dict[str, float]] = state["history"]
    inside = _Inside(**state["inside"])

    def keep() -> None:
        now = {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "inside": inside.__dict__}
        with replacing(checkpoint) as fresh:
            torch.save(state | now, fresh)

    labels = {split: part.g for split, part in validation.items()}
    g = pairs.g
    for number in range(len(history) + 1, settings.epochs + 1):
        started = time.perf_counter()
        loss = _epoch(name, network, optimiser, pairs, g, settings, seed, eps, number, where, inside, keep)
        row = {"epoch": number, "train_loss": loss}
        for split in VALIDATION:
            row[f"{split}_loss"] = evaluate(network, validation[split], labels[split], eps, where)
            _check_finite(row[f"{split}_loss"], name, number)
        best_before = min((one[f"{CHOICE}_loss"] for one in history), default=math.inf)
        if row[f"{CHOICE}_loss"] < best_before:
            state["best"] = {key: value.detach().cpu().clone() for key, value in network.state_dict().items()}
        history.append(row)
        seconds = time.perf_counter() - started
        inside = _Inside()
        keep()
        log(number, {key: value for key, value in row.items() if key != "epoch"} | {"seconds": seconds})
    network.load_state_dict(state["best"])
    if isinstance(network, DualNetwork):
        fit_relaxation(network, pairs, g, eps, where)
    return Trained(network.cpu().eval(), pl.DataFrame(history), eps)


@torch.inference_mode()
def evaluate(network: Network, pairs: Pairs, g: Array, eps: float, device: torch.device) -> float:
    """Return the mean loss on labelled pairs; g: (n, l) their labels."""
    total = 0.0
    for start in range(0, len(pairs), VALIDATION_BATCH):
        rows = np.arange(start, min(start + VALIDATION_BATCH, len(pairs)))
        total += float(network.loss(Batch.of_pairs(pairs, g, rows, device), eps)) * len(rows)
    return total / len(pairs)


def _epoch(
    name: str, network: Network, optimiser: Optimiser, pairs: Pairs, g: Array,
    settings: TrainPlanNetwork, seed: int, eps: float, number: int, device: torch.device, inside: _Inside,
    keep: Callable[[], None],
) -> float:  # fmt: skip
    rng = np.random.default_rng([seed, number])
    size = min(settings.pairs, len(pairs))
    loss_of = LOSSES.get(name)
    bar = tqdm(
        total=size, initial=inside.visited,
        desc=f"{name}-{seed} {number}/{settings.epochs}", unit="pair", file=sys.stderr,
        mininterval=0.5 if sys.stderr.isatty() else 10, dynamic_ncols=True,
    )  # fmt: skip
    kept = time.monotonic()
    with bar:
        # The order of an epoch is seeded: the batches before the checkpoint are the same ones again.
        for choice in islice(_choices(name, pairs, settings.block, rng), inside.batches, None):
            if inside.visited >= size:
                break
            done = (number - 1 + inside.visited / size) / settings.epochs
            batch = _batch(pairs, g, choice, device)
            if loss_of is None:
                loss = network.loss(batch, eps)
            else:
                assert isinstance(network, DualNetwork)
                loss = loss_of(network, batch, eps)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
            optimiser.step(_rate(done))
            inside.total += _check_finite(loss.item(), name, number) * len(batch)
            inside.visited += len(batch)
            inside.batches += 1
            bar.update(len(batch))
            if time.monotonic() - kept > CHECKPOINT_SECONDS:
                keep()
                kept = time.monotonic()
    return inside.total / inside.visited


def _choices(name: str, pairs: Pairs, block: int, rng: np.random.Generator) -> Iterator[_Choice]:
    """Yield the batches of an epoch: its pairs, or where no label is needed any two of their palettes."""
    if name in LABEL_FREE:
        return meetings(pairs.source, pairs.target, block, rng)
    return epoch(pairs.source, pairs.target, block, rng)


def _batch(pairs: Pairs, g: Array, choice: _Choice, device: torch.device) -> Batch:
    if isinstance(choice, tuple):
        return Batch.between(pairs.palettes, *choice, device)
    return Batch.of_pairs(pairs, g, choice, device)


def _rate(done: float) -> float:
    return min(1.0, (done + 1e-3) / WARM_UP) * (1 + math.cos(math.pi * done)) / 2


def _check_finite(loss: float, name: str, number: int) -> float:
    if not math.isfinite(loss):
        raise TrainingError(
            f"{name}: loss of epoch {number} is {loss}; params.yaml: train.{name}.learning_rate must be smaller"
        )
    return loss


def _resume(checkpoint: Path, device: torch.device) -> dict[str, Any]:
    try:
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        if isinstance(state, dict) and {"network", "optimiser", "history", "best", "inside"} <= state.keys():
            return state
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        state = None
    raise DataError(f"{checkpoint}: not a whole checkpoint; delete it to train from the start")
