"""The rows that an evaluation left on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import read_parquet


@dataclass(frozen=True)
class Evaluation:
    """One contestant's rows: ITERATIONS, which repeat, and SECONDS, which do not, both in the order of pair_id."""

    method: str
    iterations: pl.DataFrame
    seconds: pl.DataFrame

    def split(self, name: str) -> Evaluation:
        """Return the rows of one split."""
        return Evaluation(
            self.method, self.iterations.filter(pl.col("split") == name), self.seconds.filter(pl.col("split") == name)
        )


def read(folder: Path, method: str) -> Evaluation:
    """Read a contestant's evaluation; raises DataError when a file is missing, cut short or not of its table."""
    iterations = read_parquet(folder / method / "iterations.parquet", schema.ITERATIONS).sort("pair_id")
    seconds = read_parquet(folder / method / "seconds.parquet", schema.SECONDS).sort("pair_id")
    if not iterations["pair_id"].equals(seconds["pair_id"]):
        raise DataError(f"{folder / method}: iterations.parquet and seconds.parquet must hold the same pair_id")
    return Evaluation(method, iterations, seconds)


def check_same_pairs(one: Evaluation, other: Evaluation) -> None:
    """Raise DataError when two contestants were not judged on the same pairs: no paired ratio exists then."""
    if not one.iterations["pair_id"].equals(other.iterations["pair_id"]):
        raise DataError(
            f"data/evaluations: pair_id of {other.method} must be those of {one.method}; "
            f"`dvc repro` judges both on the same pairs"
        )
