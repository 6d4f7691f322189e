"""Contestants that differ in their seed alone are one family; its median seed stands for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from paletteot.benchmark.statistics import Interval, ranks
from paletteot.warmstarts.contract import family


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


def ranked(board: pl.DataFrame, contest: pl.Expr, columns: tuple[str, str, str]) -> pl.DataFrame:
    """Return a board of one split with the ranks of the rows that take part, null elsewhere.

    contest: which rows do. columns: median and ends of the interval that ranks.
    """
    numbered = board.with_row_index("place")
    entered: Mapping[str, Interval] = {
        str(place): Interval(*ends) for place, *ends in numbered.filter(contest).select("place", *columns).iter_rows()
    }
    found = {int(place): rank for place, rank in ranks(entered).items()}
    return board.with_columns(rank=pl.Series([found.get(place) for place in range(len(board))], dtype=pl.Int64))
