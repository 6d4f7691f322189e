"""The rows that an evaluation left on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.benchmark import schema
from paletteot.benchmark.records.origin import NOT_KNOWN, Origin
from paletteot.errors import DataError
from paletteot.tables import Table, read_parquet


@dataclass(frozen=True)
class Evaluation:
    """One contestant's rows, in the order of pair_id: of Track A, B and C what repeats, and seconds, which do not.

    The frames are the tables of schema.TRACKS, by the same names; those of tracks that it did not enter are empty.
    guest: it comes from outside the package, so what it learned is not known; it may have entered some splits and
    tracks only.
    """

    method: str
    iterations: pl.DataFrame
    seconds: pl.DataFrame
    accelerated: pl.DataFrame
    accelerated_seconds: pl.DataFrame
    newton: pl.DataFrame
    newton_seconds: pl.DataFrame
    ladder: pl.DataFrame
    origin: Origin = NOT_KNOWN
    guest: bool = False

    @property
    def counts(self) -> NDArray[np.int64]:
        """Iterations of each problem of Track A, the start's own passes over the kernel included, (n,)."""
        total = self.iterations["iterations"].cast(pl.Int64) + self.iterations["init_iterations"]
        return total.to_numpy().astype(np.int64)

    def split(self, name: str) -> Evaluation:
        """Return the rows of one split."""
        return Evaluation(
            self.method,
            **{table: getattr(self, table).filter(pl.col("split") == name) for table in TABLES},
            origin=self.origin,
            guest=self.guest,
        )


TABLES = {name: table for tables in schema.TRACKS.values() for name, table in tables.items()}
"""Every table of an evaluation by its name."""


def read(folder: Path, method: str) -> Evaluation:
    """Read a contestant's evaluation.

    Raises DataError when a file is missing, cut short or not of its table, or holds a run twice or an illegal number.
    """
    made = {name: _read(folder / method / f"{name}.parquet", table) for name, table in TABLES.items()}
    for rows, *seconds in schema.TRACKS.values():
        for other in seconds:
            if not made[rows].select(_key(made[rows])).equals(made[other].select(_key(made[other]))):
                raise DataError(f"{folder / method}: {rows}.parquet and {other}.parquet must hold the same pair_id")
    return Evaluation(method, **made, origin=NOT_KNOWN, guest=False)


def _key(frame: pl.DataFrame) -> list[str]:
    return [name for name in ("pair_id", "acceleration", "atol") if name in frame.columns]


def _read(file: Path, table: Table) -> pl.DataFrame:
    return checked(read_parquet(file, table), table, file)


def checked(frame: pl.DataFrame, table: Table, file: Path) -> pl.DataFrame:
    """Return rows in the order of pair_id; raises DataError where a run is there twice or a number illegal."""
    key = _key(frame)
    frame = frame.sort(key)
    twice = frame.filter(frame.select(key).is_duplicated())["pair_id"]
    if len(twice):
        raise DataError(f"{file}: pair_id must name each pair once, but names {twice[0]} more than once")
    for name, column in table.items():
        if column.dtype in (pl.Int32, pl.Float64):
            value = pl.col(name)
            bad = frame.filter(~(value.is_finite() & (value >= 0)))
            if len(bad):
                row = bad.row(0, named=True)
                raise DataError(
                    f"{file}: {name} must be finite and at least 0, but is {row[name]} for pair {row['pair_id']}"
                )
    return frame


def check_same_pairs(one: Evaluation, other: Evaluation) -> None:
    """Raise DataError when two contestants were not judged on the same pairs: no paired ratio exists then.

    A guest may have entered some splits only; in those it must have all pairs.
    """
    pair, base = ["pair_id", "split"], one.iterations
    if other.guest:
        base = base.filter(pl.col("split").is_in(other.iterations["split"].unique().implode()))
    if not base.select(pair).equals(other.iterations.select(pair)):
        raise DataError(
            f"data/evaluations: pair_id and split of {other.method} must be those of {one.method}; "
            f"`dvc repro` judges both on the same pairs"
        )
