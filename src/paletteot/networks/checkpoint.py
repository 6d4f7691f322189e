"""How far a training has come, on disk: killed and begun again, it ends with the same bits."""

from __future__ import annotations

import pickle
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from paletteot.errors import DataError
from paletteot.files import replacing
from paletteot.networks.model import Network
from paletteot.networks.optimiser import Optimiser

SECONDS = 30.0
"""Time between checkpoints inside an epoch: what a kill can cost."""


@dataclass
class Inside:
    """How far an epoch has come: batches and pairs visited, and the sum of their losses."""

    batches: int = 0
    visited: int = 0
    total: float = 0.0


class Checkpoint:
    """The state of a training: of its network and optimiser, and what it has found so far.

    history: the losses of each finished epoch. best: weights of the best of them. inside: of the epoch that runs.
    Where the file is there already, all of it is what the file says. Raises DataError where that is not whole.
    """

    def __init__(self, file: Path, network: Network, optimiser: Optimiser, device: torch.device) -> None:
        self.file, self.network, self.optimiser = file, network, optimiser
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        self.inside = Inside()
        if file.is_file():
            state = _read(file, device)
            network.load_state_dict(state["network"])
            optimiser.load_state_dict(state["optimiser"])
            self.history, self.best, self.inside = state["history"], state["best"], Inside(**state["inside"])
        self._written = time.monotonic()

    def finish_epoch(self, losses: dict[str, float], *, best: bool) -> None:
        """Note the losses of an epoch, keep the weights where it is the best so far, and write the file."""
        if best:
            self.best = {key: value.detach().cpu().clone() for key, value in self.network.state_dict().items()}
        self.history.append(losses)
        self.inside = Inside()
        self.write()

    def write_if_due(self) -> None:
        """Write the file where SECONDS have gone by since it was written."""
        if time.monotonic() - self._written > SECONDS:
            self.write()

    def write(self) -> None:
        """Write the file, whole or not at all."""
        state = {
            "network": self.network.state_dict(), "optimiser": self.optimiser.state_dict(),
            "history": self.history, "best": self.best, "inside": asdict(self.inside),
        }  # fmt: skip
        with replacing(self.file) as fresh:
            torch.save(state, fresh)
        self._written = time.monotonic()


def _read(file: Path, device: torch.device) -> dict[str, Any]:
    try:
        state = torch.load(file, map_location=device, weights_only=True)
        if isinstance(state, dict) and {"network", "optimiser", "history", "best", "inside"} <= state.keys():
            return state
    except (RuntimeError, EOFError, pickle.UnpicklingError):
        state = None
    raise DataError(f"{file}: not a whole checkpoint; delete it to train from the start")
