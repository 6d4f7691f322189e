"""The boards as tables that a page can sort: what stands in a cell, what it sorts by, where it leads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from paletteot.benchmark.boards import starts as starts_board
from paletteot.benchmark.protocol import TOLERANCES
from paletteot.benchmark.sample import Sample
from paletteot.report.site.facts import SiteFacts, slug

Row = Mapping[str, object]


@dataclass(frozen=True)
class Strip:
    """An interval drawn in a cell: its ends, its median, the other seeds and a ratio of 1; 0 to 100 is what shows."""

    low: float
    median: float
    high: float
    seeds: tuple[float, ...]
    one: float


@dataclass(frozen=True)
class Cell:
    """text: as people see it. key: what the column sorts by, '' at the end. href: a page of the site, or a run's."""

    text: str
    key: float | str = ""
    href: str = ""
    strip: Strip | None = None


@dataclass(frozen=True)
class Table:
    """A caption and rows of one cell for each column; the first names its row. columns: name -> its meaning."""

    caption: str
    columns: Mapping[str, str]
    rows: Sequence[Mapping[str, Cell]]


MEANINGS = {
    "rank": "one more than the number of starts that are better, by comparisons of every two on the same problems that "
    "hold all together with 95 %; = marks a tie with another, decided neither way",
    "ratio": "iterations, the start's own included, as a share of the cold start's: median and 95 % interval; drawn on "
    "a logarithmic scale, with other seeds as small ticks and a line at 1 where it reaches that far",
    **{
        f"to {label}": f"the same, to plain Sinkhorn from cold, at an L1 marginal error of {label}"
        for label in TOLERANCES
    },
    "acceleration": "the iteration that followed the start, chosen on validation",
    "iterations": "median, under Track A without the start's own, under Track B with them, to each error; "
    "≥: some runs stopped at the cap, and this is a lower bound",
    "better on": "share of the problems with strictly fewer iterations than cold",
    "worst": "the worst ratio of a single problem, to each error",
    "steps": "Newton steps to an L1 marginal error of 1e-9: median, 95 % quantile, maximum",
    "own": "passes over the kernel that the start itself spends, median",
    "failures": "runs that did not converge, and starts that were not finite or absurd",
    "ms": "median time on one thread, the start included; claimed: that of the start is what its makers say",
    "learned": "whether it knows something from data",
    "seeds": "the ranking figure of every seed; the row is that of the median one",
    "data": "version of the data set",
    "code": "commit of the code",
    "hardware": "what the times were taken on",
    "run": "MLflow run of the training",
}


def track_a(board: pl.DataFrame, facts: SiteFacts, root: str = "") -> list[dict[str, Cell]]:
    """Return the shown rows of one split of Track A. root: way to the index."""
    strips = _strips(board, "ratio_median", ("ratio_median", "ratio_low", "ratio_high"))
    return [
        {
            "start": named(row, root),
            "rank": rank(row),
            "ratio": interval(row, "ratio_median", "ratio_low", "ratio_high", strip),
            "better on": cell(row, "improved_share", ".1%"),
            "iterations": Cell(starts_board.cells(row)["median"], number(row["median"])),
            "own": cell(row, "init_iterations", ",.0f"),
            "failures": count(int(str(row["problems"])) - int(str(row["converged"])) + int(str(row["fallbacks"]))),
            "ms": seconds(row, facts),
            **_origin(row, facts),
        }
        for row, strip in strips
    ]


def track_b(board: pl.DataFrame, facts: SiteFacts, root: str = "") -> list[dict[str, Cell]]:
    """Return the rows of one split of Track B that were chosen."""
    loose, tight = TOLERANCES
    strips = _strips(board, f"ratio_{loose}", (f"ratio_{loose}", f"low_{loose}", f"high_{loose}"))
    return [
        {
            "start": named(row, root),
            "rank": rank(row),
            **{
                f"to {one}": interval(row, f"ratio_{one}", f"low_{one}", f"high_{one}", strip if one == loose else None)
                for one in TOLERANCES
            },
            "ms": seconds(row, facts),
            "acceleration": Cell(str(row["acceleration"]), str(row["acceleration"])),
            "learned": known(facts.about[str(row["family"])].learned),
            "iterations": both(row, "iterations", ",.0f"),
            "worst": both(row, "worst", ".2f"),
            "own": cell(row, "init_iterations", ",.0f"),
            "failures": cell(row, f"failures_{tight}", ""),
            **_origin(row, facts),
        }
        for row, strip in strips
    ]


def track_c(board: pl.DataFrame, facts: SiteFacts, root: str = "") -> list[dict[str, Cell]]:
    """Return the shown rows of one split of Track C."""
    made = []
    for row in board.filter("shown").iter_rows(named=True):
        shown = {name: f"{row[name]:,.0f}" for name in ("steps_median", "steps_95", "steps_max")}
        made.append(
            {
                "start": named(row, root),
                "ms": seconds(row, facts),
                "steps": Cell(" / ".join(shown.values()), number(row["steps_median"])),
                "own": cell(row, "init_iterations", ",.0f"),
                "failures": cell(row, "failures", ""),
                **_origin(row, facts),
            }
        )
    return made


TRACKS: Mapping[str, Callable[[pl.DataFrame, SiteFacts, str], list[dict[str, Cell]]]] = {
    "A": track_a, "B": track_b, "C": track_c,
}  # fmt: skip


def table(caption: str, rows: Sequence[Mapping[str, Cell]]) -> Table:
    """Return a table of rows that have the same columns; one that is empty in every row is left out."""
    used = [name for name in rows[0] if any(row[name].text for row in rows)]
    return Table(caption, {name: MEANINGS.get(name, "") for name in used}, rows)


def named(row: Row, root: str = "") -> Cell:
    """Return the family of a row, marked where its starts read like the labels, with the way to its page."""
    family = str(row["family"])
    mark = " (reads like the label)" if row.get("label_like") else ""
    return Cell(family + mark, family, f"{root}methods/{slug(family)}.html")


def rank(row: Row) -> Cell:
    """Return the rank of a row, none where it does not take part."""
    tie = " =" if row["ties"] else ""
    return Cell(f"{row['rank']}{tie}", number(row["rank"])) if row["rank"] else Cell("")


def interval(row: Row, median: str, low: str, high: str, strip: Strip | None) -> Cell:
    """Return a median with the ends of its interval, drawn too where there is a strip; of few photographs alone."""
    of = Sample.of(row)
    ends = (float(str(row[name])) for name in (median, low, high))
    return Cell(of.interval(*ends), number(row[median]), strip=None if of.few else strip)


def both(row: Row, measure: str, form: str) -> Cell:
    """Return a measure of Track B to both errors, sorted by the one that ranks."""
    names = [f"{measure}_{one}" for one in TOLERANCES]
    return Cell(" / ".join(format(row[name], form) for name in names), number(row[names[0]]))


def cell(row: Row, name: str, form: str) -> Cell:
    """Return a number in a format."""
    return Cell(format(row[name], form), number(row[name]))


def seconds(row: Row, facts: SiteFacts) -> Cell:
    """Return the time of a row in ms, marked where it was not measured here."""
    claimed = " claimed" if facts.origins[str(row["method"])].claimed else ""
    return Cell(f"{row['total_ms']:.2f}{claimed}", number(row["total_ms"]))


def known(value: bool | None) -> Cell:
    """Return yes or no, or that it is not known."""
    text = {True: "yes", False: "no", None: "not known"}[value]
    return Cell(text, text)


def count(value: int) -> Cell:
    """Return a count."""
    return Cell(f"{value:,}", value)


def number(value: object) -> float | str:
    """Return a number to sort by, '' where there is none."""
    return value if isinstance(value, int) else float(f"{value:.6g}") if isinstance(value, float) else ""


def _origin(row: Row, facts: SiteFacts) -> dict[str, Cell]:
    found = facts.origins[str(row["method"])]
    short = found.code[:10] + ("-dirty" if found.code.endswith("-dirty") else "")
    return {
        "seeds": Cell(str(row["seeds"]), str(row["seeds"])),
        "data": Cell(found.data, found.data),
        "code": Cell(short, short),
        "hardware": Cell(found.hardware, found.hardware),
        "run": Cell(found.run[:8], found.run, found.href),
    }


def _strips(board: pl.DataFrame, by: str, ends: tuple[str, str, str]) -> list[tuple[dict[str, object], Strip]]:
    """Return each shown row with its interval as a drawing, all on one scale. board: with a row for every seed."""
    shown = board.filter("shown")
    if shown.is_empty():
        return []
    spans = board.filter(pl.col(ends[1]) < pl.col(ends[2]))  # the start that ratios are taken to is a point at 1
    values = [*spans[by], *spans[ends[1]], *spans[ends[2]]] or [1.0]
    first, last = (math.log(bound(max(value, 1e-6) for value in values)) for bound in (min, max))

    def place(value: float) -> float:
        return round(3 + 94 * (math.log(max(value, 1e-6)) - first) / ((last - first) or 1.0), 1)

    made = []
    for row in shown.iter_rows(named=True):
        same = (pl.col("family") == row["family"]) & (pl.col("method") != row["method"])
        if "acceleration" in row:
            same &= pl.col("acceleration") == row["acceleration"]
        median, low, high = (place(row[name]) for name in ends)
        seeds = tuple(place(value) for value in board.filter(same)[by])
        made.append((row, Strip(low, median, high, seeds, place(1.0))))
    return made
