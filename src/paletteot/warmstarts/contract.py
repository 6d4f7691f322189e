"""The contract of a contestant: numpy in, numpy out, a batch at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from paletteot.errors import DataError, PaletteOTError
from paletteot.ot.problem import Problems

if TYPE_CHECKING:
    from paletteot.config.train import Architecture

MOST_PASSES = 1_000_000
"""Passes that a start may claim for a problem: more than any solve has."""


@dataclass(frozen=True)
class Start:
    """Where the reference iteration begins.

    g: (batch, l) float64, target potentials in LAB units, any gauge; ignored where the weight is zero.
    omega: (batch,) float64 relaxation of each problem, or None (Track B only).
    iterations: passes over the k x k kernel spent inside the start, (batch,) whole numbers or one for all (`passes`).
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


def passes(iterations: object, n: int) -> NDArray[np.int64]:
    """Return the passes that a start claims for each of n problems, (n,) int64.

    Raises DataError where they are no whole numbers from 0 to MOST_PASSES, one or (n,); looked at as they came, since a
    cast would make small numbers of large ones.
    """
    if isinstance(iterations, int) and not isinstance(iterations, bool):  # numpy makes objects of large ones
        _within(iterations)
        return np.full(n, iterations, np.int64)
    try:
        found = np.asarray(iterations)
    except ValueError:  # lists of several lengths
        raise DataError(f"iterations must be whole numbers, but are a {type(iterations).__name__}") from None
    if found.dtype.kind not in "iu":
        raise DataError(f"iterations must be whole numbers, but are {found.dtype}")
    if found.shape not in ((), (n,)):
        raise DataError(f"iterations must be one number or ({n},), but have shape {found.shape}")
    for end in (found.min(), found.max()) if found.size else ():
        _within(int(end))
    return np.broadcast_to(found.astype(np.int64), n)


def _within(number: int) -> None:
    if not 0 <= number <= MOST_PASSES:
        shown = str(number) if abs(number) < 10**20 else "one of more than 20 digits"
        raise DataError(f"iterations must be from 0 to {MOST_PASSES}, but hold {shown}")


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
