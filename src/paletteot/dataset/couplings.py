"""The couplings of plans in a file, rebuilt from g one at a time: memory does not grow with their number."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from tqdm import tqdm

from paletteot.dataset.load import Pairs
from paletteot.errors import DataError
from paletteot.extras import needed
from paletteot.files import replacing
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Array, Problem

GROUP = 1 << 24
"""Bytes of a row group of Parquet."""
QUIET = 1.0
"""Seconds after which a progress bar appears."""


def check(path: Path, pairs: Pairs) -> None:
    """Raise DataError where the disk has no room for the couplings of pairs, MissingPackageError for want of pyarrow.

    Asked before any work is done: pairs need no labels yet.
    """
    k = pairs.palettes.a.shape[1]
    wanted = len(pairs) * k * k * 8
    there = next(parent for parent in path.absolute().parents if parent.exists())
    if wanted > (free := shutil.disk_usage(there).free):
        said = f"{path}: {len(pairs)} couplings take {wanted / 1e9:.3g} GB, but {free / 1e9:.3g} GB are free"
        raise DataError(f"{said}; their potentials, from which `paletteot.plan` rebuilds them, take a {k}th")
    if path.suffix.lower() == ".parquet":
        _arrow()


def write(path: Path, pairs: Pairs) -> None:
    """Write the couplings of labelled pairs as the suffix says, whole or not at all.

    .npy: (n, k, k) float64, in the order of the pairs. .npz: the same as ``plans`` beside ``source`` and ``target``,
    the image_ids. .parquet: pair_id, source, target and plan, k lists of k, a row for each pair. A plan's rows and
    columns are the atoms of source and target in their palettes' order.
    """
    with replacing(path) as fresh:
        FORMATS[path.suffix.lower()](fresh, pairs)


def rebuilt(pairs: Pairs) -> Iterator[Array]:
    """Give the coupling of each labelled pair, (k, k), in order, with a progress bar where that takes long."""
    known, eps = pairs.palettes, pairs.frame["eps"].to_numpy()
    places = zip(pairs.source, pairs.target, strict=True)
    for row, (i, j) in enumerate(tqdm(places, "couplings", len(pairs), delay=QUIET, dynamic_ncols=True)):
        problem = Problem(known.x[i], known.a[i], known.x[j], known.a[j], float(eps[row]))
        yield sinkhorn.plan(problem, pairs.frame["g"][row].to_numpy())


def _npy(path: Path, pairs: Pairs) -> None:
    with path.open("wb") as stream:
        _stream(stream, pairs)


def _npz(path: Path, pairs: Pairs) -> None:
    with ZipFile(path, "w", ZIP_STORED, allowZip64=True) as archive:
        for name in ("source", "target"):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, np.array(pairs.frame[name].to_list(), dtype=np.str_))
        with archive.open("plans.npy", "w", force_zip64=True) as member:
            _stream(member, pairs)


def _stream(stream: IO[bytes], pairs: Pairs) -> None:
    k = pairs.palettes.a.shape[1]
    header = {"descr": "<f8", "fortran_order": False, "shape": (len(pairs), k, k)}
    np.lib.format.write_array_header_2_0(stream, header)
    for plan in rebuilt(pairs):
        stream.write(np.ascontiguousarray(plan, dtype="<f8").data)


def _parquet(path: Path, pairs: Pairs) -> None:
    pa, pq = _arrow()
    k = pairs.palettes.a.shape[1]
    types = {"pair_id": pa.int32(), "source": pa.string(), "target": pa.string()}
    schema = pa.schema([*types.items(), ("plan", pa.list_(pa.list_(pa.float64(), k), k))])
    rows, plans = max(1, GROUP // (8 * k * k)), rebuilt(pairs)
    with pq.ParquetWriter(path, schema, compression="none") as writer:
        for first in range(0, len(pairs), rows):
            some = pairs.frame[first : first + rows]
            flat = pa.array(np.stack([next(plans) for _ in range(len(some))]).reshape(-1))
            nested = pa.FixedSizeListArray.from_arrays(pa.FixedSizeListArray.from_arrays(flat, k), k)
            ids = [pa.array(some[name].to_list(), kind) for name, kind in types.items()]
            writer.write_table(pa.Table.from_arrays([*ids, nested], schema=schema))


def _arrow() -> tuple[Any, Any]:
    """Return pyarrow, which appends row groups to a file, as polars cannot, and its module for Parquet."""
    with needed():
        import pyarrow as pa
        import pyarrow.parquet as pq
    return pa, pq


FORMATS: dict[str, Callable[[Path, Pairs], None]] = {".npy": _npy, ".npz": _npz, ".parquet": _parquet}
"""What couplings can be written as, by the file's suffix."""
