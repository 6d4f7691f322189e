"""What must hold of every row, recomputed: each check gives the rows that fail it, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from paletteot.dataset import schema
from paletteot.dataset.load import Palettes
from paletteot.errors import DataError, ProblemError
from paletteot.ot import kernels
from paletteot.ot.problem import Array, check_palette
from paletteot.tables import FLOAT32_CAUSE, read_parquet, row_digests

Wrong = tuple[int, str]
"""Row of a file, and what is wrong with it."""

TOLERANCE = 1e-9
"""Largest L1 marginal error of a label."""

ROUNDING = 1e-11
"""How far a value recomputed on another machine may differ, in LAB units or mass."""

COLUMNS = ("source_error", "target_error", "primal", "dual", "gap")
"""The certificate."""


def digests_of(frame: pl.DataFrame) -> Iterator[Wrong]:
    """Compare each row's digest with its values, columns that this version of the schema does not know included."""
    for row, (found, said) in enumerate(zip(row_digests(frame), frame["digest"], strict=True)):
        if found != said:
            yield row, f"digest must be {found}, but is {said!r}: a value of this row was altered"


def atoms(path: Path) -> int:
    """Return the number of atoms of a file of palettes, 1 where it cannot be read or has none: that is said elsewhere.

    Raises DataError where its weights are of no fixed length.
    """
    try:
        dtype = read_parquet(path).schema.get("weights", pl.Array(pl.Float64, 1))
    except DataError:
        return 1
    if not isinstance(dtype, pl.Array):
        raise DataError(f"{path}: column weights must be Array(Float64, shape=(k,)), but is {dtype}")
    return dtype.size


def palettes(frame: pl.DataFrame) -> tuple[Palettes, list[Wrong]]:
    """Return the palettes, and the rows that are none; one atom stands in for those, and the rest can be checked."""
    x = np.array(frame["centroids"].to_numpy(), dtype=np.float64)
    a = np.array(frame["weights"].to_numpy(), dtype=np.float64)
    wrong = []
    for row in range(len(x)):
        try:
            check_palette(x[row], a[row], "palette")
        except ProblemError as error:
            wrong.append((row, str(error)))
            x[row], a[row] = 0.0, np.eye(1, a.shape[1])[0]
    ids, photographs, groups = (frame[name].to_list() for name in ("image_id", "photograph", "group"))
    return Palettes(ids, photographs, groups, x, a), wrong


_SHARED = ("photograph", "group")
"""What both tables say of a picture."""


def pictures(
    images_file: str, images: pl.DataFrame, palettes_file: str, palettes: pl.DataFrame
) -> Iterator[tuple[str, int, str]]:
    """Compare images with palettes: each picture once in both, of the same photograph and in the same group."""
    for file, frame in ((images_file, images), (palettes_file, palettes)):
        for row in (~frame["image_id"].is_first_distinct()).arg_true():
            yield file, row, f"image_id {frame['image_id'][row]!r} must be unique, but occurs before"
    known = {row["image_id"]: row for row in images.select("image_id", *_SHARED).iter_rows(named=True)}
    for number, row in enumerate(palettes.select("image_id", *_SHARED).iter_rows(named=True)):
        if (name := row["image_id"]) not in known:
            yield palettes_file, number, f"image_id {name!r} is not in {images_file}"
            continue
        for field in _SHARED:
            if (right := known[name][field]) != row[field]:
                yield palettes_file, number, f"{field} must be {right!r}, as in {images_file}, but is {row[field]!r}"
    have = set(palettes["image_id"])
    for row, name in enumerate(images["image_id"]):
        if name not in have:
            yield images_file, row, f"image_id {name!r} has no palette in {palettes_file}"


def plans(frame: pl.DataFrame, split: str, known: Palettes) -> tuple[float, list[Wrong]]:
    """Return the largest marginal error of a shard's labels, and what is wrong with its rows."""
    wrong: list[Wrong] = []
    at = {name: place for place, name in enumerate(known.ids)}
    potentials = np.ascontiguousarray(frame["g"].to_numpy())
    column = np.empty(known.a.shape[1])
    said = frame.select(COLUMNS).to_numpy()
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows in float32 is not rounded to it
        rounded = np.array_equal(potentials, potentials.astype(np.float32))
    if rounded and len(frame):
        wrong.append((0, f"g and that of every other row is rounded to float32: {FLOAT32_CAUSE}"))
    worst = 0.0
    light = frame.select("split", "source", "target", "eps", "cold_iterations", "cold_converged")
    for row, (of, source, target, eps, cold, converged) in enumerate(light.iter_rows()):
        g = potentials[row]
        if of != split:
            wrong.append((row, f"split must be {split}, as the file's name says, but is {of!r}"))
        if (cold is None, converged is None) != (split == "train",) * 2:
            must = "must be null" if split == "train" else "must have a value"
            wrong.append((row, f"cold_iterations and cold_converged {must} in split {split}"))
        if source == target:
            wrong.append((row, f"source and target must differ, but both are {source!r}"))
        if source not in at or target not in at:
            missing = source if source not in at else target
            wrong.append((row, f"picture {missing!r} has no palette"))
            continue
        i, j = at[source], at[target]
        b = known.a[j]
        if not (eps > 0 and np.isfinite(eps)):
            wrong.append((row, f"eps must be a positive number of LAB units, but is {eps}"))
        elif not np.isfinite(g).all() or g[b == 0].any():
            wrong.append((row, "g must be finite, and 0 where the target's weight is 0"))
        else:
            if abs(b @ g) > ROUNDING * max(1.0, np.abs(g).max()):
                wrong.append((row, f"g must have {schema.GAUGE}, but has {b @ g:.3g}"))
            found = _certificate(known, i, j, eps, g, column)
            worst = max(worst, found[0], found[1])
            wrong.extend((row, what) for what in _compared(found, said[row]))
    return worst, wrong


def unreadable(path: Path) -> Iterator[str]:
    """Name the row groups and columns of a Parquet file that cannot be read."""
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    except (OSError, ValueError):
        return  # not even its footer: there is no row to name
    first = 0
    for number, group in enumerate(groups):
        for column in range(group.num_columns):
            name = group.column(column).path_in_schema.split(".")[0]
            try:
                file.read_row_group(number, columns=[name])
            except (OSError, ValueError) as error:
                yield f"column {name} of rows {first} to {first + group.num_rows - 1} cannot be read: {error}"
        first += group.num_rows


def _certificate(known: Palettes, i: int, j: int, eps: float, g: Array, column: Array) -> tuple[float, ...]:
    x, a, y, b = known.x[i], known.a[i], known.x[j], known.a[j]
    source_error, primal, dual = kernels.certify(x, a, y, b, eps, g, column)
    return source_error, float(np.abs(column - b).sum()), primal, dual, primal - dual


def _compared(found: tuple[float, ...], said: Array) -> Iterator[str]:
    for error in (0, 1):
        if not found[error] <= TOLERANCE + ROUNDING:
            yield f"{COLUMNS[error]} must be at most {TOLERANCE:g}, but the plan rebuilt from g has {found[error]:.3g}"
    for name, value, stated in zip(COLUMNS, found, said, strict=True):
        if not abs(value - stated) <= ROUNDING * max(1.0, abs(found[2])):
            yield f"{name} is stated as {stated:.12g}, but the plan rebuilt from g has {value:.12g}"
