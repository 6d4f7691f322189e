"""The tolerance ladder: counts of the reference iteration to several stops, from one run for each problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from paletteot.benchmark import schema
from paletteot.benchmark.protocol import RUNGS
from paletteot.benchmark.tracks.asking import Starts
from paletteot.compiled import njit
from paletteot.errors import ProblemError
from paletteot.ot.kernels import build_kernel, column_update, fused_pass, out_of_range, row_update, shift
from paletteot.ot.problem import Array, Problem
from paletteot.ot.sinkhorn import MAX_ITERATIONS, start_on_support
from paletteot.tables import dtypes


@dataclass(frozen=True)
class Climb:
    """Of each rung: iterations, (n,), the cap where it was not reached; converged, (n,), whether it was."""

    iterations: NDArray[np.int64]
    converged: NDArray[np.bool_]


def climb(
    problem: Problem, g: ArrayLike | None = None, *,
    rungs: Sequence[float] = RUNGS, max_iterations: int = MAX_ITERATIONS,
) -> Climb:  # fmt: skip
    """Run the reference iteration from potentials g to the last rung and count it at each.

    The counts are those of `sinkhorn.reference` with each rung as atol. g: (l,) LAB units, any gauge; None for a cold
    start. Raises ProblemError when the rungs are not positive or do not fall, or g is not one that `reference` takes.
    """
    atols = np.asarray(rungs, dtype=np.float64)
    if atols.ndim != 1 or len(atols) == 0 or not (atols > 0).all() or (np.diff(atols) >= 0).any():
        raise ProblemError(f"rungs must be positive and fall, but are {rungs}")
    kept, start = problem.on_support(), start_on_support(problem, g)
    counts = np.full(len(atols), max_iterations, dtype=np.int64)
    reached = _climb(kept.cost, kept.a, kept.b, kept.eps, start, atols, max_iterations, counts)
    return Climb(counts, np.arange(len(atols)) < reached)


def ladder(starts: Starts, *, max_iterations: int) -> pl.DataFrame:
    """Run `climb` from each start; returns the columns of LADDER, a row for each problem and rung."""
    climbs = [climb(starts.problems[row], starts.g[row], max_iterations=max_iterations) for row in range(len(starts))]
    rows = starts.keys.with_columns(
        init_iterations=pl.Series(starts.iterations, dtype=pl.Int32), fallback=pl.Series(starts.fallback)
    )
    rungs = pl.DataFrame({"atol": RUNGS})
    counts = {
        "iterations": pl.Series([count for one in climbs for count in one.iterations], dtype=pl.Int32),
        "converged": pl.Series([flag for one in climbs for flag in one.converged], dtype=pl.Boolean),
    }
    crossed = rows.join(rungs, how="cross", maintain_order="left_right")
    return crossed.with_columns(**counts).select(*dtypes(schema.LADDER))


@njit(cache=True, nogil=True, error_model="numpy")
def _climb(
    cost: Array, a: Array, b: Array, eps: float, g: Array, atols: Array, max_iterations: int, counts: NDArray[np.int64]
) -> int:  # pragma: no cover - compiled
    """Run the iteration of `kernels.iterate` to the last of falling tolerances; returns how many were reached.

    counts: (n,) receives the count t at each that was. Step for step what `iterate` does, so that the counts are its.
    """
    k, l = cost.shape
    f, kernel, r, s = np.empty(k), np.empty((k, l)), np.ones(k), np.ones(l)
    column, fresh = np.empty(l), np.empty(l)
    rung, absorbed = 0, False
    for t in range(max_iterations):
        if absorbed:
            fused_pass(kernel, a, s, r, column)
            for j in range(l):
                fresh[j] = b[j] / column[j]
            if out_of_range(fresh) + out_of_range(r) == 0:
                while rung < len(atols) and _still(s, fresh, np.exp(-atols[rung]), np.exp(atols[rung])):
                    counts[rung] = t
                    rung += 1
                s, fresh = fresh, s
            else:  # this pass may have lost entries: undo it, absorb what was reached before
                shift(g, s, eps)
                absorbed = False
        if not absorbed:
            row_update(cost, b, g, eps, f)
            fresh[:] = g
            column_update(cost, a, f, eps, g)
            while rung < len(atols) and _near(fresh, g, eps, atols[rung]):
                counts[rung] = t
                rung += 1
            build_kernel(cost, a, b, f, g, eps, kernel)
            s[:] = 1.0
            absorbed = True
        if rung == len(atols):
            break
    return rung


@njit(cache=True, nogil=True, error_model="numpy")
def _still(before: Array, after: Array, lower: float, upper: float) -> bool:  # pragma: no cover - compiled
    """Return whether no scaling has changed by a factor outside [lower, upper]; one that is NaN has."""
    moved = 0
    for j in range(len(before)):
        moved += 0 if lower <= after[j] / before[j] <= upper else 1
    return moved == 0


@njit(cache=True, nogil=True, error_model="numpy")
def _near(before: Array, after: Array, eps: float, atol: float) -> bool:  # pragma: no cover - compiled
    """Return whether no potential has changed by more than eps times atol; one that is NaN has."""
    moved = 0
    for j in range(len(before)):
        moved += 0 if abs((after[j] - before[j]) / eps) <= atol else 1
    return moved == 0
