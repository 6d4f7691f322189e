"""The figures, as Vega-Lite charts."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.sample import FEWEST, Sample, words_of
from paletteot.benchmark.statistics import censored, five_numbers
from paletteot.errors import DataError
from paletteot.splits import RANKING

GREY, BLUE, ORANGE = "#8c8c8c", "#0072b2", "#d55e00"
"""From the palette of Okabe and Ito, told apart with any colour vision."""

Layers = alt.LayerChart | alt.FacetChart
"""What Altair says of a chart in layers, which never is the latter."""

BINS_PER_DECADE = 12
PERCENT = alt.Axis(format="%")
WIDTH = 520
"""Of every figure's plot, pixels."""


def binned(counts: NDArray[np.int64]) -> pl.DataFrame:
    """Return a histogram with logarithmic bins: low, high (iterations) and problems, empty bins left out.

    counts: (n,); a count of 0 is put at 1.
    """
    bins = np.floor(np.log10(np.maximum(counts, 1)) * BINS_PER_DECADE + 1e-9).astype(np.int64)
    place, problems = np.unique(bins, return_counts=True)
    low, high = (10 ** ((place + step) / BINS_PER_DECADE) for step in (0, 1))
    return pl.DataFrame({"low": low.round(2), "high": high.round(2), "problems": problems})


def summaries(evaluations: Mapping[str, Evaluation], method: str) -> list[str]:
    """Return the five-number summaries of cold and of a method as lines of text, the start's own passes included."""
    lines = []
    for name in (BASE, method):
        part = evaluations[name].split(RANKING)
        five = five_numbers(part.counts)
        bounds = censored(len(part.counts), int(part.iterations["converged"].sum()))
        shown = [f"{'≥ ' if bound else ''}{value:,.0f}" for value, bound in zip(five, bounds, strict=True)]
        lines.append(f"{name}: {', '.join(shown)}")
    return lines


def histogram(evaluations: Mapping[str, Evaluation], method: str) -> Layers:
    """Return cold against warm iterations on the ranking split, with both five-number summaries."""
    counts = {name: evaluations[name].split(RANKING).counts for name in (BASE, method)}
    title = alt.TitleParams(
        f"{method} against {BASE}, {RANKING}",
        subtitle=["min, Q1, median, Q3, max", *summaries(evaluations, method)],
        anchor="start",
    )
    return overlaid(counts, "iterations to the stop, the start's own included").properties(title=title, width=WIDTH)


def overlaid(counts: Mapping[str, NDArray[np.int64]], x_title: str, y_title: str = "problems") -> Layers:
    """Return two histograms over one another, the first in grey; as shares where they are not of equally many.

    counts: (n,) of each, by its name.
    """
    bars = [
        binned(one).with_columns(start=pl.lit(name), share=pl.col("problems") / len(one))
        for name, one in counts.items()
    ]
    even = len({len(one) for one in counts.values()}) == 1
    y = alt.Y("problems:Q", title=y_title) if even else alt.Y("share:Q", title=f"share of the {y_title}", axis=PERCENT)
    ends = pl.concat(bars).select(pl.col("low").min(), pl.col("high").max()).row(0)
    x = alt.X(
        "low:Q",
        scale=alt.Scale(type="log", domain=ends, nice=False),
        axis=alt.Axis(
            values=[step * 10**decade for decade in range(8) for step in (1, 2, 5)], format=",.0f", labelFlush=25
        ),
        title=x_title,
    )
    color = alt.Color(
        "start:N",
        scale=alt.Scale(domain=list(counts), range=[GREY, BLUE]),
        legend=alt.Legend(title=None, orient="top"),
    )
    hover = [
        "start:N",
        alt.Tooltip("low:Q", title="from"),
        alt.Tooltip("high:Q", title="to"),
        alt.Tooltip("problems:Q", title=y_title),
    ]
    # y2 makes a bar stand on 0: with x2 alone Vega-Lite takes it for a horizontal one.
    layers = [
        alt.Chart(one)
        .mark_bar(opacity=0.55)
        .encode(
            x=x,
            x2="high:Q",
            y=y,
            y2=alt.datum(0),
            color=color,
            tooltip=hover,
        )
        for one in bars
    ]
    return alt.layer(*layers).properties(height=220)


def intervals(board: pl.DataFrame) -> alt.TopLevelMixin:
    """Return the median ratios of Track A with their intervals, one row for each family; those of few without."""
    shown = ranking_rows(board)
    order = shown["family"].to_list()
    base = alt.Chart(shown.with_columns(words=pl.Series(interval_texts(shown)))).encode(
        y=alt.Y("family:N", sort=order, title=None)
    )
    x = alt.X(
        "ratio_low:Q", scale=alt.Scale(zero=True), title="iterations as a share of cold, median and 95 % interval"
    )
    ends = base.transform_filter(alt.datum.groups >= FEWEST)
    rule = ends.mark_rule(strokeWidth=8, color=BLUE, opacity=0.5).encode(x=x, x2="ratio_high:Q")
    point = base.mark_tick(thickness=2, size=18, color=ORANGE, opacity=1).encode(x="ratio_median:Q")
    text = base.mark_text(align="left").encode(x=alt.value(WIDTH + 10), text="words:N")
    one = alt.Chart(pl.DataFrame({"x": [1.0]})).mark_rule(strokeDash=[4, 3], color=GREY).encode(x="x:Q")
    title = alt.TitleParams(f"Who saves iterations, {RANKING}", subtitle=[words_of(shown)], anchor="start")
    return alt.layer(one, rule, point, text).properties(title=title, width=WIDTH, height=38 * len(order) + 10)


def ranking_rows(board: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the ranking split, one for each family."""
    return board.filter(pl.col("shown") & (pl.col("split") == RANKING))


def interval_texts(shown: pl.DataFrame) -> list[str]:
    """Return median and interval of each row of the leaderboard as text."""
    ends = ("ratio_median", "ratio_low", "ratio_high")
    return [Sample.of(row).interval(*(row[one] for one in ends)) for row in shown.iter_rows(named=True)]


def curves(method: str, history: pl.DataFrame) -> Layers:
    """Return the losses of a training against the epoch, a line for each seed.

    That of the training has an axis of its own: it need not be the one that validation judges by. history: columns
    seed, epoch and *_loss; raises DataError where they are missing.
    """
    losses = [name for name in history.columns if name.endswith("_loss")]
    if not {"seed", "epoch"} <= set(history.columns) or not losses:
        found = ", ".join(history.columns)
        raise DataError(f"reports/curves/{method}.csv: columns must be seed, epoch and *_loss, but are {found}")
    long = history.unpivot(losses, index=["seed", "epoch"], variable_name="on", value_name="loss").with_columns(
        pl.col("on").str.strip_suffix("_loss")
    )
    names = long["on"].unique(maintain_order=True).to_list()
    sides = [long.filter(pl.col("on") == "train"), long.filter(pl.col("on") != "train")]
    layers = [
        alt.Chart(side)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(values=sorted({*long["epoch"]}), format="d")),
            y=alt.Y(
                "loss:Q",
                scale=alt.Scale(zero=False),
                title=f"loss, {' and '.join(side['on'].unique(maintain_order=True))}",
            ),
            color=alt.Color(
                "on:N",
                scale=alt.Scale(domain=names, range=[GREY, BLUE, ORANGE]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            detail="seed:N",
            tooltip=["on:N", "seed:N", "epoch:Q", alt.Tooltip("loss:Q", format=".4f")],
        )
        for side in sides
        if len(side)
    ]
    title = alt.TitleParams(f"Training of {method}", anchor="start")
    chart: Layers = alt.layer(*layers).resolve_scale(y="independent")
    return chart.properties(title=title, width=WIDTH, height=200)
