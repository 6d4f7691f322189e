"""One line for each method and split, ranked by the paired ratio to the cold start."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from paletteot.benchmark import statistics
from paletteot.benchmark.results import Evaluation, check_same_pairs
from paletteot.errors import DataError

BASE = "cold"
RANKING_SPLIT = "test_unseen"
SPLITS = (RANKING_SPLIT, "test_seen")

COLUMNS = (
    "method", "track", "split", "problems", "converged", "min", "q1", "median", "q3", "max",
    "ratio_median", "ratio_low", "ratio_high", "improved_share", "init_iterations", "init_ms", "total_ms", "rank",
)  # fmt: skip
TIMES = ("init_ms", "total_ms")
"""The columns that do not repeat; they stand in the leaderboard and in no other file."""


def rows(evaluations: Mapping[str, Evaluation], pairs: pl.DataFrame, *, bootstrap: int, seed: int) -> pl.DataFrame:
    """Return the leaderboard: the ranking split first, then by rank and ratio.

    evaluations: of each method; BASE must be among them. pairs: the table PAIRS, for the pictures of each pair.
    Raises DataError when the base is missing or a method was judged on other pairs.
    """
    if BASE not in evaluations:
        raise DataError(f"params.yaml: evaluate.methods must name {BASE}, which every ratio is taken to")
    for evaluation in evaluations.values():
        check_same_pairs(evaluations[BASE], evaluation)
    return pl.concat([_split(evaluations, pairs, split, bootstrap, seed) for split in SPLITS])


def _split(
    evaluations: Mapping[str, Evaluation], pairs: pl.DataFrame, split: str, bootstrap: int, seed: int
) -> pl.DataFrame:
    cold = evaluations[BASE].split(split).iterations
    if cold.is_empty():
        raise DataError(f"params.yaml: evaluate.splits must name {split}, which the leaderboard shows")
    met = cold.join(pairs, on="pair_id", how="left", maintain_order="left")
    made = []
    intervals: dict[str, statistics.Interval] = {}
    for method, evaluation in evaluations.items():
        part = evaluation.split(split)
        frame = part.iterations
        counts = (frame["iterations"] + frame["init_iterations"]).to_numpy()
        ratio = statistics.ratios(counts, cold["iterations"].to_numpy())
        # The same pictures are drawn for every method, so that their intervals can be compared.
        intervals[method] = statistics.median_interval(
            ratio, met["source"].to_list(), met["target"].to_list(), draws=bootstrap, rng=np.random.default_rng(seed)
        )
        five = statistics.five_numbers(frame["iterations"].to_numpy())
        made.append(
            {
                "method": method,
                "track": "A",
                "split": split,
                "problems": len(frame),
                "converged": int(frame["converged"].sum()),
                **dict(zip(("min", "q1", "median", "q3", "max"), five, strict=True)),
                "ratio_median": intervals[method].median,
                "ratio_low": intervals[method].low,
                "ratio_high": intervals[method].high,
                "improved_share": float((ratio < 1).mean()),
                "init_iterations": float(np.median(frame["init_iterations"].to_numpy())),
                "init_ms": 1e3 * float(np.median(part.seconds["init_seconds"].to_numpy())),
                "total_ms": 1e3 * float(np.median(part.seconds["total_seconds"].to_numpy())),
            }
        )
    rank = statistics.ranks(intervals)
    frame = pl.DataFrame(made).with_columns(rank=pl.Series(list(rank.values()), dtype=pl.Int64))
    return frame.sort("rank", "ratio_median", "method").select(COLUMNS)


FORMATS = {
    "converged": "d", "problems": "d", "rank": "d",
    "min": ".0f", "q1": ".0f", "median": ".0f", "q3": ".0f", "max": ".0f",
    "ratio_median": ".3f", "ratio_low": ".3f", "ratio_high": ".3f", "improved_share": ".1%",
    "init_iterations": ".0f", "init_ms": ".2f", "total_ms": ".1f",
}  # fmt: skip


def cell(column: str, value: object) -> str:
    """Return a value as the leaderboard shows it."""
    return format(value, FORMATS[column]) if column in FORMATS else str(value)


def to_markdown(board: pl.DataFrame) -> str:
    """Return the leaderboard as a Markdown page."""
    lines = [
        "# Leaderboard",
        "",
        f"Iterations of the reference Sinkhorn to its stop; ratio to `{BASE}` on the same problem, init_iterations",
        "included: median and 95 % bootstrap interval over pictures. Methods whose intervals overlap share a rank.",
        f"`{RANKING_SPLIT}` is the split that ranks. Times are medians, one thread, start included (docs/protocol.md).",
        "",
        "| " + " | ".join(board.columns) + " |",
        "|" + "---|" * len(board.columns),
        *("| " + " | ".join(escape(cell(*item)) for item in row.items()) + " |" for row in board.iter_rows(named=True)),
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Return text that Markdown shows as typed: names are data."""
    for mark in "\\`*[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return text


def metrics(board: pl.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Return split -> method -> what repeats, for DVC's metrics."""
    kept = [name for name in COLUMNS if name not in ("method", "track", "split", *TIMES)]
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in board.iter_rows(named=True):
        result.setdefault(row["split"], {})[row["method"]] = {name: round(float(row[name]), 6) for name in kept}
    return result
