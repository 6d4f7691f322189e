"""The first figure: what a start together with an acceleration needs of plain Sinkhorn from cold."""

from __future__ import annotations

from typing import Literal

import altair as alt
import polars as pl

from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.protocol import BASE, TOLERANCES
from paletteot.benchmark.sample import FEWEST, words_of
from paletteot.report.figures import BLUE, GREY, ORANGE
from paletteot.splits import RANKING

KINDS = {False: "not learned", True: "learned", None: "not known"}
"""Of a start by whether it learned; of one that was submitted as a file nobody here knows."""

LOOKS = {"not learned": (BLUE, "circle"), "learned": (ORANGE, "diamond"), "not known": (GREY, "square")}
"""Colour, told apart with any colour vision, and shape of each kind."""

WIDTH = 280
"""Of the plot of one tolerance, pixels."""


def data(board: pl.DataFrame) -> pl.DataFrame:
    """Return start, kind, tolerance and the ratio with its interval of each row of Track B's headline.

    The interval of few photographs, which is not worth reading, is the ratio alone.
    """
    known = pl.col("groups") >= FEWEST
    shown = accelerated_board.headline(board).with_columns(
        start=pl.concat_str("family", "acceleration", separator=" + "),
        kind=pl.col("learned").replace_strict(KINDS, return_dtype=pl.String),
    )
    return pl.concat(
        shown.select("start", "kind", pl.lit(f"to {label}").alias("tolerance"), ratio=f"ratio_{label}",
                     low=pl.when(known).then(f"low_{label}").otherwise(f"ratio_{label}"),
                     high=pl.when(known).then(f"high_{label}").otherwise(f"ratio_{label}"))
        for label in TOLERANCES
    )  # fmt: skip


def looks(kinds: pl.Series, legend: Literal["top", "bottom"]) -> tuple[alt.Color, alt.Shape]:
    """Return colour and shape by the column ``kind``, with a legend of the kinds that are there."""
    there = {name: look for name, look in LOOKS.items() if name in set(kinds)}
    colors, shapes = (list(one) for one in zip(*there.values(), strict=True))
    return (
        alt.Color(
            "kind:N", scale=alt.Scale(domain=list(there), range=colors), legend=alt.Legend(title=None, orient=legend)
        ),
        alt.Shape(
            "kind:N", scale=alt.Scale(domain=list(there), range=shapes), legend=alt.Legend(title=None, orient=legend)
        ),
    )


def chart(board: pl.DataFrame) -> alt.TopLevelMixin:
    """Return a dot and its interval for each start and tolerance, on a logarithmic axis; of few photographs the dot.

    Learned ones differ in colour, told apart with any colour vision, and in shape.
    """
    shown = data(board)
    order = shown["start"].unique(maintain_order=True).to_list()
    color, shape = looks(shown["kind"], "bottom")
    base = alt.Chart(shown).encode(y=alt.Y("start:N", sort=order, title=None))
    x = alt.X(
        "low:Q",
        scale=alt.Scale(type="log", nice=False, padding=12),
        axis=alt.Axis(values=[step * 10.0**decade for decade in (-3, -2, -1, 0) for step in (1, 2, 5)], format="~g"),
        title=f"iterations, share of plain Sinkhorn from {BASE}",
    )
    rule = base.mark_rule(strokeWidth=3, opacity=0.6).encode(x=x, x2="high:Q", color=color)
    dot = base.mark_point(filled=True, size=75, opacity=1).encode(x="ratio:Q", color=color, shape=shape)
    words = base.mark_text(align="left", dx=10, fontSize=10).encode(x="high:Q", text=alt.Text("ratio:Q", format=".3f"))
    layers = alt.layer(rule, dot, words).properties(width=WIDTH, height=22 * len(order) + 10)
    return layers.facet(
        column=alt.Column("tolerance:N", sort=[f"to {label}" for label in TOLERANCES], title=None)
    ).properties(
        title=alt.TitleParams(
            f"Starts with acceleration, {RANKING}: median and 95 % interval",
            subtitle=[words_of(accelerated_board.headline(board))],
        )
    )
