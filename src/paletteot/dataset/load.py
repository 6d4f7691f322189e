"""Read the pipeline's palettes and plans as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.dataset import schema, shards
from paletteot.errors import DataError, ProblemError
from paletteot.ot.problem import Array, Problems, check_palette
from paletteot.tables import FLOAT32_CAUSE, Column, check_table, read_parquet


@dataclass(frozen=True)
class Palettes:
    """All palettes: ids, photographs and groups (n,), centroids x (n, k, 3) in LAB, weights a (n, k), float64."""

    ids: list[str]
    photographs: list[str]
    groups: list[str]
    x: Array
    a: Array

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def pictures(self) -> pl.DataFrame:
        """What each picture shows: image_id, photograph and group."""
        columns = {"image_id": self.ids, "photograph": self.photographs, "group": self.groups}
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))

    def index(self, ids: pl.Series, file: object) -> NDArray[np.int64]:
        """Return the row of each picture.

        Raises DataError naming the first pair whose picture has no palette.
        """
        rows = {name: row for row, name in enumerate(self.ids)}
        found = [rows.get(name, -1) for name in ids]
        if -1 in found:
            row = found.index(-1)
            raise DataError(f"{file}: {ids.name} of row {row} names picture {ids[row]!r}, which has no palette")
        return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class Pairs:
    """Pairs of palettes: frame with the table's columns, and the palette rows source, target (m,) int64."""

    palettes: Palettes
    frame: pl.DataFrame
    source: NDArray[np.int64]
    target: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: slice) -> Pairs:
        """Return some of the pairs."""
        return Pairs(self.palettes, self.frame[rows], self.source[rows], self.target[rows])

    @property
    def g(self) -> Array:
        """Target potentials of labelled pairs, (m, k) float64, LAB units."""
        return np.asarray(self.frame["g"].to_numpy())

    @cached_property
    def eps(self) -> float:
        """Regularisation of labelled pairs, LAB units: that of the rows; NaN of none.

        Raises DataError where rows differ, or have none, being without labels.
        """
        if "eps" not in self.frame.columns:
            raise DataError("pairs without labels have no eps: it must be given")
        found = self.frame["eps"].unique().sort().to_list()
        if len(found) > 1:
            raise DataError(f"pairs: eps must be the same in every row, but is {' and '.join(map(str, found[:5]))}")
        return float(found[0]) if found else float("nan")

    def problems(self, eps: float | None = None) -> Problems:
        """Return the transport problems as one batch.

        eps: LAB units, for pairs without labels; of others it is that of their rows. Raises DataError where both are
        given and differ.
        """
        if eps is None or "eps" in self.frame.columns:
            if eps is not None and len(self) and eps != self.eps:
                raise DataError(f"eps must be {self.eps:g}, as in the rows, but is {eps:g}")
            eps = self.eps
        i, j, p = self.source, self.target, self.palettes
        return Problems(p.x[i], p.a[i], p.x[j], p.a[j], eps, i, j)


def load_palettes(path: Path) -> Palettes:
    """Read and check a palette file: image_id, centroids, weights, and photograph and group where they are.

    Without them each picture is its own photograph, and each photograph its own group. Lists of variable length, as
    pandas and pyarrow write them, are read where all have k values. Raises DataError naming file and row when a palette
    holds NaN, its weights do not sum to one, or its name is another's too.
    """
    raw = _fixed(read_parquet(path), path)
    shape = raw.schema.get("weights")
    table = schema.palettes(shape.size if isinstance(shape, pl.Array) else 0)
    for name, other in (("photograph", "image_id"), ("group", "photograph")):
        if name not in raw.columns and other in raw.columns:
            raw = raw.with_columns(pl.col(other).alias(name))
    needed = ("image_id", "photograph", "group", "centroids", "weights")
    frame = check_table(raw, {name: table[name] for name in needed}, path)
    x = np.array(frame["centroids"].to_numpy(), dtype=np.float64)
    a = np.array(frame["weights"].to_numpy(), dtype=np.float64)
    twice = (~frame["image_id"].is_first_distinct()).arg_true()
    if len(twice):
        name = frame["image_id"][twice[0]]
        raise DataError(f"{path}: image_id must name each palette once, but row {twice[0]} names {name!r} again")
    for row, name in enumerate(frame["image_id"]):
        try:
            check_palette(x[row], a[row], f"row {row} ({name})")
        except ProblemError as error:
            raise DataError(f"{path}: {error}") from None
    ids, photographs, groups = (frame[name].to_list() for name in needed[:3])
    return Palettes(ids, photographs, groups, x, a)


_NESTED = {"weights": (1, "k Float64 in every row"), "centroids": (2, "k times 3 Float64 in every row")}
"""Levels of lists or arrays in a file of palettes, and what they hold."""


def _fixed(frame: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Return palettes whose centroids and weights are arrays: lists become them where all rows have k values.

    Raises DataError naming column and row where they cannot, and what is legal.
    """
    if not set(_NESTED) <= set(frame.columns) or all(isinstance(frame.schema[name], pl.Array) for name in _NESTED):
        return frame  # `check_table` says whether they are the right ones
    for name, (levels, legal) in _NESTED.items():
        dtype = frame.schema[name]
        if _levels(dtype) != (levels, pl.Float64):
            cause = f" ({FLOAT32_CAUSE})" if _levels(dtype)[1] == pl.Float32 else ""
            raise DataError(f"{path}: column {name} must hold {legal}, as lists or arrays, but is {dtype}{cause}")
        check_table(frame, {name: Column(dtype, legal)}, path)
    lists = frame.select(
        pl.col("weights").cast(pl.List(pl.Float64)), pl.col("centroids").cast(pl.List(pl.List(pl.Float64)))
    )
    k = _atoms(lists, path)
    made = {"weights": pl.Array(pl.Float64, k), "centroids": pl.Array(pl.Float64, (k, 3))}
    return frame.with_columns(
        pl.Series(name, np.array(lists[name].to_list(), dtype=np.float64), dtype=dtype) for name, dtype in made.items()
    )


def _atoms(lists: pl.DataFrame, path: Path) -> int:
    """Return k, of which all rows have weights and centroids; raises DataError naming the first row that has not."""
    values = pl.col("centroids").list.eval(pl.element().list.len().fill_null(0)).list
    sizes = lists.select(
        pl.col("weights").list.len(), pl.col("centroids").list.len(), flat=(values.min() == 3) & (values.max() == 3)
    ).rows()
    k = int(sizes[0][0]) if sizes else 0
    if not k:
        raise DataError(f"{path}: the first row must have at least one weight, but has none")
    for row, (weights, centroids, flat) in enumerate(sizes):
        if (weights, centroids) != (k, k):
            raise DataError(
                f"{path}: every row must have k = {k} weights and centroids, like the first, but row {row} has "
                f"{weights} and {centroids}; fill a shorter palette up with weight 0"
            )
        if not flat:
            raise DataError(f"{path}: every centroid must have 3 values, but one of row {row} has not")
    return k


def _levels(dtype: object) -> tuple[int, object]:
    """Return how deep lists or arrays are nested, and the dtype of their values."""
    if not isinstance(dtype, pl.List | pl.Array):
        return 0, dtype
    levels, inner = _levels(dtype.inner)
    return levels + 1, inner


def load_pairs(path: Path, palettes: Palettes) -> Pairs:
    """Read the pairs of a file; raises DataError when one names a picture that is not there."""
    frame = read_parquet(path, schema.PAIRS)
    return Pairs(palettes, frame, palettes.index(frame["source"], path), palettes.index(frame["target"], path))


def load_plans(folder: Path, palettes: Palettes, split: str) -> Pairs:
    """Read the labelled pairs of a split from its shards.

    Raises DataError when a shard is missing, cut short, or names a picture that is not there.
    """
    table = schema.plans(palettes.a.shape[1])
    files = shards.chosen(shards.in_folder(folder), split, folder)
    frame = pl.concat([read_parquet(shard, table) for shard in files])
    where = f"{folder} split {split}"
    return Pairs(palettes, frame, palettes.index(frame["source"], where), palettes.index(frame["target"], where))
