"""The ranking: for each track and split a table, who ties, and iterations against time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from paletteot.benchmark.accelerations import PLAIN
from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.boards import rival
from paletteot.benchmark.boards.families import who_ties
from paletteot.benchmark.boards.leaderboard import Leaderboard
from paletteot.benchmark.protocol import BASE, TOLERANCES
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.sample import warning_of, words_of
from paletteot.report.site import charts, tables
from paletteot.report.site.charts import Figure
from paletteot.report.site.facts import SiteFacts
from paletteot.report.site.tables import Table
from paletteot.splits import CHOICE, RANKING

TITLES = {
    "B": "starts with acceleration",
    "A": "starts",
    "C": "starts in front of Newton",
}
"""Tracks in the order in which they are shown."""

COUNTED = {
    "B": f"Passes over the kernel to an L1 marginal error of {' and '.join(TOLERANCES)} of each start in front of the "
    f"referee's own accelerated iterations; ranked at {accelerated_board.LOOSE}. The acceleration of each was chosen "
    f"on {CHOICE}.",
    "A": "Iterations of plain Sinkhorn until log v moves by at most 1e-4.",
    "C": "Damped Newton to an L1 marginal error of 1e-9, the fastest first; nobody is ranked.",
}


@dataclass(frozen=True)
class Section:
    """One track on one split: a heading, what is counted, who ties, the table, and iterations against time."""

    track: str
    split: str
    heading: str
    counted: str
    ties: str
    table: Table
    figure: Figure


def sections(board: Leaderboard, evaluations: Mapping[str, Evaluation], facts: SiteFacts) -> Iterator[Section]:
    """Yield what the ranking shows, the ranking split of Track B first.

    evaluations: of each method.
    """
    base = (pl.col("family") == BASE) & (pl.col("acceleration") == PLAIN)
    rows = {"A": board.a, "B": board.b.filter(pl.col("chosen") | base), "C": board.c}
    for track in TITLES:
        whole = rows[track]
        for split in (RANKING, *sorted({*whole["split"]} - {RANKING})):
            part = whole.filter(pl.col("split") == split)
            if part.is_empty():
                continue
            shown = tables.TRACKS[track](part, facts, "")
            caption = f"Track {track} on {split}, {words_of(part.filter('shown'))}"
            yield Section(
                track, split, f"Track {track}: {TITLES[track]}", COUNTED[track], _ties(track, part, board),
                tables.table(caption, shown), _pareto(track, split, part.filter("shown"), evaluations, facts),
            )  # fmt: skip


def _ties(track: str, part: pl.DataFrame, board: Leaderboard) -> str:
    if track == "C":
        return ""
    duel = f" Rival: {rival.words(board.duel)}." if track == "B" and board.duel else ""
    few = f" {warning}." if (warning := warning_of(part)) else ""
    return f"Not told apart: {who_ties(part)}.{few}" + (duel if part["split"][0] == RANKING else "")


def _pareto(
    track: str, split: str, shown: pl.DataFrame, evaluations: Mapping[str, Evaluation], facts: SiteFacts
) -> Figure:
    names, counts = shown["family"], shown["total_ms"]
    if track == "A":  # the board's own median leaves out what the start spends
        counts = pl.Series([np.median(evaluations[name].split(split).counts) for name in shown["method"]])
        title = "median iterations to the reference stop"
    elif track == "B":
        tight = list(TOLERANCES)[-1]
        both = pl.concat_str("family", "acceleration", separator=" + ")
        names = shown.select(pl.when(pl.col("family").is_duplicated()).then(both).otherwise("family"))["family"]
        counts = shown[f"iterations_{tight}"]
        title = f"median iterations to {tight}"
    else:
        counts, title = shown["steps_median"], "median Newton steps"
    learned = [facts.about[name].learned for name in shown["family"]]
    return charts.pareto(
        pl.DataFrame({"start": names, "iterations": counts, "ms": shown["total_ms"], "learned": learned}), title
    )
