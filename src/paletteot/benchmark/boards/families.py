"""Contestants that differ in their seed alone are one family; its median seed stands for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.statistics import Array
from paletteot.warmstarts.contract import family

Logs = Callable[[Mapping[str, object]], tuple[pl.Series, Array]]
"""From a row of a board the pair_id of its problems and the logarithms of their counts, (n,)."""


def with_seeds(board: pl.DataFrame, by: str, within: Sequence[str] = ()) -> pl.DataFrame:
    """Return a board with family, shown and seeds of each row.

    shown: whether the row is its family's median by a column (of an even number the upper one) among the rows that
    agree in ``within``. seeds: that column of every seed of the family, in order; empty where a name has no seed.
    """
    group = ["family", *within]
    place = pl.col(by).rank("ordinal").over(group)
    values = pl.col(by).sort().map_elements(lambda value: f"{value:.3f}", return_dtype=pl.String)
    seeded = pl.col("method") != pl.col("family")
    return board.with_columns(
        family=pl.Series([family(name) for name in board["method"]], dtype=pl.String)
    ).with_columns(
        shown=place == pl.len().over(group) // 2 + 1,
        seeds=pl.when(seeded).then(values.str.join(" ").over(group)).otherwise(pl.lit("")),
    )


def ranked(board: pl.DataFrame, contest: pl.Expr, by: str, bootstrap: Bootstrap, logs: Logs) -> pl.DataFrame:
    """Return a board of one split with rank and ties of the rows that take part, null elsewhere.

    contest: which rows do. by: the column with the ratio that ranks follow. ties: the families that a row is
    not told apart from, separated by commas.
    """
    places = board.with_row_index("place").filter(contest)["place"].to_list()
    found = bootstrap.compare([logs(board.row(place, named=True)) for place in places])
    names = [board["family"][place] for place in places]
    ranks: list[int | None] = [None] * len(board)
    ties: list[str | None] = [None] * len(board)
    ordered = found.ranks([board[by][place] for place in places])
    for place, rank, others in zip(places, ordered, found.ties, strict=True):
        ranks[place], ties[place] = rank, ", ".join(names[other] for other in others)
    return board.with_columns(rank=pl.Series(ranks, dtype=pl.Int64), ties=pl.Series(ties, dtype=pl.String))


def who_ties(board: pl.DataFrame) -> str:
    """Return which rows of a ranked board of one split tie, each two once, as part of a sentence."""
    known = board.drop_nulls("ties")
    names, lines = known["family"].to_list(), []
    for place, ties in enumerate(known["ties"]):
        later = [name for name in names[place + 1 :] if f", {name}, " in f", {ties}, "]
        lines += [f"{names[place]} with {', '.join(later)}"] if later else []
    return "; ".join(lines) or "none"
