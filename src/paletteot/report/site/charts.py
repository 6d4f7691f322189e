"""The site's charts: Vega-Lite that is drawn in the browser, and what each shows in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
import polars as pl

from paletteot.benchmark.boards import seed_view
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.report import figures
from paletteot.report.figures import BLUE, GREY, Layers
from paletteot.report.headline import KINDS, looks
from paletteot.splits import RANKING

LOG = alt.Scale(type="log", nice=False, padding=24)
TICKS = [step * 10.0**decade for decade in range(-3, 6) for step in (1, 2, 5)]


@dataclass(frozen=True)
class Figure:
    """A chart: its title, what it shows in words, its Vega-Lite, and a line under it."""

    title: str
    words: str
    spec: Mapping[str, Any]
    note: str = ""


def spec(chart: alt.Chart | Layers) -> dict[str, Any]:
    """Return the Vega-Lite of a chart as wide as its place, its title left to the page."""
    chart.title = alt.Undefined
    made: dict[str, Any] = chart.properties(width="container").to_dict()
    return {name: value for name, value in made.items() if name != "config"}  # the page brings its own


def pareto(points: pl.DataFrame, x_title: str) -> Figure:
    """Return iterations against time with the line of those that nobody beats in both.

    points: start, iterations, ms and learned, a row for each start.
    """
    ordered = points.sort("iterations", "ms").with_columns(
        kind=pl.col("learned").replace_strict(KINDS, return_dtype=pl.String)
    )
    best = ordered.filter(pl.col("ms") < pl.col("ms").cum_min().shift(1).fill_null(np.inf))
    x = alt.X("iterations:Q", scale=LOG, title=x_title, axis=alt.Axis(format=",~r", values=TICKS))
    y = alt.Y("ms:Q", scale=LOG, title="median ms, one thread", axis=alt.Axis(format=",~r", values=TICKS))
    color, shape = looks(ordered["kind"], "top")
    line = alt.Chart(best).mark_line(color=GREY, interpolate="step-after", strokeDash=[4, 3]).encode(x=x, y=y)
    dots = (
        alt.Chart(ordered)
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=x, y=y, color=color, shape=shape,
            tooltip=["start:N", alt.Tooltip("iterations:Q", format=",.0f"), alt.Tooltip("ms:Q", format=".3g")],
        )
    )  # fmt: skip
    # Below a point of the line there is no other, so that its name hides none.
    ends = ordered["iterations"].to_numpy()[[0, -1]].astype(np.float64)
    left = pl.col("iterations") < np.sqrt(ends.prod())  # half of a logarithmic axis
    parts: dict[Literal["left", "right"], pl.DataFrame] = {"left": best.filter(left), "right": best.filter(~left)}
    names = [
        alt.Chart(part).mark_text(align=align, dy=15).encode(x=x, y=y, text="start:N")
        for align, part in parts.items()
        if len(part)
    ]
    words = "; ".join(f"{start} {count:,.0f}, {ms:.3g} ms" for start, count, ms in ordered[:, :3].iter_rows())
    return Figure(
        "Iterations against time",
        f"Median iterations and time: {words}. Nobody is better in both than {', '.join(best['start'])}.",
        spec(alt.layer(line, dots, *names).properties(height=260)),
        "To the left and below is better. The dashed line joins starts that nobody beats in both; only they are named.",
    )


def histogram(evaluations: Mapping[str, Evaluation], method: str) -> Figure:
    """Return cold against warm iterations on the ranking split. evaluations: of each family's median seed."""
    return Figure(
        f"{method} against {BASE}" if method != BASE else "Iterations from cold",
        "Histogram of iterations; minimum, quartiles, maximum: "
        + "; ".join(figures.summaries(evaluations, method)[-1 if method == BASE else 0 :]),
        spec(figures.histogram(evaluations, method)),
        f"Track A on {RANKING}, the start's own iterations included.",
    )


def five_numbers(evaluations: Mapping[str, Evaluation], methods: Sequence[str]) -> list[list[str]]:
    """Return the five-number summary of each on the ranking split, as people see it."""
    lines = [figures.summaries(evaluations, method)[-1] for method in methods]
    return [[name, *line.removeprefix(f"{name}: ").split(", ")] for name, line in zip(methods, lines, strict=True)]


def seeds_figure(counts: Mapping[str, np.ndarray[Any, np.dtype[np.int64]]]) -> Figure:
    """Return the figure of the project that this one grew from: maxima of batches, cold and warm over one another."""
    maxima = {name: seed_view.maxima(one).astype(np.int64) for name, one in counts.items()}
    table = {
        name: ", ".join(f"{value:.0f}" for value in row.values()) for name, row in seed_view.numbers(counts).items()
    }
    words = "; ".join(f"{name}: {five}" for name, five in table.items())
    return Figure(
        "Cold and warm, in the seed's view",
        f"Histogram of the maxima of batches of {seed_view.BATCH}; minimum, quartiles, maximum: {words}",
        spec(figures.overlaid(maxima, f"largest count of {seed_view.BATCH} consecutive pairs", "batches")),
        f"Our runs on {seed_view.SPLIT}, the start's own iterations left out, as it was published.",
    )


def loss(method: str, history: pl.DataFrame) -> Figure:
    """Return the loss of a training, a line for each seed and split."""
    ends = history.filter(pl.col("epoch") == pl.col("epoch").max().over("seed"))
    words = "; ".join(
        f"seed {row['seed']}: " + ", ".join(f"{name} {value:.4g}" for name, value in row.items() if "_loss" in name)
        for row in ends.iter_rows(named=True)
    )
    chart = spec(figures.curves(method, history))
    return Figure("Training", f"Loss at the end of each epoch; after the last, {words}", chart)


def cold_by_split(cold: Evaluation, splits: Sequence[str]) -> Figure:
    """Return how hard the problems of two splits are: iterations from cold."""
    counts = {split: cold.split(split).counts for split in splits}
    words = "; ".join(f"{split}: median {np.median(count):,.0f}" for split, count in counts.items())
    return Figure(
        "How hard the problems are",
        f"Histogram of iterations from cold; {words}",
        spec(figures.overlaid(counts, "iterations from cold to the reference stop")),
    )


def convergence() -> dict[str, Any]:
    """Return the chart of the error of each start against passes; the page fills in ``values`` of one problem.

    Rows: start, passes, error, and kind: cold, chosen or other.
    """

    def by_kind(*values: Any) -> alt.Scale:
        return alt.Scale(type="ordinal", domain=["cold", "chosen", "other"], range=list(values))

    passes = alt.Axis(values=[0, *(10**decade for decade in range(5))], format=",d")
    errors = alt.Axis(values=[10.0**decade for decade in range(-12, 2)], format=".0e")
    base = alt.Chart(alt.NamedData("values")).encode(
        x=alt.X(
            "passes:Q",
            scale=alt.Scale(type="symlog"),
            axis=passes,
            title="passes over the kernel, the start's own included",
        ),
        y=alt.Y("error:Q", scale=alt.Scale(type="log", nice=False), axis=errors, title="L1 marginal error"),
        color=alt.Color("kind:N", scale=by_kind(GREY, BLUE, GREY), legend=alt.Legend(title=None, orient="top")),
        opacity=alt.Opacity("kind:O", scale=by_kind(1, 1, 0.35)),
        detail="start:N",
        tooltip=["start:N", "passes:Q", alt.Tooltip("error:Q", format=".2e")],
    )
    line = base.mark_line().encode(
        strokeWidth=alt.StrokeWidth("kind:O", scale=by_kind(2, 3, 1)),
        strokeDash=alt.StrokeDash("kind:O", scale=by_kind([5, 3], [1, 0], [1, 0])),
    )
    return spec(alt.layer(line, base.mark_point(filled=True, size=45)).properties(height=280))
