"""The figure of the comparison: nearness to B's colours against A's edges."""

from __future__ import annotations

import altair as alt
import polars as pl

from paletteot.comparison.board import KEPT

BLUE, SKY, ORANGE = "#0072b2", "#56b4e9", "#d55e00"
"""From the palette of Okabe and Ito, told apart with any colour vision."""
OURS, OURS_KEPT, OTHERS = "ours", "ours, greys kept", "others"
CLOSE = 0.02, 0.2
"""Gradient SSIM and W1 within which two names would stand on each other: the second then stands below its point."""


def chart(board: pl.DataFrame) -> alt.TopLevelMixin:
    """Return W1 against gradient SSIM of each method of a board, medians; ours joined by a line, families apart."""
    kept = pl.col("method").str.ends_with(KEPT)
    who = pl.when(~pl.col("ours")).then(pl.lit(OTHERS)).when(kept).then(pl.lit(OURS_KEPT)).otherwise(pl.lit(OURS))
    named = board.with_columns(who=who, on=pl.when("front").then(pl.lit("on the front")).otherwise(pl.lit("not"))).sort(
        "w1"
    )
    named = named.with_columns(below=_below(named))
    x = alt.X("w1:Q", title="W1 to B's palette, LAB, median: less is better", scale=alt.Scale(zero=True))
    y = alt.Y("gradient_ssim:Q", title="gradient SSIM to A, median: more is better", scale=alt.Scale(zero=False))
    color = alt.Color(
        "who:N", scale=alt.Scale(domain=[OURS, OURS_KEPT, OTHERS], range=[BLUE, SKY, ORANGE]),
        legend=alt.Legend(title=None),
    )  # fmt: skip
    shape = alt.Shape(
        "on:N", scale=alt.Scale(domain=["on the front", "not"], range=["diamond", "circle"]),
        legend=alt.Legend(title=None),
    )  # fmt: skip
    base = alt.Chart(named).encode(x=x, y=y, color=color)
    line = base.transform_filter("datum.ours").mark_line(strokeDash=[4, 3]).encode(order="gradient_ssim:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(shape=shape)
    told = base.transform_filter(f"datum.who != '{OURS_KEPT}'")  # each lies beside its sister that keeps nothing
    over = told.transform_filter("!datum.below").mark_text(align="left", dx=7, dy=-6, fontSize=10)
    under = told.transform_filter("datum.below").mark_text(align="left", dx=7, dy=9, fontSize=10)
    return alt.layer(line, points, over.encode(text="method:N"), under.encode(text="method:N")).properties(
        width=640, height=420
    )


def _below(named: pl.DataFrame) -> pl.Series:
    """Return whether each name stands below its point, as one before it is close."""
    points = named.filter(pl.col("who") != OURS_KEPT).select("method", "gradient_ssim", "w1").rows()
    below: dict[str, bool] = {}
    for number, (method, y, x) in enumerate(points):
        near = [one for one, v, u in points[:number] if abs(v - y) < CLOSE[0] and abs(u - x) < CLOSE[1]]
        below[method] = any(not below[one] for one in near)
    return named["method"].replace_strict(below, default=False, return_dtype=pl.Boolean)
