"""The ratios by photograph: a dot for each photograph, and the best and the worst of them by name."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.statistics import five_numbers
from paletteot.report.figures import BLUE, ORANGE
from paletteot.report.site import charts
from paletteot.report.site.charts import Figure
from paletteot.report.site.facts import slug
from paletteot.report.site.tables import Cell, Table, number
from paletteot.splits import RANKING

DRAWN = 5
"""Starts whose photographs are drawn, from the first of the ranking."""

LANES = 3
"""Rows of dots of one start: neighbours do not hide each other."""

ROW = 54
"""Height of a start, pixels."""


def section(rows: pl.DataFrame) -> dict[str, Any] | None:
    """Return the figure and the table, None where there is nobody; rows: of ``boards.photographs``."""
    parts = [part for _, part in rows.group_by("family", maintain_order=True)]
    return {"figure": figure(parts[:DRAWN]), "table": table(parts)} if parts else None


def table(parts: list[pl.DataFrame]) -> Table:
    """Return five numbers over photographs, with the names of the ends. parts: rows of each start, the least first."""
    made = []
    for part in parts:
        least, most = np.min(part["problems"].to_numpy()), np.max(part["problems"].to_numpy())
        best, worst = part.row(0, named=True), part.row(-1, named=True)
        five = zip(("min", "Q1", "median", "Q3", "max"), five_numbers(part["ratio"].to_numpy()), strict=True)
        made.append(
            {
                "start": Cell(best["family"], best["family"], f"methods/{slug(best['family'])}.html"),
                "photographs": Cell(f"{len(part):,}", len(part)),
                "problems": Cell(f"{least:,} to {most:,}", int(least)),
                **{name: Cell(f"{value:.3f}", number(value)) for name, value in five},
                "best": Cell(best["photograph"], best["photograph"]),
                "worst": Cell(worst["photograph"], worst["photograph"]),
            }
        )
    meanings = {
        "photographs": f"that {RANKING} is of",
        "problems": "that a photograph takes part in, on either side",
        "best": "the photograph with the smallest ratio",
        "worst": "the photograph with the largest ratio",
    }
    caption = f"Ratio to {BASE} of each photograph of {RANKING}, to {accelerated_board.LOOSE}, over its photographs"
    return Table(caption, {name: meanings.get(name, "") for name in made[0]}, made)


def figure(parts: list[pl.DataFrame]) -> Figure:
    """Return a dot for each photograph, a row of them for each start with its median. parts: as in ``table``."""
    names = {part["family"][0]: f"{part['family'][0]} + {part['acceleration'][0]}" for part in parts}
    dots = pl.concat(
        [part.with_columns(lane=pl.int_range(pl.len()) % LANES) for part in parts]
    ).select("photograph", "problems", "lane", ratio=pl.col("ratio").round_sig_figs(4),
             start=pl.col("family").replace_strict(names, return_dtype=pl.String))  # fmt: skip
    medians = dots.group_by("start", maintain_order=True).agg(pl.col("ratio").median())
    y = alt.Y("start:N", sort=[*names.values()], axis=None)
    ticks = [step * 10.0**decade for decade in range(-4, 3) for step in (1, 1.5, 2, 3, 5, 7)]
    x = alt.X(
        "ratio:Q", scale=alt.Scale(type="log", nice=False, padding=10), axis=alt.Axis(values=ticks, format="~g"),
        title=f"median ratio to {BASE} of a photograph's pairs",
    )  # fmt: skip
    lanes = alt.YOffset("lane:O", scale=alt.Scale(rangeMin=ROW * 0.36, rangeMax=ROW * 0.84, type="point"))
    hover = ["start:N", "photograph:N", "problems:Q", alt.Tooltip("ratio:Q", format=".3f")]
    points = alt.Chart(dots).mark_point(filled=True, size=36, opacity=0.6, color=BLUE)
    points = points.encode(x=x, y=y, yOffset=lanes, tooltip=hover)
    middle = alt.Chart(medians).mark_tick(color=ORANGE, thickness=2, size=ROW * 0.55, yOffset=ROW * 0.22, opacity=1)
    middle = middle.encode(x=x, y=y, tooltip=["start:N", alt.Tooltip("ratio:Q", format=".3f")])
    words = alt.Chart(medians).mark_text(align="left", fontWeight="bold", yOffset=-ROW * 0.3)
    words = words.encode(x=alt.value(0), y=y, text="start:N")
    spans = "; ".join(
        f"{names[part['family'][0]]}: {', '.join(f'{one:.3f}' for one in five_numbers(part['ratio'].to_numpy()))}"
        for part in parts
    )
    return Figure(
        "Ratio to cold by photograph",
        f"A dot for each photograph; minimum, quartiles, maximum over photographs: {spans}",
        charts.spec(alt.layer(points, middle, words).properties(height=ROW * len(parts))),
        f"A dot: the median over the pairs of {RANKING} that one photograph takes part in, to "
        f"{accelerated_board.LOOSE}, the start's own passes included. The line: the median photograph.",
    )
