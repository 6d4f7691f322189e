"""What a contestant answers to a batch, asked for once, timed, and made safe to run from."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.dataset.load import Pairs
from paletteot.errors import DataError
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Array, Problems
from paletteot.warmstarts.contract import WarmStart, passes

ABSURD = 1e4
"""Spread of g over the support, LAB units, beyond which a start falls back: a hundred times the gamut's size."""


@dataclass(frozen=True)
class Starts:
    """A batch of problems and where each begins.

    method: the contestant. keys: pair_id and split, (n,). g: (n, l) float64, LAB units, the cold start where the
    contestant's fell back. omega: (n,) float64 as given, or None. iterations: (n,) int64 passes over the kernel spent.
    fallback: (n,). seconds: time inside the contestant, shared equally among the batch.
    """

    method: str
    keys: pl.DataFrame
    problems: Problems
    g: Array
    omega: Array | None
    iterations: NDArray[np.int64]
    fallback: NDArray[np.bool_]
    seconds: float

    def __len__(self) -> int:
        return len(self.g)


def ask(method: WarmStart, pairs: Pairs, eps: float) -> Starts:
    """Ask a contestant for the starts of a batch of pairs.

    A start that is not finite on the support, or spreads over more than ABSURD there, falls back to cold and is marked:
    no contestant can make a solve wrong. Raises DataError naming method and field where shape or dtype is wrong.
    """
    problems, n = pairs.problems(eps), len(pairs)
    before = time.perf_counter()
    start = method.start(problems)
    seconds = (time.perf_counter() - before) / max(n, 1)
    _check(method.name, "g", start.g, problems.b.shape)
    if start.omega is not None:
        _check(method.name, "omega", start.omega, (n,))
    try:
        claimed = passes(start.iterations, n)
    except DataError as error:
        raise DataError(f"{method.name}: {error}") from None
    fallback = _unusable(start.g, problems.b)
    g = start.g.copy() if fallback.any() else start.g
    for row in np.flatnonzero(fallback):
        g[row] = sinkhorn.cold(problems[int(row)])
    return Starts(
        method.name, pairs.frame.select("pair_id", "split"), problems, g, start.omega,
        claimed, fallback, seconds,
    )  # fmt: skip


def _unusable(g: Array, b: Array) -> NDArray[np.bool_]:
    """Return which rows are not finite on the support or spread too far there, (n,)."""
    on = b > 0
    finite = np.where(on, np.isfinite(g), True).all(axis=1)
    known = np.where(np.isfinite(g), g, 0.0)
    with np.errstate(over="ignore"):
        spread = np.max(known, axis=1, where=on, initial=-np.inf) - np.min(known, axis=1, where=on, initial=np.inf)
    return np.asarray(~finite | (spread > ABSURD))


def _check(method: str, field: str, value: object, shape: tuple[int, ...]) -> None:
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != np.float64:
        found = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise DataError(f"{method}: start must return {field} as float64 of shape {shape}, but returned {found}")
