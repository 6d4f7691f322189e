"""The rows that an evaluation left on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import read_parquet


@dataclass(frozen=True)
class Evaluation:
    """One contestant's rows: ITERATIONS, which repeat, and SECONDS, which do not, both in the order of pair_id."""

    method: str
    iterations: pl.DataFrame
    seconds: pl.DataFrame

    @property
    def counts(self) -> NDArray[np.int64]:
        """Iterations of each problem, the start's own passes over the kernel included, (n,)."""
        total = self.iterations["iterations"].cast(pl.Int64) + self.iterations["init_iterations"]
        return total.to_numpy().astype(np.int64)

    def split(self, name: str) -> Evaluation:
        """Return the rows of one split."""
        return Evaluation(
            self.method, self.iterations.filter(pl.col("split") == name), self.seconds.filter(pl.col("split") == name)
        )


def read(folder: Path, method: str) -> Evaluation:
    """Read a contestant's evaluation.

    Raises DataError when a file is missing, cut short or not of its table, or holds a pair twice or an illegal number.
    """
    iterations = _read(folder / method / "iterations.parquet", schema.ITERATIONS)
    seconds = _read(folder / method / "seconds.parquet", schema.SECONDS)
    if not iterations["pair_id"].equals(seconds["pair_id"]):
        raise DataError(f"{folder / method}: iterations.parquet and seconds.parquet must hold the same pair_id")
    return Evaluation(method, iterations, seconds)


def _read(file: Path, table: schema.Table) -> pl.DataFrame:
    frame = read_parquet(file, table).sort("pair_id")
    twice = frame["pair_id"].filter(frame["pair_id"].is_duplicated())
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
    """Raise DataError when two contestants were not judged on the same pairs: no paired ratio exists then."""
    pair = ["pair_id", "split"]
    if not one.iterations.select(pair).equals(other.iterations.select(pair)):
        raise DataError(
            f"data/evaluations: pair_id and split of {other.method} must be those of {one.method}; "
            f"`dvc repro` judges both on the same pairs"
        )
