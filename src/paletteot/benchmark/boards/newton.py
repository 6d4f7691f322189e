"""Track C's board: one row for each start in front of Newton, the fastest first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from paletteot.benchmark.boards.families import with_seeds
from paletteot.benchmark.boards.starts import SPLITS
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.sample import SIZES, Sample

MEASURES: Mapping[str, type[pl.DataType]] = {
    "method": pl.String, "track": pl.String, "split": pl.String, **dict.fromkeys(SIZES, pl.Int64),
    "failures": pl.Int64, "fallbacks": pl.Int64, "steps_median": pl.Float64, "steps_95": pl.Float64,
    "steps_max": pl.Int64, "init_iterations": pl.Float64, "total_ms": pl.Float64,
}  # fmt: skip
COLUMNS = ("method", "family", *list(MEASURES)[1:], "seeds", "shown")
TIMES = ("total_ms",)
"""The column that does not repeat."""

FORMATS = {"steps_median": ".0f", "steps_95": ".0f", "init_iterations": ".0f", "total_ms": ".2f"}


def rows(evaluations: Mapping[str, Evaluation], bootstrap: Bootstrap) -> pl.DataFrame:
    """Return the board, a row for each method and split that Track C ran on.

    Where Newton failed its steps stand as the cap. bootstrap: knows the photographs of each pair.
    """
    parts = [(split, evaluation.split(split)) for split in SPLITS for evaluation in evaluations.values()]
    made = [_row(split, part, bootstrap.sample(part.newton["pair_id"])) for split, part in parts if len(part.newton)]
    board = with_seeds(pl.DataFrame(made, schema=MEASURES), "steps_median", ["split"])
    return board.sort(pl.col("split").replace_strict({SPLITS[0]: 0}, default=1), "total_ms", "method").select(COLUMNS)


def _row(split: str, part: Evaluation, sample: Sample) -> dict[str, object]:
    frame, steps = part.newton, part.newton["steps"].to_numpy()
    return {
        "method": part.method,
        "track": "C",
        "split": split,
        **sample.columns,
        "failures": int((~frame["converged"] | frame["fallback"]).sum()),
        "fallbacks": int(frame["fallback"].sum()),
        "steps_median": float(np.median(steps)),
        "steps_95": float(np.quantile(steps, 0.95)),
        "steps_max": int(steps.max()),
        "init_iterations": float(np.median(frame["init_iterations"].to_numpy())),
        "total_ms": 1e3 * float(np.median(part.newton_seconds["total_seconds"].to_numpy())),
    }
