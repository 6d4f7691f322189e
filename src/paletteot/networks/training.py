"""Training of the learned warm starts: seeded, resumable, best epoch kept."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from paletteot.config.train import Settings, TrainDualNetwork
from paletteot.dataset.load import Pairs
from paletteot.errors import PaletteOTError, ParamsError
from paletteot.networks import losses
from paletteot.networks.batches import Batch, epoch, meetings
from paletteot.networks.checkpoint import Checkpoint
from paletteot.networks.dual_network import DualNetwork
from paletteot.networks.messages import RANGES
from paletteot.networks.model import Network
from paletteot.networks.optimiser import Optimiser
from paletteot.networks.plan_network import HEADS, PlanNetwork
from paletteot.networks.relaxation import fit_relaxation
from paletteot.ot.problem import Array
from paletteot.splits import CHOICE, VALIDATION, Split

Log = Callable[[int, dict[str, float]], None]
"""Told the metrics of every epoch."""

_Choice = NDArray[np.int64] | tuple[NDArray[np.int64], NDArray[np.int64]]
"""A batch: rows of the pairs, or rows of the palettes on either side."""

WARM_UP = 0.02
"""Share of the training in which the learning rate rises."""

LARGEST_GRADIENT = 1.0
VALIDATION_BATCH = 64


class TrainingError(PaletteOTError):
    """Training did not give finite losses."""


@dataclass(frozen=True)
class Trained:
    """A trained network, best epoch's weights.

    history: epoch (from 1), train_loss, validation_seen_loss, validation_unseen_loss. eps: of its pairs, LAB units.
    """

    network: Network
    history: pl.DataFrame
    eps: float

    def save(self, path: Path) -> None:
        """Write the weights as safetensors."""
        self.network.save(path, eps=self.eps)


def create(name: str, settings: Settings, seed: int) -> Network:
    """Return an untrained network, the same one for the same seed; raises ParamsError as `check` does."""
    check(name, settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: Network
        if isinstance(settings, TrainDualNetwork):
            network = DualNetwork(settings.hidden, settings.temperatures)
        else:
            network = PlanNetwork(settings.hidden)
        network.name = name
        return network


def check(name: str, settings: Settings) -> losses.Loss:
    """Return the loss that a network is trained on.

    Raises ParamsError when it is none of its architecture's, and when the hidden size cannot be shared out to the
    heads, or kinds of message.
    """
    parts = len(RANGES) if isinstance(settings, TrainDualNetwork) else HEADS
    if settings.hidden % parts:
        raise ParamsError(f"{_field(name)}.hidden must be a multiple of {parts}, but is {settings.hidden}")
    return losses.named(settings.loss, settings.architecture, f"{_field(name)}.loss")


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
    name: str, pairs: Pairs, validation: Mapping[Split, Pairs], settings: Settings,
    seed: int, *, device: str, partial: Path, log: Log,
) -> Trained:  # fmt: skip
    """Train a network and return the weights of the epoch with the smallest loss on validation_unseen.

    The learning rates warmed up and then a cosine. Every network is judged by the loss with labels of its architecture,
    on validation. pairs: labelled, at one eps; an epoch visits settings.pairs of them, or, where the loss needs no
    labels, as many of any two of their palettes. validation: labelled pairs of VALIDATION.
    partial: folder of the checkpoint, written every `checkpoint.SECONDS` and after every epoch; training goes on from
    there to the same result, bit by bit on a CPU. Raises TrainingError when a loss is not finite, ParamsError as
    `check` does.
    """
    where = device_of(device)
    network = create(name, settings, seed).to(where)
    optimiser = Optimiser(
        network, settings.learning_rate, settings.matrix_rate if isinstance(settings, TrainDualNetwork) else None
    )
    state = Checkpoint(partial / "checkpoint.pt", network, optimiser, where)
    training = _Training(
        name, network, optimiser, check(name, settings), settings, seed, pairs, pairs.g, pairs.eps, where,
    )  # fmt: skip
    judge, labels = losses.JUDGES[settings.architecture], {split: part.g for split, part in validation.items()}
    for number in range(len(state.history) + 1, settings.epochs + 1):
        started = time.perf_counter()
        row = {"epoch": number, "train_loss": training.epoch(number, state)}
        for split in VALIDATION:
            row[f"{split}_loss"] = evaluate(network, judge, validation[split], labels[split], training.eps, where)
            _check_finite(row[f"{split}_loss"], name, number)
        best_before = min((one[f"{CHOICE}_loss"] for one in state.history), default=math.inf)
        seconds = time.perf_counter() - started
        state.finish_epoch(row, best=row[f"{CHOICE}_loss"] < best_before)
        log(number, {key: value for key, value in row.items() if key != "epoch"} | {"seconds": seconds})
    network.load_state_dict(state.best)
    if isinstance(network, DualNetwork):
        fit_relaxation(network, pairs, training.g, training.eps, where)
    return Trained(network.cpu().eval(), pl.DataFrame(state.history), training.eps)


@torch.inference_mode()
def evaluate(
    network: Network, judge: Callable[[Network, Batch, float], Tensor], pairs: Pairs, g: Array, eps: float,
    device: torch.device,
) -> float:  # fmt: skip
    """Return the mean of a loss on labelled pairs; g: (n, l) their labels."""
    total = 0.0
    for start in range(0, len(pairs), VALIDATION_BATCH):
        rows = np.arange(start, min(start + VALIDATION_BATCH, len(pairs)))
        total += float(judge(network, Batch.of_pairs(pairs, g, rows, device), eps)) * len(rows)
    return total / len(pairs)


@dataclass(frozen=True)
class _Training:
    """What an epoch needs. g: (n, l) labels of the pairs, LAB units."""

    name: str
    network: Network
    optimiser: Optimiser
    loss: losses.Loss
    settings: Settings
    seed: int
    pairs: Pairs
    g: Array
    eps: float
    device: torch.device

    def epoch(self, number: int, state: Checkpoint) -> float:
        """Go on with an epoch from where the checkpoint is; returns its mean loss."""
        rng = np.random.default_rng([self.seed, number])
        size, inside = min(self.settings.pairs, len(self.pairs)), state.inside
        bar = tqdm(
            total=size, initial=inside.visited,
            desc=f"{self.name}-{self.seed} {number}/{self.settings.epochs}", unit="pair", file=sys.stderr,
            mininterval=0.5 if sys.stderr.isatty() else 10, dynamic_ncols=True,
        )  # fmt: skip
        with bar:
            # The order of an epoch is seeded: the batches before the checkpoint are the same ones again.
            for choice in islice(self._choices(rng), inside.batches, None):
                if inside.visited >= size:
                    break
                done = (number - 1 + inside.visited / size) / self.settings.epochs
                batch = self._batch(choice)
                loss = self.loss.of(self.network, batch, self.eps)
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(self.network.parameters(), LARGEST_GRADIENT)
                self.optimiser.step(_rate(done))
                inside.total += _check_finite(loss.item(), self.name, number) * len(batch)
                inside.visited += len(batch)
                inside.batches += 1
                bar.update(len(batch))
                state.write_if_due()
        return inside.total / inside.visited

    def _choices(self, rng: np.random.Generator) -> Iterator[_Choice]:
        """Yield the batches of an epoch: its pairs, or where no label is needed any two of their palettes."""
        meet = epoch if self.loss.labels else meetings
        return meet(self.pairs.source, self.pairs.target, self.settings.block, rng)

    def _batch(self, choice: _Choice) -> Batch:
        if isinstance(choice, tuple):
            return Batch.between(self.pairs.palettes, *choice, self.device)
        return Batch.of_pairs(self.pairs, self.g, choice, self.device)


def _field(name: str) -> str:
    return f"params.yaml: train.networks.{name}"


def _rate(done: float) -> float:
    return min(1.0, (done + 1e-3) / WARM_UP) * (1 + math.cos(math.pi * done)) / 2


def _check_finite(loss: float, name: str, number: int) -> float:
    if not math.isfinite(loss):
        raise TrainingError(f"{name}: loss of epoch {number} is {loss}; {_field(name)}.learning_rate must be smaller")
    return loss
