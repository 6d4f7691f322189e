"""Read the pipeline's palettes and plans as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.dataset import schema
from paletteot.errors import DataError, ProblemError
from paletteot.ot.problem import Array, Problems, check_palette
from paletteot.tables import check_table, read_parquet


@dataclass(frozen=True)
class Palettes:
    """All palettes: ids and groups (n,), centroids x (n, k, 3) in LAB, weights a (n, k), float64."""

    ids: list[str]
    groups: list[str]
    x: Array
    a: Array

    def __len__(self) -> int:
        return len(self.ids)

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

    @property
    def eps(self) -> float:
        """Regularisation of labelled pairs, LAB units; raises DataError where rows differ."""
        found = self.frame["eps"].unique().sort().to_list()
        if len(found) > 1:
            raise DataError(f"pairs must have one eps, but have {found}")
        return float(found[0]) if found else float("nan")

    def problems(self, eps: float | None = None) -> Problems:
        """Return the transport problems as one batch; eps: LAB units, None for that of the rows."""
        eps = self.eps if eps is None else eps
        i, j, p = self.source, self.target, self.palettes
        return Problems(p.x[i], p.a[i], p.x[j], p.a[j], eps, i, j)


def load_palettes(path: Path) -> Palettes:
    """Read and check a palette file: image_id, centroids, weights, and group where it is there.

    Without a group each picture is its own. Raises DataError naming file and row when a palette holds NaN or its
    weights do not sum to one.
    """
    raw = read_parquet(path)
    shape = raw.schema.get("weights")
    table = schema.palettes(shape.size if isinstance(shape, pl.Array) else 0)
    if "group" not in raw.columns and "image_id" in raw.columns:
        raw = raw.with_columns(group=pl.col("image_id"))
    frame = check_table(raw, {name: table[name] for name in ("image_id", "group", "centroids", "weights")}, path)
    x = np.array(frame["centroids"].to_numpy(), dtype=np.float64)
    a = np.array(frame["weights"].to_numpy(), dtype=np.float64)
    for row, name in enumerate(frame["image_id"]):
        try:
            check_palette(x[row], a[row], f"row {row} ({name})")
        except ProblemError as error:
            raise DataError(f"{path}: {error}") from None
    return Palettes(frame["image_id"].to_list(), frame["group"].to_list(), x, a)


def load_pairs(path: Path, palettes: Palettes) -> Pairs:
    """Read the pairs of a file; raises DataError when one names a picture that is not there."""
    frame = read_parquet(path, schema.PAIRS)
    return Pairs(palettes, frame, palettes.index(frame["source"], path), palettes.index(frame["target"], path))


def load_plans(folder: Path, palettes: Palettes, split: str) -> Pairs:
    """Read the labelled pairs of a split from its shards.

    Raises DataError when a shard is missing, cut short, or names a picture that is not there.
    """
    shards = sorted(folder.glob(f"{split}-?????-of-?????.parquet"))
    if not shards:
        raise DataError(f"{folder}: no shard of split {split}; `dvc repro plans` makes them")
    if len(shards) != (expected := int(shards[0].stem[-5:])):
        raise DataError(f"{folder}: split {split} must have {expected} shards, but has {len(shards)}")
    table = schema.plans(palettes.a.shape[1])
    frame = pl.concat([read_parquet(shard, table) for shard in shards])
    where = f"{folder} split {split}"
    return Pairs(palettes, frame, palettes.index(frame["source"], where), palettes.index(frame["target"], where))
