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

LABEL_LIKE = 1e-6
"""Difference from the label up to a constant, LAB units, within which a start reads like it: ten times what noise of
a solver that stops at 1e-9 leaves on ordinary atoms, a hundred-thousandth of eps."""


@dataclass(frozen=True)
class Starts:
    """A batch of problems and where each begins.

    method: the contestant. keys: pair_id and split, (n,). g: (n, l) float64, LAB units, the cold start where the
    contestant's fell back. omega: (n,) float64 as given, or None. iterations: (n,) int64 passes over the kernel spent.
    fallback: (n,). label_like: (n,), whether g reads like the label. seconds: time inside the contestant, shared
    equally among the batch.
    """

    method: str
    keys: pl.DataFrame
    problems: Problems
    g: Array
    omega: Array | None
    iterations: NDArray[np.int64]
    fallback: NDArray[np.bool_]
    label_like: NDArray[np.bool_]
    seconds: float

    def __len__(self) -> int:
        return len(self.g)


def ask(method: WarmStart, pairs: Pairs) -> Starts:
    """Ask a contestant for the starts of a batch of pairs.

    A start that is not finite on the support, or spreads over more than ABSURD there, falls back to cold and is marked:
    no contestant can make a solve wrong. Where a contestant says that it is not timed, as starts from a file are not,
    the seconds are 0. Raises DataError naming method and field where shape or dtype is wrong.
    """
    problems, n = pairs.problems(), len(pairs)
    before = time.perf_counter()
    start = method.start(problems)
    seconds = (time.perf_counter() - before) / max(n, 1) if getattr(method, "timed", True) else 0.0
    _check(method.name, "g", start.g, problems.b.shape)
    if start.omega is not None:
        _check(method.name, "omega", start.omega, (n,))
    try:
        claimed = passes(start.iterations, n)
    except DataError as error:
        raise DataError(f"{method.name}: {error}") from None
    on = problems.b > 0
    fallback = _unusable(start.g, on)
    g = start.g.copy() if fallback.any() else start.g
    for row in np.flatnonzero(fallback):
        g[row] = sinkhorn.cold(problems[int(row)])
    like = reads_like(g, pairs.g, on) & ~fallback if "g" in pairs.frame.columns else np.zeros(n, dtype=np.bool_)
    return Starts(
        method.name, pairs.frame.select("pair_id", "split"), problems, g, start.omega,
        claimed, fallback, like, seconds,
    )  # fmt: skip


def reads_like(g: Array, label: Array, on: NDArray[np.bool_], within: float = LABEL_LIKE) -> NDArray[np.bool_]:
    """Return which rows of g, (n, l), are the label up to a constant and ``within`` on the support, (n,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray((on.sum(axis=1) > 1) & (spread(g - label, on) <= within))


def spread(values: Array, on: NDArray[np.bool_]) -> Array:
    """Return the largest less the smallest value of each row on the support, (n,); NaN where one is NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        top = np.max(values, axis=1, where=on, initial=-np.inf)
        return np.asarray(top - np.min(values, axis=1, where=on, initial=np.inf))


def _unusable(g: Array, on: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows are not finite on the support or spread too far there, (n,)."""
    finite = np.where(on, np.isfinite(g), True).all(axis=1)
    return np.asarray(~finite | ~(spread(np.where(np.isfinite(g), g, 0.0), on) <= ABSURD))


def _check(method: str, field: str, value: object, shape: tuple[int, ...]) -> None:
    if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != np.float64:
        found = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
        raise DataError(f"{method}: start must return {field} as float64 of shape {shape}, but returned {found}")
