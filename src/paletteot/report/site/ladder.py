"""The tolerance ladder: what is left of a start's saving as the stop of the reference iteration tightens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.sample import Sample
from paletteot.benchmark.statistics import censored
from paletteot.report.figures import GREY
from paletteot.report.headline import KINDS, looks
from paletteot.report.site import charts
from paletteot.report.site.charts import Figure
from paletteot.report.site.facts import SiteFacts
from paletteot.report.site.tables import Cell, Table, interval, named, number
from paletteot.splits import RANKING

HEIGHT = 340
LINE = 15
"""Height of a name beside its line, pixels."""

ROOM = 0.42
"""Share of the plot that is kept for names."""


def section(rungs: pl.DataFrame, facts: SiteFacts) -> dict[str, Any]:
    """Return the figure and the table of the ladder.

    rungs: method (a family, whose median seed it is), atol, SIZES, converged, median, ratio_median, ratio_low and
    ratio_high, a row for each family and stop.
    """
    shown = rungs.rename({"method": "family"})
    last = shown.filter(pl.col("atol") == pl.col("atol").min()).sort("ratio_median", "family")
    parts = [shown.filter(pl.col("family") == name).sort("atol", descending=True) for name in last["family"]]
    kinds = {name: KINDS[facts.about[name].learned] for name in last["family"]}
    return {"figure": figure(pl.concat(parts), kinds), "table": table(parts)}


def table(parts: Sequence[pl.DataFrame]) -> Table:
    """Return a row for each start. parts: its rungs, the loosest first."""
    made = []
    for part in parts:
        rows = part.to_dicts()
        tight = rows[-1]
        medians = [
            f"{'≥ ' if censored(row['problems'], row['converged'])[2] else ''}{row['median']:,.0f}" for row in rows
        ]
        failures = tight["problems"] - tight["converged"]
        made.append(
            {
                "start": named(tight),
                **{
                    f"to {power(row['atol'])}": interval(row, "ratio_median", "ratio_low", "ratio_high", None)
                    for row in rows
                },
                "iterations": Cell(" / ".join(medians), number(tight["median"])),
                "capped": Cell(f"{failures:,}", failures),
            }
        )
    meanings = {
        "iterations": "median at each stop, the start's own included; ≥: half of the runs ended at the cap",
        "capped": "runs that ended at the cap before the tightest stop",
    }
    caption = f"Ratio to {BASE} at each stop, Track A on {RANKING}, {Sample.of(parts[0].row(0, named=True)).words}"
    return Table(caption, {name: meanings.get(name, "") for name in made[0]}, made)


def figure(rungs: pl.DataFrame, kinds: dict[str, str]) -> Figure:
    """Return the ratio against the stop, a line for each start with its name at the end; cold is the line at 1.

    rungs: of ``section``, with family. kinds: of each family, whether it learned, in words.
    """
    lines = rungs.filter(pl.col("family") != BASE).select(
        "atol", "problems", "converged", "median",
        start="family", ratio="ratio_median", low="ratio_low", high="ratio_high",
        kind=pl.col("family").replace_strict(kinds, return_dtype=pl.String),
    )  # fmt: skip
    stops = sorted({*lines["atol"]}, reverse=True)
    top = max(1.0, *lines["ratio"]) * 1.03
    ends = lines.filter(pl.col("atol") == stops[-1]).sort("ratio")
    ends = ends.with_columns(place=pl.Series(spread(ends["ratio"].to_list(), LINE * top / HEIGHT)))
    end = float(stops[-1] * (stops[-1] / stops[0]) ** (ROOM / (1 - ROOM)))  # of the axis, beyond the last stop
    beside = float(stops[-1] * (end / stops[-1]) ** 0.06)
    x = alt.X(
        "atol:Q", title="stop: largest change of log v", axis=alt.Axis(values=stops, format=".0e"),
        scale=alt.Scale(type="log", domain=[end, stops[0]], reverse=True, nice=False),
    )  # fmt: skip
    scale = alt.Scale(domain=[min(0.0, ends["place"][0]), max(top, ends["place"][-1])], nice=False)
    y = alt.Y("ratio:Q", title=f"iterations, share of {BASE}", scale=scale)
    color, shape = looks(lines["kind"], "top")
    hover = ["start:N", "atol:Q", *(alt.Tooltip(f"{one}:Q", format=".3f") for one in ("ratio", "low", "high"))]
    path = alt.Chart(lines).mark_line(strokeWidth=1.5).encode(x=x, y=y, color=color, detail="start:N")
    dots = alt.Chart(lines).mark_point(filled=True, size=55, opacity=1)
    dots = dots.encode(x=x, y=y, color=color, shape=shape, tooltip=hover)
    one = alt.Chart(pl.DataFrame({"atol": [stops[0]], "ratio": [1.0]})).mark_rule(color=GREY, strokeDash=[5, 3])
    one = one.encode(x=x, x2=alt.datum(stops[-1]), y=y)
    at = alt.XDatum(beside)
    leader = alt.Chart(ends).mark_rule(color=GREY, strokeWidth=0.7).encode(x=x, x2=at, y=y, y2="place:Q")
    name = alt.Chart(ends).mark_text(align="left", dx=3, limit=alt.ExprRef(f"width * {ROOM * 0.92:.2f}"))
    name = name.encode(x=at, y=alt.Y("place:Q", scale=scale), text="start:N")
    words = "; ".join(
        f"{start} {part['ratio'][0]:.3f} to {part['ratio'][-1]:.3f}"
        for (start,), part in lines.group_by("start", maintain_order=True)
    )
    return Figure(
        "Ratio to cold against the stop",
        f"Median ratio to {BASE} from the stop {power(stops[0])} to {power(stops[-1])}: {words}",
        charts.spec(alt.layer(one, leader, path, dots, name).properties(height=HEIGHT)),
        f"Tighter to the right. Dashed: {BASE}. Medians of paired ratios, the start's own iterations included.",
    )


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Return rising places moved apart to at least a gap, those that crowd about their own middle."""
    groups: list[list[float]] = []  # of places that touch: the sum of what each would have the first at, and how many
    for place in places:
        groups.append([place, 1])
        while len(groups) > 1 and groups[-1][0] / groups[-1][1] < groups[-2][0] / groups[-2][1] + groups[-2][1] * gap:
            total, count = groups.pop()
            groups[-1][0] += total - count * groups[-1][1] * gap
            groups[-1][1] += count
    return [total / count + step * gap for total, count in groups for step in range(int(count))]


def power(atol: float) -> str:
    """Return a stop as people write it, 1e-4."""
    return np.format_float_scientific(atol, trim="-", exp_digits=1)
