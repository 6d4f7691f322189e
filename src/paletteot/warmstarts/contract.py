"""The contract of a contestant: numpy in, numpy out, a batch at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from paletteot.errors import PaletteOTError
from paletteot.ot.problem import Problems

if TYPE_CHECKING:
    from paletteot.config.train import Architecture


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


@dataclass(frozen=True)
class Entry:
    """A contestant as its own file declares it, in ``ENTRIES`` there; nothing else lists it.

    make: gives the contestant; that of a learned one is called with the file or folder that it reads. Whoever needs
    torch imports it no sooner. name, summary, citation: the contestant's own. learned: whether it knows something from
    data. kernel_only: whether it works by passes over the kernel. trained: the architecture of the network that is
    trained under its name (params.yaml, train.networks), None where there is none.
    """

    make: Callable[..., WarmStart]
    name: str
    summary: str
    citation: str
    learned: bool = False
    kernel_only: bool = True
    trained: Architecture | None = None

    @classmethod
    def of(
        cls, who: WarmStart | type[WarmStart], make: Callable[..., WarmStart], *,
        learned: bool = False, kernel_only: bool = True, trained: Architecture | None = None,
    ) -> Self:  # fmt: skip
        """Return the entry of a contestant that says who it is, or whose class does."""
        return cls(make, who.name, who.summary, who.citation, learned, kernel_only, trained)


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
