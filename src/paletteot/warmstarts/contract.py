"""The contract of a contestant: numpy in, numpy out, a batch at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from paletteot.errors import PaletteOTError
from paletteot.ot.problem import Problems


@dataclass(frozen=True)
class Start:
    """Where the reference iteration begins.

    g: (batch, l) float64, target potentials in LAB units, any gauge; ignored where the weight is zero.
    omega: (batch,) float64 relaxation of each problem, or None (Track B only).
    iterations: passes over the k x k kernel spent inside the start, (batch,) int64 or one number for all.
    """

    g: NDArray[np.float64]
    omega: NDArray[np.float64] | None = None
    iterations: NDArray[np.int64] | int = 0


@runtime_checkable
class WarmStart(Protocol):
    """A contestant: one class in one file.

    name: how the leaderboard calls it. summary: one line. citation: where it comes from.
    """

    name: str
    summary: str
    citation: str

    def start(self, problems: Problems) -> Start:
        """Return initial potentials for a batch of problems without changing it."""
        ...


class NoAnswerError(PaletteOTError):
    """A contestant gave no answer; what: what it did instead."""

    def __init__(self, label: str, what: str) -> None:
        super().__init__(f"{label}: {what}")
        self.what = what


class HungError(NoAnswerError):
    """A contestant gave no answer in the time it had."""


def family(name: str) -> str:
    """Return the contestant of a name that may end in a seed: dual_network for dual_network-5."""
    return re.sub(r"-\d+$", "", name)
