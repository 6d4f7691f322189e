"""Track A: any start, then the reference iteration to the reference stop, one row per problem."""

from __future__ import annotations

import time

import numpy as np
import polars as pl

from paletteot.dataset import schema
from paletteot.dataset.load import Pairs
from paletteot.errors import DataError
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.warmstarts.contract import WarmStart


def track_a(method: WarmStart, pairs: Pairs, *, eps: float, atol: float, max_iterations: int) -> pl.DataFrame:
    """Judge a contestant on a batch of pairs; returns the columns of ITERATIONS and of SECONDS.

    The batch's time inside the contestant is shared equally among its problems. Nothing that a contestant returns can
    make a count wrong: whatever g is, the iteration runs to the reference stop (docs/protocol.md, 4).
    Raises DataError naming method and problem when a start has the wrong shape or is not finite.
    """
    problems = pairs.problems(eps)
    before = time.perf_counter()
    start = method.start(problems)
    init_seconds = (time.perf_counter() - before) / len(problems)
    frame = pairs.frame.select("pair_id", "split")
    _check(method.name, start.g, problems.b, frame["pair_id"].to_list())
    runs, seconds = [], []
    for row in range(len(problems)):
        problem = problems[row]
        before = time.perf_counter()
        runs.append(sinkhorn.reference(problem, start.g[row], atol=atol, max_iterations=max_iterations))
        seconds.append(init_seconds + time.perf_counter() - before)
    errors = np.array([run.errors for run in runs])
    return frame.with_columns(
        iterations=pl.Series([run.iterations for run in runs], dtype=pl.Int32),
        converged=pl.Series([run.converged for run in runs], dtype=pl.Boolean),
        init_iterations=pl.Series(np.broadcast_to(start.iterations, len(problems)), dtype=pl.Int32),
        **{f"error_{name}": errors[:, place] for place, name in enumerate(["0", "1", "10", "100", "stop"])},
        init_seconds=pl.lit(init_seconds),
        total_seconds=pl.Series(seconds),
    ).select(*dict.fromkeys([*schema.ITERATIONS, *schema.SECONDS]))


def warm_up(method: WarmStart, eps: float) -> None:
    """Run a contestant and the iteration once on a problem of no consequence, so that no timing holds a compilation."""
    points = np.eye(3)
    problem = Problem(points, np.full(3, 1 / 3), points + 1, np.full(3, 1 / 3), eps)
    method.start(Problems.of(problem))
    sinkhorn.reference(problem)


def _check(name: str, g: object, b: Array, pair_ids: list[int]) -> None:
    if not isinstance(g, np.ndarray) or g.shape != b.shape or g.dtype != np.float64:
        found = f"{g.dtype} {g.shape}" if isinstance(g, np.ndarray) else type(g).__name__
        raise DataError(f"{name}: start must return g as float64 of shape {b.shape}, but returned {found}")
    bad = ~(np.isfinite(g) | (b == 0)).all(axis=1)
    if bad.any():
        raise DataError(f"{name}: g of pair {pair_ids[int(bad.argmax())]} is not finite")
