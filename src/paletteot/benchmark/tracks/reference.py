"""Track A: any start, then the reference iteration to the reference stop, and to the stops of the ladder."""

from __future__ import annotations

import time

import numpy as np
import polars as pl

from paletteot.benchmark import schema
from paletteot.benchmark.protocol import RUNGS
from paletteot.benchmark.tracks.asking import Starts
from paletteot.ot import sinkhorn
from paletteot.tables import dtypes


def track_a(starts: Starts, *, atol: float, max_iterations: int) -> pl.DataFrame:
    """Run the reference iteration from each start; returns the columns of ITERATIONS and of SECONDS.

    Nothing that a contestant returns can make a count wrong: whatever g is, the iteration runs to the reference stop,
    and what it claims there is recomputed (docs/protocol.md, 4).
    """
    runs, seconds = [], []
    for row in range(len(starts)):
        problem = starts.problems[row]
        before = time.perf_counter()
        runs.append(sinkhorn.reference(problem, starts.g[row], atol=atol, max_iterations=max_iterations))
        seconds.append(starts.seconds + time.perf_counter() - before)
    errors = np.array([run.errors for run in runs]).reshape(-1, 5)
    return starts.keys.with_columns(
        iterations=pl.Series([run.iterations for run in runs], dtype=pl.Int32),
        converged=pl.Series([run.converged for run in runs], dtype=pl.Boolean),
        init_iterations=pl.Series(starts.iterations, dtype=pl.Int32),
        fallback=pl.Series(starts.fallback),
        label_like=pl.Series(starts.label_like),
        **{f"error_{name}": errors[:, place] for place, name in enumerate(["0", "1", "10", "100", "stop"])},
        init_seconds=pl.lit(starts.seconds),
        total_seconds=pl.Series(seconds, dtype=pl.Float64),
    ).select(*schema.track_dtypes("A"))


def ladder(starts: Starts, *, max_iterations: int) -> pl.DataFrame:
    """Count the reference iteration from each start at RUNGS; returns the columns of LADDER, a row for each."""
    runs = [
        sinkhorn.reference_at(starts.problems[row], starts.g[row], atols=RUNGS, max_iterations=max_iterations)
        for row in range(len(starts))
    ]
    rows = starts.keys.with_columns(
        init_iterations=pl.Series(starts.iterations, dtype=pl.Int32), fallback=pl.Series(starts.fallback)
    )
    counts = {
        "iterations": pl.Series([count for counts, _ in runs for count in counts], dtype=pl.Int32),
        "converged": pl.Series([flag for _, flags in runs for flag in flags], dtype=pl.Boolean),
    }
    crossed = rows.join(pl.DataFrame({"atol": RUNGS}), how="cross", maintain_order="left_right")
    return crossed.with_columns(**counts).select(*dtypes(schema.LADDER))
