"""The board of solvers: a row for each at each tolerance, ranked by paired comparisons of time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from paletteot.benchmark.boards import markdown
from paletteot.benchmark.boards.families import ranked, who_ties
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.sample import SIZES, Sample
from paletteot.benchmark.statistics import Array
from paletteot.errors import DataError

RATIO = ("ratio", "ratio_low", "ratio_high")
COLUMNS = (
    "method", "tolerance", *SIZES, "runs", "failures", "median_ms", "mean_ms", "ms_95", *RATIO, "cpu", "rank",
    "ties",
)  # fmt: skip
FORMATS = {
    "tolerance": "g", **dict.fromkeys(("median_ms", "mean_ms", "ms_95"), ".2f"), **dict.fromkeys(RATIO, ".3f"),
    "cpu": ".2f",
}  # fmt: skip
HEADER = ("solver", "median ms", "mean ms", "95 % ms", "ratio (95 %)", "failures", "CPU", "rank")


def scored(runs: pl.DataFrame, cap: float) -> pl.DataFrame:
    """Return the time of each method, tolerance and pair: the median over repeats, a failure as the cap, seconds."""
    seconds = pl.when("reached").then(pl.min_horizontal("seconds", pl.lit(cap))).otherwise(pl.lit(cap))
    keys = ("tolerance", "method", "pair_id")
    return runs.group_by(keys).agg(seconds.median().alias("score")).sort(keys, descending=[True, False, False])


def rows(runs: pl.DataFrame, bootstrap: Bootstrap, *, base: str, cap: float) -> pl.DataFrame:
    """Return the board, tolerance by tolerance, what ranks first before the others.

    runs: the columns of SOLVES and of SOLVES_SECONDS. base: the solver that ratios are taken to. cap: seconds that a
    failure stands as. mean_ms is the mean of times so restricted. Raises DataError when the base did not run.
    """
    scores = scored(runs, cap)
    boards = []
    for (tolerance,), part in scores.group_by("tolerance", maintain_order=True):
        of = {str(name): frame for (name,), frame in part.group_by("method", maintain_order=True)}
        if base not in of:
            raise DataError(f"the run must hold {base}, which every ratio is taken to")
        tried = runs.filter(pl.col("tolerance") == tolerance)
        made = [_row(name, of, base, tried.filter(pl.col("method") == name), bootstrap) for name in of]

        def logs(row: Mapping[str, object], of: Mapping[str, pl.DataFrame] = of) -> tuple[pl.Series, Array]:
            frame = of[str(row["method"])]
            return frame["pair_id"], np.log(frame["score"].to_numpy())

        board = pl.DataFrame(made).with_columns(family="method", tolerance=pl.lit(tolerance))
        boards.append(ranked(board, pl.lit(True), "ratio", bootstrap, logs).select(COLUMNS))
    return pl.concat(boards).sort("tolerance", "rank", "ratio", "method", descending=[True, False, False, False])


def _row(
    name: str, of: Mapping[str, pl.DataFrame], base: str, tried: pl.DataFrame, bootstrap: Bootstrap
) -> dict[str, object]:
    score = of[name]["score"].to_numpy()
    ratio = bootstrap.interval(score / of[base]["score"].to_numpy(), of[name]["pair_id"])
    answered = tried.filter(pl.col("cpu_seconds").is_not_null())
    return {
        "method": name,
        **bootstrap.sample(of[name]["pair_id"]).columns,
        "runs": len(tried),
        "failures": int((~tried["reached"]).sum()),
        "median_ms": 1e3 * float(np.median(score)),
        "mean_ms": 1e3 * float(np.mean(score)),
        "ms_95": 1e3 * float(np.quantile(score, 0.95)),
        **dict(zip(RATIO, (ratio.median, ratio.low, ratio.high), strict=True)),
        "cpu": sum(answered["cpu_seconds"]) / sum(answered["seconds"]) if len(answered) else None,
    }


def to_markdown(board: pl.DataFrame, runs: pl.DataFrame, *, base: str, cap: float) -> str:
    """Return a table for each tolerance, who ties, and what the failures were."""
    lines = []
    for (tolerance,), part in board.group_by("tolerance", maintain_order=True):
        made, sample = [], Sample.of(part.row(0, named=True))
        for row in part.iter_rows(named=True):
            shown = markdown.cells(row, FORMATS)
            ratio = sample.interval(*(row[name] for name in RATIO))
            times = [shown["median_ms"], shown["mean_ms"], shown["ms_95"]]
            made.append(
                [row["method"], *times, ratio, f"{row['failures']} of {row['runs']}", shown["cpu"], shown["rank"]]
            )
        to = f"{tolerance:.0e}".replace("e-0", "e-")
        ties = who_ties(part.rename({"method": "family"}))
        lines += [
            f"To an L1 marginal error of {to}, {sample.words}:",
            "",
            markdown.markdown_table(HEADER, made),
            "",
            markdown.escape(f"Ties: {ties}."),
            *([f"{sample.warning}."] if sample.few else []),
            "",
        ]
        lines += [*_failures(runs.filter(pl.col("tolerance") == tolerance)), ""]
    lines += [
        f"Times: of one thread on one processor, from asking to the answer; median over repeats; a failure stands as "
        f"{cap:g} s. Mean: restricted to that. Ratio: to {base} on the same problem, median and 95 % interval over "
        "photographs. CPU: processor time over wall time.",
    ]
    return "\n".join(lines)


def _failures(runs: pl.DataFrame) -> list[str]:
    """Return a line for each solver and kind of failure: how many, and what the first one did instead of answering."""
    kinds = (
        runs.filter(~pl.col("reached"))
        .sort("order")
        .group_by("method", "failure", maintain_order=True)
        .agg(pl.len(), pl.col("told").first())
    )
    return [
        markdown.escape(f"{method}: {number} x {failure}{f', {told}' if told else ''}").join(["- ", ""])
        for method, failure, number, told in kinds.iter_rows()
    ]
