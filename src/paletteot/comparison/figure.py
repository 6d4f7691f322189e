"""The figure of the comparison: nearness to B's colours against A's edges."""

from __future__ import annotations

import altair as alt
import polars as pl

GREY, BLUE, ORANGE = "#8c8c8c", "#0072b2", "#d55e00"
"""From the palette of Okabe and Ito, told apart with any colour vision."""


def chart(board: pl.DataFrame) -> alt.TopLevelMixin:
    """Return W1 against gradient SSIM of each method of a board, medians; ours joined by a line, the front filled."""
    named = board.with_columns(
        who=pl.when("ours").then(pl.lit("ours")).otherwise(pl.lit("others")),
        on=pl.when("front").then(pl.lit("on the front")).otherwise(pl.lit("not")),
    )
    x = alt.X("w1:Q", title="W1 to B's palette, LAB, median: less is better", scale=alt.Scale(zero=True))
    y = alt.Y("gradient_ssim:Q", title="gradient SSIM to A, median: more is better", scale=alt.Scale(zero=False))
    color = alt.Color(
        "who:N", scale=alt.Scale(domain=["ours", "others"], range=[BLUE, ORANGE]), legend=alt.Legend(title=None)
    )
    shape = alt.Shape(
        "on:N", scale=alt.Scale(domain=["on the front", "not"], range=["diamond", "circle"]),
        legend=alt.Legend(title=None),
    )  # fmt: skip
    base = alt.Chart(named).encode(x=x, y=y)
    line = base.transform_filter("datum.ours").mark_line(color=GREY, strokeDash=[4, 3]).encode(order="gradient_ssim:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(color=color, shape=shape)
    names = base.mark_text(align="left", dx=7, dy=-6, fontSize=10).encode(text="method:N", color=color)
    return alt.layer(line, points, names).properties(width=640, height=420)
