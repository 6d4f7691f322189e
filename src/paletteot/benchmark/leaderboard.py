"""One line for each method and split, ranked by the paired ratio to the cold start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from paletteot.benchmark import statistics
from paletteot.benchmark.results import Evaluation, check_same_pairs
from paletteot.errors import DataError

BASE = "cold"
RANKING_SPLIT = "test_unseen"
SPLITS = (RANKING_SPLIT, "test_seen")

FIVE = ("min", "q1", "median", "q3", "max")
COLUMNS = (
    "method", "track", "split", "problems", "converged", *FIVE,
    "ratio_median", "ratio_low", "ratio_high", "improved_share", "init_iterations", "init_ms", "total_ms", "rank",
)  # fmt: skip
TIMES = ("init_ms", "total_ms")
"""The columns that do not repeat; they stand in the leaderboard and in no other file."""


def rows(evaluations: Mapping[str, Evaluation], pairs: pl.DataFrame, *, bootstrap: int, seed: int) -> pl.DataFrame:
    """Return the leaderboard: the ranking split first, then by rank and ratio.

    evaluations: of each method; BASE must be among them. pairs: the table PAIRS, for the pictures of each pair.
    Raises DataError when the base or a split is missing, a method was judged on other pairs or a pair is unknown.
    """
    if BASE not in evaluations:
        raise DataError(f"params.yaml: evaluate.methods must name {BASE}, which every ratio is taken to")
    for evaluation in evaluations.values():
        check_same_pairs(evaluations[BASE], evaluation)
    return pl.concat([_split(evaluations, pairs, split, bootstrap, seed) for split in SPLITS])


def _split(
    evaluations: Mapping[str, Evaluation], pairs: pl.DataFrame, split: str, bootstrap: int, seed: int
) -> pl.DataFrame:
    cold = evaluations[BASE].split(split)
    if cold.iterations.is_empty():
        raise DataError(f"params.yaml: evaluate.splits must name {split}, which the leaderboard shows")
    met = cold.iterations.join(pairs, on="pair_id", how="left", maintain_order="left")
    unknown = met.filter(pl.col("source").is_null())["pair_id"]
    if len(unknown):
        raise DataError(f"data/pairs.parquet: pair_id must name every pair that was evaluated, but lacks {unknown[0]}")
    base = cold.iterations["iterations"].to_numpy()
    made = []
    intervals: dict[str, statistics.Interval] = {}
    for method, evaluation in evaluations.items():
        part = evaluation.split(split)
        frame = part.iterations
        ratio = statistics.ratios(part.counts, base)
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
                **dict(zip(FIVE, five, strict=True)),
                "ratio_median": intervals[method].median,
                "ratio_low": intervals[method].low,
                "ratio_high": intervals[method].high,
                "improved_share": statistics.improved_share(part.counts, base),
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


def cells(row: Mapping[str, object]) -> dict[str, str]:
    """Return a row of the leaderboard as people see it; a quantile among censored runs gets the mark ≥."""
    shown = {name: format(value, FORMATS[name]) if name in FORMATS else str(value) for name, value in row.items()}
    bounds = statistics.censored(int(str(row["problems"])), int(str(row["converged"])))
    for name, bound in zip(FIVE, bounds, strict=True):
        shown[name] = f"≥ {shown[name]}" if bound else shown[name]
    return shown


def to_markdown(board: pl.DataFrame) -> str:
    """Return the leaderboard as a Markdown page."""
    lines = [
        "# Leaderboard",
        "",
        f"Iterations of the reference Sinkhorn to its stop; ratio to `{BASE}` on the same problem, init_iterations",
        "included: median and 95 % bootstrap interval over pictures. Rank: one more than the number of methods whose",
        "whole interval lies below.",
        f"`{RANKING_SPLIT}` is the split that ranks. Times are medians, one thread, start included (docs/protocol.md).",
        "≥: some runs reached the cap without converging, and the number is a lower bound.",
        "",
        markdown_table(board.columns, [list(cells(row).values()) for row in board.iter_rows(named=True)]),
    ]
    return "\n".join(lines) + "\n"


def to_csv(board: pl.DataFrame) -> str:
    """Return the leaderboard as CSV; a name that a spreadsheet would run as a formula gets an apostrophe in front."""
    name = pl.col("method")
    safe = pl.when(name.str.contains(r"^[=+\-@\t\r]")).then("'" + name).otherwise(name)
    return board.with_columns(method=safe).write_csv(float_precision=6)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose cells show as typed."""
    lines = [header, ["---"] * len(header), *([escape(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def escape(text: str) -> str:
    """Return text that Markdown shows as typed: names are data. An underscore inside a word means nothing there."""
    return re.sub(r"[\\`*\[\]<>|~&$]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", " ".join(text.split()))


def metrics(board: pl.DataFrame) -> dict[str, dict[str, dict[str, float]]]:
    """Return split -> method -> what repeats, for DVC's metrics."""
    kept = [name for name in COLUMNS if name not in ("method", "track", "split", *TIMES)]
    result: dict[str, dict[str, dict[str, float]]] = {}
    for row in board.iter_rows(named=True):
        result.setdefault(row["split"], {})[row["method"]] = {name: round(float(row[name]), 6) for name in kept}
    return result
