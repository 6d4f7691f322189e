"""Track C in a plain form: a start in front of damped Newton."""

from __future__ import annotations

import time

import numpy as np
import polars as pl

from paletteot.benchmark import schema
from paletteot.benchmark.tracks.asking import Starts
from paletteot.ot import newton, sinkhorn

TOLERANCE = 1e-9
"""L1 marginal error to which Newton goes, both sides together, recomputed from its g."""


def track_c(starts: Starts) -> pl.DataFrame:
    """Run Newton from each start; returns the columns of NEWTON and of NEWTON_SECONDS.

    Where Newton stops short the row is a failure, with newton.MAX_STEPS and no error; nothing is dropped.
    """
    rows: list[dict[str, object]] = []
    for row, key in enumerate(starts.keys.iter_rows(named=True)):
        problem = starts.problems[row]
        steps, error = newton.MAX_STEPS, None
        before = time.perf_counter()
        try:
            solution = newton.solve(problem, starts.g[row], tolerance=TOLERANCE)
        except (newton.NotSolvedError, np.linalg.LinAlgError):
            solution = None
        seconds = starts.seconds + time.perf_counter() - before
        if solution is not None:
            error = sinkhorn.marginal_error(problem, solution.g)
            steps = solution.steps
        rows.append(
            {
                **key,
                "init_iterations": int(starts.iterations[row]),
                "steps": steps,
                "converged": error is not None and error <= TOLERANCE,
                "error": error,
                "fallback": bool(starts.fallback[row]),
                "total_seconds": seconds,
            }
        )
    return pl.DataFrame(rows, schema=schema.track_dtypes("C"))
