"""The page of a start: every seed and every acceleration, its histogram, its training, its extremes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import polars as pl

from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.boards import markdown
from paletteot.benchmark.boards import newton as newton_board
from paletteot.benchmark.boards import starts as starts_board
from paletteot.benchmark.boards.leaderboard import HIDDEN, Cells, Leaderboard
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.sample import words_of
from paletteot.report.site import charts
from paletteot.report.site.facts import SiteFacts, slug
from paletteot.report.site.tables import Cell, Table, number
from paletteot.splits import RANKING

NOT_SHOWN = (*(name for name in HIDDEN if name != "method"), "family", "seeds", "learned", "kernel_only", "claimed")


def page(
    family: str,
    board: Leaderboard,
    medians: Mapping[str, Evaluation],
    curves: Mapping[str, pl.DataFrame],
    picked: pl.DataFrame,
    facts: SiteFacts,
) -> dict[str, Any]:
    """Return what the page of a start shows.

    medians: the evaluation that stands for each family under Track A. picked: of ``problems.picks``.
    """
    mine = pl.col("family") == family
    tracks: dict[str, tuple[pl.DataFrame, Cells]] = {
        "Track A: the start alone": (board.a.filter(mine), starts_board.cells),
        "Track B: under every acceleration": (
            board.b.filter(mine).sort("split", "acceleration", "method"),
            accelerated_board.shown_cells,
        ),
        "Track C: in front of Newton": (board.c.filter(mine), partial(markdown.cells, formats=newton_board.FORMATS)),
    }
    compared = [BASE, family] if family != BASE else [BASE]
    alone = family in board.medians  # judged under Track A
    figures = [charts.histogram(medians, family)] if alone else []
    if family in curves:
        figures.append(charts.loss(family, curves[family]))
    methods = sorted({name for rows, _ in tracks.values() for name in rows["method"]})
    return {
        "name": family,
        "about": facts.about[family],
        "origins": {method: facts.origins[method] for method in methods},
        "shown": board.medians.get(family, methods[0]),
        "tables": [every(title, rows, cells) for title, (rows, cells) in tracks.items() if len(rows)],
        "summary": summary(charts.five_numbers(medians, compared), board, family) if alone else None,
        "figures": figures,
        "extremes": extremes(picked.filter(pl.col("start") == family).drop("start"), "../", family) if alone else None,
    }


def every(caption: str, rows: pl.DataFrame, cells: Cells) -> Table:
    """Return a table with every number of some rows of a board."""
    kept = [name for name in rows.columns if name not in NOT_SHOWN]
    made = []
    for row in rows.iter_rows(named=True):
        shown = cells(row)
        made.append({name.replace("_", " "): Cell(shown[name], _key(row[name])) for name in kept})
    return Table(caption, dict.fromkeys(made[0], ""), made)


def summary(rows: Sequence[Sequence[str]], board: Leaderboard, family: str) -> Table:
    """Return five-number summaries as a table.

    rows: name and five numbers. board: says what those of a family rest on.
    """
    mine = board.a.filter((pl.col("family") == family) & (pl.col("split") == RANKING) & pl.col("shown"))
    names = ("start", "min", "Q1", "median", "Q3", "max")
    made = [dict(zip(names, [Cell(text, _digits(text)) for text in row], strict=True)) for row in rows]
    return Table(f"Iterations on {RANKING}, {words_of(mine)}, the start's own included", dict.fromkeys(names, ""), made)


def extremes(picked: pl.DataFrame, root: str, start: str | None = None) -> Table:
    """Return picked pairs with the way to each in the explorer. start: whose they are where the rows do not say."""
    made = []
    for row in picked.iter_rows(named=True):
        name = start if start is not None else row["start"]
        made.append(
            {
                "pair": Cell(str(row["pair_id"]), row["pair_id"], f"{root}problems.html#{row['pair_id']}/{slug(name)}"),
                **({} if start is not None else {"start": Cell(name, name)}),
                "kind": Cell(row["kind"], row["kind"]),
                "iterations": Cell(f"{row['iterations']:,}", row["iterations"]),
                "cold": Cell(f"{row['cold']:,}", row["cold"]),
                "ratio": Cell(f"{row['ratio']:.3f}", number(row["ratio"])),
            }
        )
    caption = f"Worst and best pairs of {RANKING}, Track A"
    return Table(caption, dict.fromkeys(made[0], ""), made)


def _key(value: object) -> float | str:
    return ("yes" if value else "no") if isinstance(value, bool) else value if isinstance(value, str) else number(value)


def _digits(text: str) -> float | str:
    plain = text.removeprefix("≥ ").replace(",", "")
    return float(plain) if plain.isdigit() else text
