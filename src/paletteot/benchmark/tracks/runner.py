"""Track A: any start, then the reference iteration to the reference stop. And all tracks on one batch."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

import numpy as np
import polars as pl

from paletteot.benchmark import schema
from paletteot.benchmark.tracks.accelerated import accelerations, track_b
from paletteot.benchmark.tracks.asking import Starts, ask
from paletteot.benchmark.tracks.ladder import ladder
from paletteot.benchmark.tracks.newton import track_c
from paletteot.dataset.load import Pairs, Palettes
from paletteot.ot import sinkhorn
from paletteot.warmstarts.contract import WarmStart


def judge(
    method: WarmStart, pairs: Pairs, *,
    eps: float, atol: float, max_iterations: int, tracks: Collection[str] = tuple(schema.TRACKS), relaxed: bool = True,
) -> Mapping[str, pl.DataFrame]:  # fmt: skip
    """Judge a contestant on a batch of pairs; returns the rows of each of schema.TRACKS, none of one not asked for.

    The contestant is asked for its starts once, whatever the tracks. relaxed: whether Track B runs the relaxed
    iterations too, which take most of its time.
    """
    starts = ask(method, pairs, eps)
    judges = {
        "A": lambda: track_a(starts, atol=atol, max_iterations=max_iterations),
        "B": lambda: track_b(starts, accelerations(starts, relaxed=relaxed), max_iterations=max_iterations),
        "C": lambda: track_c(starts),
        "ladder": lambda: ladder(starts, max_iterations=max_iterations),
    }
    none = {track: pl.DataFrame(schema=schema.track_dtypes(track)) for track in judges}
    return {track: judges[track]() if track in tracks else none[track] for track in judges}


def track_a(starts: Starts, *, atol: float, max_iterations: int) -> pl.DataFrame:
    """Run the reference iteration from each start; returns the columns of ITERATIONS and of SECONDS.

    Nothing that a contestant returns can make a count wrong: whatever g is, the iteration runs to the reference stop
    (docs/protocol.md, 4).
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
        **{f"error_{name}": errors[:, place] for place, name in enumerate(["0", "1", "10", "100", "stop"])},
        init_seconds=pl.lit(starts.seconds),
        total_seconds=pl.Series(seconds, dtype=pl.Float64),
    ).select(*schema.track_dtypes("A"))


def warm_up(method: WarmStart, eps: float) -> None:
    """Judge a contestant once on a problem of no consequence, so that no timing holds a compilation."""
    points = np.stack([np.eye(3), np.eye(3) + 1])
    palettes = Palettes(["x", "y"], ["x", "y"], points, np.full((2, 3), 1 / 3))
    frame = pl.DataFrame({"pair_id": [0], "split": [""]}, schema_overrides={"pair_id": pl.Int32})
    pairs = Pairs(palettes, frame, np.array([0]), np.array([1]))
    judge(method, pairs, eps=eps, atol=sinkhorn.ATOL, max_iterations=100)
