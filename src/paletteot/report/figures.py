"""The figures, as Vega-Lite charts."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import polars as pl

from paletteot.benchmark.leaderboard import BASE, RANKING_SPLIT
from paletteot.benchmark.results import Evaluation
from paletteot.benchmark.statistics import five_numbers

GREY, BLUE, ORANGE = "#8c8c8c", "#0072b2", "#d55e00"
"""From the palette of Okabe and Ito, told apart with any colour vision."""

BINS_PER_DECADE = 12


def binned(counts: pl.Series, cap: int) -> pl.DataFrame:
    """Return the full bins of a logarithmic histogram: low, high (iterations), problems; a count of 0 is put at 1."""
    top = int(np.ceil(np.log10(max(cap, 10)) * BINS_PER_DECADE))
    edges = 10 ** (np.arange(top + 1) / BINS_PER_DECADE)
    problems, _ = np.histogram(np.maximum(counts.to_numpy(), 1), edges)
    bars = pl.DataFrame({"low": edges[:-1].round(2), "high": edges[1:].round(2), "problems": problems})
    return bars.filter(pl.col("problems") > 0)


def histogram(evaluations: Mapping[str, Evaluation], method: str) -> alt.TopLevelMixin:
    """Return cold against warm iterations on the ranking split, with both five-number summaries."""
    layers, words = [], []
    cap = max(int(one.iterations["iterations"].max() or 0) for one in evaluations.values())  # type: ignore[arg-type]
    for name in (BASE, method):
        frame = evaluations[name].split(RANKING_SPLIT).iterations
        counts = frame["iterations"] + frame["init_iterations"]
        bars = binned(counts, cap).with_columns(start=pl.lit(name))
        words.append(f"{name}: " + "  ".join(f"{value:,.0f}" for value in five_numbers(counts.to_numpy())))
        layers.append(
            alt.Chart(bars)
            .mark_rect(opacity=0.55)
            .encode(
                x=alt.X(
                    "low:Q",
                    scale=alt.Scale(type="log", nice=False),
                    title="iterations to the stop, the start's own included",
                ),
                x2="high:Q",
                y=alt.Y("problems:Q", title="problems"),
                y2=alt.datum(0),
                color=alt.Color(
                    "start:N",
                    scale=alt.Scale(domain=[BASE, method], range=[GREY, BLUE]),
                    legend=alt.Legend(title=None, orient="top-right"),
                ),
            )
        )
    title = alt.TitleParams(
        f"{method} against {BASE}, {RANKING_SPLIT}", subtitle=["min  Q1  median  Q3  max", *words], anchor="start"
    )
    return alt.layer(*layers).properties(title=title, width=520, height=220)


def intervals(board: pl.DataFrame) -> alt.TopLevelMixin:
    """Return the median ratios with their intervals, one row for each method."""
    shown = board.filter(pl.col("split") == RANKING_SPLIT)
    order = shown["method"].to_list()
    base = alt.Chart(shown).encode(y=alt.Y("method:N", sort=order, title=None))
    scale = alt.Scale(zero=True)
    rule = base.mark_rule(strokeWidth=3, color=BLUE).encode(
        x=alt.X("ratio_low:Q", scale=scale, title="iterations as a share of cold, median and 95 % interval"),
        x2="ratio_high:Q",
    )
    point = base.mark_point(filled=True, size=90, color=ORANGE, opacity=1).encode(x="ratio_median:Q")
    one = alt.Chart(pl.DataFrame({"x": [1.0]})).mark_rule(strokeDash=[4, 3], color=GREY).encode(x="x:Q")
    title = alt.TitleParams(f"Who saves iterations, {RANKING_SPLIT}", anchor="start")
    return alt.layer(one, rule, point).properties(title=title, width=520, height=38 * len(order) + 10)


def curves(method: str, history: pl.DataFrame) -> alt.TopLevelMixin:
    """Return the losses of a training against the epoch. history: columns epoch and *_loss."""
    losses = [name for name in history.columns if name.endswith("_loss")]
    long = history.unpivot(losses, index="epoch", variable_name="on", value_name="loss").with_columns(
        pl.col("on").str.strip_suffix("_loss")
    )
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("loss:Q", scale=alt.Scale(zero=False)),
            color=alt.Color("on:N", scale=alt.Scale(range=[GREY, BLUE, ORANGE]), legend=alt.Legend(title=None)),
        )
        .properties(title=alt.TitleParams(f"Training of {method}", anchor="start"), width=520, height=200)
    )
    return chart
