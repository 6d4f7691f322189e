"""The public way in: one split of the data set as problems, plans and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.dataset import rows, schema, sources
from paletteot.dataset.layout import VERSION
from paletteot.dataset.load import Palettes, load_palettes
from paletteot.errors import DataError
from paletteot.extras import needed
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.tables import collect, read_parquet, scan_parquet

if TYPE_CHECKING:
    from paletteot.dataset.tensors import Tensors


@dataclass(frozen=True)
class Plans:
    """One split: pairs of palettes with their exact target potentials, read from disk when they are asked for.

    split: its name. version: of the release, None for the pipeline's own output. source: where it came from.
    palettes: all palettes. files: the split's shards.
    """

    split: str
    version: str | None
    source: str
    palettes: Palettes
    files: tuple[Path, ...]

    @cached_property
    def lazy(self) -> pl.LazyFrame:
        """The rows as a polars LazyFrame; columns as in docs/data.md."""
        return scan_parquet(self.files, schema.plans(self.palettes.a.shape[1]))

    @cached_property
    def frame(self) -> pl.DataFrame:
        """All rows and columns, read once."""
        return self._read(self.lazy)

    @cached_property
    def g(self) -> Array:
        """Target potentials, (m, k) float64, LAB units."""
        return np.asarray(self._read(self.lazy.select("g"))["g"].to_numpy())

    def __len__(self) -> int:
        return len(self._rows)

    def problem(self, row: int) -> Problem:
        """Return the transport problem of a row; raises IndexError beyond the last."""
        i, j, p = self._pair(row), self._target[row], self.palettes
        return Problem(p.x[i], p.a[i], p.x[j], p.a[j], float(self._rows["eps"][row]))

    def batch(self, rows: Sequence[int] | NDArray[np.int64] | slice | None = None) -> Problems:
        """Return the problems of some rows, or of all.

        Raises DataError when they differ in eps, and IndexError beyond the last row.
        """
        chosen = np.arange(len(self))[slice(None) if rows is None else rows]
        i, j, p = self._source[chosen], self._target[chosen], self.palettes
        eps = self._rows["eps"].to_numpy()[chosen]
        if len(values := np.unique(eps)) > 1:
            raise DataError(f"{self.source}, split {self.split}: a batch must have one eps, but has {values.tolist()}")
        return Problems(p.x[i], p.a[i], p.x[j], p.a[j], float(values[0]) if len(values) else np.nan, i, j)

    def potential(self, row: int) -> Array:
        """Return g of a row, (k,) float64, LAB units; reads that row only, unless all were read already."""
        if "g" in self.__dict__:
            return np.asarray(self.g[row])
        self._pair(row)
        return np.asarray(self._read(self.lazy.select("g").slice(row % len(self), 1))["g"].to_numpy()[0])

    def plan(self, row: int) -> Array:
        """Return the coupling of a row rebuilt from g, (k, k) float64: P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps)."""
        return sinkhorn.plan(self.problem(row), self.potential(row))

    def to_torch(self) -> Tensors:
        """Return the split as a torch Dataset of float64 tensors."""
        with needed():
            from paletteot.dataset.tensors import Tensors

        return Tensors.of(self.palettes, self._source, self._target, self.g, self._rows["eps"].to_numpy())

    @cached_property
    def _rows(self) -> pl.DataFrame:
        return self._read(self.lazy.select("source", "target", "eps"))

    @cached_property
    def _source(self) -> NDArray[np.int64]:
        return self.palettes.index(self._rows["source"], f"{self.source}, split {self.split}")

    @cached_property
    def _target(self) -> NDArray[np.int64]:
        return self.palettes.index(self._rows["target"], f"{self.source}, split {self.split}")

    def _read(self, frame: pl.LazyFrame) -> pl.DataFrame:
        return collect(frame, f"{self.source}, split {self.split}")

    def _pair(self, row: int) -> int:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row must be below {len(self)}, but is {row}")
        return int(self._source[row])


def load(
    split: str, *, version: str | None = None, source: str | Path | None = None, check_rows: bool = False
) -> Plans:
    """Return a split of the data set.

    split: train, validation_seen, validation_unseen, test_seen or test_unseen. version: X.Y.Z that the data must have.
    source: a release folder, the pipeline's folder ``data``, a Hugging Face id ``ORG/NAME[@REVISION]`` or a URL that
    fsspec reads (``hf://``, ``https://``, ``s3://``); None for the release or the pipeline's output in this folder.
    Every file of a release is checked against its checksums. check_rows: whether the digest of each row of palettes and
    plans is compared too, as the pipeline's own output has no checksums. Raises DataError when a shard or a file is
    missing or altered, when the version is another, and for a split that is not there.
    """
    found = sources.find(source, version)
    if isinstance(found, sources.Release):
        found.file(VERSION)  # which may have been changed without the data, or the data without it
    files = tuple(found.plans(split))
    plans = Plans(split, found.version, found.name, load_palettes(found.palettes()), files)
    _ = plans.lazy  # says at once when a shard is not what it should be
    for file in (found.palettes(), *files) if check_rows else ():
        whole = read_parquet(file)  # with columns that only a later version of the schema knows
        for row, what in rows.digests_of(whole) if "digest" in whole.columns else ():
            raise DataError(f"{file}: row {row}: {what}")
    return plans
