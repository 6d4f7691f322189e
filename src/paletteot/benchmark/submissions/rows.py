"""The potentials of a submission: a Parquet file from anywhere, checked row by row before anything is run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from paletteot.benchmark import schema
from paletteot.benchmark.submissions import unpack
from paletteot.benchmark.submissions.unpack import no_parquet
from paletteot.benchmark.tracks.asking import reads_like, spread
from paletteot.dataset.load import Pairs
from paletteot.ot.problem import Array
from paletteot.tables import dtypes
from paletteot.warmstarts.contract import MOST_PASSES

NAMED = 8
"""Pairs that a line names; it says how many there are."""

COPIED = 1e-12
"""Difference from the label up to the gauge, LAB units, that is rounding; no solver that stops at 1e-9 gets there."""


def parse(content: bytes, pairs: int, k: int) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns of a Parquet file, and what is wrong with the file or them; no rows where something is.

    pairs, k: how many rows and values in each a legal file holds.
    """
    none = pl.DataFrame()
    try:
        table = unpacked(content, pairs, k)
        if isinstance(table, str):
            return none, [table]
        if problems := list(_columns(table.schema, k)):
            return none, problems
        frame = pl.DataFrame(pl.from_arrow(table.cast(_nameless(table.schema))))
    except (pa.ArrowException, ValueError) as error:
        return none, [no_parquet(error)]
    whole = pl.selectors.integer().cast(pl.Int64, strict=False)  # one that does not fit is no pair and no legal number
    return frame.with_columns(whole, pl.col("g").cast(pl.List(pl.Float64))), []


def unpacked(content: bytes, pairs: int, k: int) -> pa.Table | str:
    """Return the table of a Parquet file, or what is wrong with the file: `unpack`, in a process of its own."""
    command = [sys.executable, "-P", unpack.__file__, str(pairs), str(k)]
    done = subprocess.run(command, input=content, capture_output=True, check=False)
    if done.returncode == unpack.REFUSED:
        return done.stdout.decode()
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:100]
        return no_parquet(f"it ends the process that reads it, {done.returncode}: {told!r}")
    return pa.ipc.open_stream(done.stdout).read_all()


def _nameless(found: pa.Schema) -> pa.Schema:
    """Return a legal schema without the names inside its types, which no check has seen: polars panics on no UTF-8."""
    lists = pa.large_list(pa.float64())
    return pa.schema([(field.name, lists if field.name == "g" else field.type) for field in found])


def _columns(found: pa.Schema, k: int) -> Iterator[str]:
    """Give what is wrong with names and types of columns."""
    table = schema.submission(k)
    for name in found.names:
        if name not in table:
            yield f"{name[:60]!r}: is not a column; legal columns are {', '.join(table)}"
        elif found.names.count(name) > 1:
            yield f"{name}: must be one column, but is {found.names.count(name)}"
            return
    for name in ("pair_id", "g"):
        if name not in found.names:
            yield f"{name}: this column is missing"
    for name in ("pair_id", "iterations"):
        if name in found.names and not pa.types.is_integer(kind := found.field(name).type):
            yield f"{name}: must be whole numbers, but is {_words(kind)}"
    for name, wanted in (("g", "lists of float64"), ("omega", "float64")):
        if name in found.names and (words := _words(found.field(name).type)) != wanted:
            yield f"{name}: must be {wanted}, but is {words}"


def _words(kind: pa.DataType) -> str:
    """Return a type as polars and numpy call it."""
    lists = any(is_it(kind) for is_it in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))
    name = str(kind.value_type if lists else kind)[:60]
    name = {"double": "float64", "float": "float32", "halffloat": "float16"}.get(name, name)
    return f"lists of {name}" if lists else name


def check(frame: pl.DataFrame, pairs: Pairs) -> list[str]:
    """Return what is wrong with the rows of a file for the pairs of a split, a line for each kind of fault."""
    return [*_keys(frame["pair_id"], pairs.frame["pair_id"]), *_potentials(frame, pairs), *_numbers(frame)]


def arranged(frame: pl.DataFrame, pairs: Pairs) -> pl.DataFrame:
    """Return the rows of a legal file in the order of the pairs, as the columns of schema.submission.

    iterations is 0 where the file has none; omega is left out where it has none.
    """
    k = pairs.palettes.a.shape[1]
    keys = pairs.frame.select(pl.col("pair_id").cast(pl.Int64))
    made = keys.join(frame, on="pair_id", maintain_order="left")
    made = made.with_columns(g=pl.Series(_matrix(made["g"], k), dtype=pl.Array(pl.Float64, k)))
    if "iterations" not in made.columns:
        made = made.with_columns(iterations=pl.lit(0))
    wanted = dtypes(schema.submission(k))
    return made.select(pl.col(name).cast(dtype) for name, dtype in wanted.items() if name in made.columns)


def _keys(found: pl.Series, wanted: pl.Series) -> Iterator[str]:
    """Give which pairs are named more than once, by nobody, or are not of the split."""
    if nulls := found.null_count():
        yield f"pair_id: must be a number in every row, but is not in {nulls}"
    known = found.drop_nulls()
    wanted = wanted.cast(pl.Int64)
    if len(twice := known.filter(known.is_duplicated()).unique().sort()):
        yield f"pair_id: must name each pair once, but names {_some(twice)} more than once"
    if len(missing := wanted.filter(~wanted.is_in(known.implode()))):
        yield f"pair_id: must name every pair of the split, but lacks {_some(missing)}"
    if len(extra := known.filter(~known.is_in(wanted.implode())).unique().sort()):
        yield f"pair_id: must name pairs of the split, but names {_some(extra)}"


def _potentials(frame: pl.DataFrame, pairs: Pairs) -> Iterator[str]:
    """Give which g are of the wrong length, not finite on the support, float32, or copied from the data set."""
    k = pairs.palettes.a.shape[1]
    long = (pl.col("g").list.len() == k).fill_null(False)
    if len(short := frame.filter(~long)):
        yield f"g: must hold {k} values, one for each target atom, but does not for {_some(short['pair_id'])}"
    place = pairs.frame.select(pl.col("pair_id").cast(pl.Int64)).with_row_index("place")
    rows = frame.filter(long).join(place, on="pair_id", maintain_order="left")
    at = rows["place"].to_numpy()
    ids, g, on = rows["pair_id"], _matrix(rows["g"], k), pairs.palettes.a[pairs.target[at]] > 0
    if (bad := (on & ~np.isfinite(g)).any(axis=1)).any():
        yield f"g: must be finite where the target's weight is positive, but is not for {_some(ids.filter(bad))}"
    if (rounded := ~bad & _rounded(g, on)).any():
        yield (
            f"g: must be computed in float64, but every value is a float32 for {_some(ids.filter(rounded))}; "
            "a cast afterwards does not bring the digits back"
        )
    free = rows["iterations"].eq(0).fill_null(False).to_numpy() if "iterations" in rows.columns else True
    if (copied := ~bad & free & reads_like(g, pairs.g[at], on, COPIED)).any():
        yield (
            "g: must be found without the labels, but is the label itself, with no pass declared, for "
            f"{_some(ids.filter(copied))}"
        )


def _rounded(g: Array, on: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return of which rows all values are float32, (n,). One value throughout says nothing: zero is a legal start."""
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.where(on, g.astype(np.float32) == g, True).all(axis=1)
    return np.asarray(exact & (spread(g, on) > 0))


def _numbers(frame: pl.DataFrame) -> Iterator[str]:
    """Give which omega and iterations are out of range."""
    legal = {
        "omega": ("between 0 and 2", (pl.col("omega") > 0) & (pl.col("omega") < 2)),
        "iterations": (f"from 0 to {MOST_PASSES}", pl.col("iterations").is_between(0, MOST_PASSES)),
    }
    for name, (words, rule) in legal.items():
        if name in frame.columns and len(bad := frame.filter(~rule.fill_null(False))["pair_id"]):
            yield f"{name}: must be {words}, but is not for {_some(bad)}"


def _matrix(g: pl.Series, k: int) -> Array:
    """Return lists of k values as an array (n, k); a value that is not there is NaN."""
    values: Sequence[float] | NDArray[np.float64] = g.explode(empty_as_null=False).to_numpy()
    return np.asarray(values, dtype=np.float64).reshape(-1, k)


def _some(ids: pl.Series) -> str:
    """Return how many pairs there are, and the first by their numbers."""
    first = ", ".join("none" if one is None else str(one) for one in ids.head(NAMED))
    if len(ids) == 1:
        return f"pair {first}"
    return f"{len(ids)} pairs: {first}{', …' if len(ids) > NAMED else ''}"
