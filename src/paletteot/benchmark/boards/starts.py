"""Track A's board: one row for each method and split, ranked by paired comparisons of iterations."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from paletteot.benchmark import statistics
from paletteot.benchmark.boards import markdown
from paletteot.benchmark.boards.families import ranked, with_seeds
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.comparisons import logarithms
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records.evaluation import Evaluation, check_same_pairs
from paletteot.benchmark.sample import SIZES, Sample
from paletteot.benchmark.statistics import Array
from paletteot.errors import DataError
from paletteot.splits import BOARDS

SPLITS = BOARDS

FIVE = ("min", "q1", "median", "q3", "max")
RATIO = ("ratio_median", "ratio_low", "ratio_high")
COLUMNS = (
    "method", "family", "track", "split", *SIZES, "converged", "fallbacks", *FIVE, *RATIO, "improved_share",
    "init_iterations", "init_ms", "total_ms", "claimed", "label_like", "rank", "ties", "seeds", "shown",
)  # fmt: skip
TIMES = ("init_ms", "total_ms")
"""The columns that do not repeat."""

FORMATS = {
    **dict.fromkeys((*FIVE, "init_iterations"), ".0f"), **dict.fromkeys(RATIO, ".3f"),
    "improved_share": ".1%", "init_ms": ".2f", "total_ms": ".1f",
}  # fmt: skip


def rows(evaluations: Mapping[str, Evaluation], bootstrap: Bootstrap) -> pl.DataFrame:
    """Return the board: the ranking split first, then by rank and ratio; every seed has a row.

    evaluations: of each method; BASE must be among them. Raises DataError when the base or a split is missing, a method
    was judged on other pairs or a pair is unknown.
    """
    if BASE not in evaluations:
        raise DataError(f"params.yaml: evaluate.methods must name {BASE}, which every ratio is taken to")
    for evaluation in evaluations.values():
        check_same_pairs(evaluations[BASE], evaluation)
    return pl.concat([_split(evaluations, bootstrap, split) for split in SPLITS])


def _split(evaluations: Mapping[str, Evaluation], bootstrap: Bootstrap, split: str) -> pl.DataFrame:
    cold = evaluations[BASE].split(split).iterations
    if cold.is_empty():
        raise DataError(f"params.yaml: evaluate.splits must name {split}, which the leaderboard shows")
    base = cold["iterations"].to_numpy()
    made = []
    for method, evaluation in evaluations.items():
        part = evaluation.split(split)
        if evaluation.guest and part.iterations.is_empty():  # it entered another split or track
            continue
        frame, seconds = part.iterations, part.seconds
        ratio = bootstrap.interval(statistics.ratios(part.counts, base), frame["pair_id"])
        made.append(
            {
                "method": method,
                "track": "A",
                "split": split,
                **bootstrap.sample(frame["pair_id"]).columns,
                "converged": int(frame["converged"].sum()),
                "fallbacks": int(frame["fallback"].sum()),
                **dict(zip(FIVE, statistics.five_numbers(frame["iterations"].to_numpy()), strict=True)),
                **dict(zip(RATIO, (ratio.median, ratio.low, ratio.high), strict=True)),
                "improved_share": statistics.improved_share(part.counts, base),
                "init_iterations": float(np.median(frame["init_iterations"].to_numpy())),
                "init_ms": 1e3 * float(np.median(seconds["init_seconds"].to_numpy())),
                "total_ms": 1e3 * float(np.median(seconds["total_seconds"].to_numpy())),
                "claimed": evaluation.origin.claimed,
                "label_like": int(frame["label_like"].sum()),
            }
        )

    def logs(row: Mapping[str, object]) -> tuple[pl.Series, Array]:
        part = evaluations[str(row["method"])].split(split)
        return part.iterations["pair_id"], logarithms(part.counts)

    board = ranked(with_seeds(pl.DataFrame(made), "ratio_median"), pl.col("shown"), "ratio_median", bootstrap, logs)
    return board.sort("rank", "ratio_median", "method", nulls_last=True).select(COLUMNS)


def cells(row: Mapping[str, object]) -> dict[str, str]:
    """Return a row as people see it.

    A quantile among censored runs gets the mark ≥; of few photographs no ends of an interval are shown.
    """
    shown = markdown.cells(row, FORMATS)
    if Sample.of(row).few:
        shown |= dict.fromkeys(RATIO[1:], "")
    bounds = statistics.censored(int(str(row["problems"])), int(str(row["converged"])))
    for name, bound in zip(FIVE, bounds, strict=True):
        shown[name] = f"≥ {shown[name]}" if bound else shown[name]
    return shown
