"""The tolerance ladder: counts of the reference iteration to several stops, from one run for each problem."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from paletteot.benchmark import statistics
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE, RUNGS
from paletteot.benchmark.sample import SIZES, Sample
from paletteot.errors import DataError

_RATIO = ("ratio_median", "ratio_low", "ratio_high")


def board(ladders: Mapping[str, pl.DataFrame], bootstrap: Bootstrap) -> pl.DataFrame:
    """Return a line for each method and rung: median iterations, paired ratio to the cold start, who stopped.

    ladders: rows of LADDER of each method, on the same pairs; BASE must be among them. Raises DataError otherwise.
    """
    if BASE not in ladders:
        raise DataError(f"the tolerance ladder must hold {BASE}, which every ratio is taken to")
    made = []
    for method, frame in ladders.items():
        for atol in RUNGS:
            cold = _rung(ladders[BASE], atol)
            rows = _rung(frame, atol)
            if not rows["pair_id"].equals(cold["pair_id"]):
                raise DataError(f"the tolerance ladder of {method} must hold the pairs of {BASE}")
            counts = rows["iterations"].cast(pl.Int64) + rows["init_iterations"]
            found = statistics.ratios(counts.to_numpy(), cold["iterations"].to_numpy())
            ratio = bootstrap.interval(found, rows["pair_id"])
            made.append(
                {
                    "method": method, "atol": atol, **bootstrap.sample(rows["pair_id"]).columns,
                    "converged": int(rows["converged"].sum()),
                    "median": float(np.median(counts.to_numpy())), "ratio_median": ratio.median,
                    "ratio_low": ratio.low, "ratio_high": ratio.high,
                }
            )  # fmt: skip
    return pl.DataFrame(made)


def page_rows(made: pl.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of a board as people see them: a line for each method, a column for each rung."""
    methods = made["method"].unique(maintain_order=True)
    rungs = {name: made.filter(pl.col("method") == name).select(*SIZES, *_RATIO).to_dicts() for name in methods}
    lines = [
        [name, *(Sample.of(row).interval(*(row[one] for one in _RATIO)) for row in rungs[name])] for name in methods
    ]
    return ["start", *(f"{atol:g}" for atol in RUNGS)], lines


def _rung(frame: pl.DataFrame, atol: float) -> pl.DataFrame:
    return frame.filter(pl.col("atol") == atol).sort("pair_id")
