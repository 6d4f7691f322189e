"""Writing so that a reader never meets half a file, and reading Parquet with one clear line on failure."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from paletteot.dataset import digests, schema
from paletteot.errors import DataError

ROW_GROUP = 1000
"""Rows of a row group: what can still be read, and named, when a byte of a file is lost."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; what was written there replaces ``path`` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield fresh
        if path.is_dir():
            shutil.rmtree(path)
        fresh.replace(path)
    finally:
        if fresh.is_dir():
            shutil.rmtree(fresh)
        fresh.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write JSON, sorted and indented, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def write_parquet(path: Path, frame: pl.DataFrame, table: schema.Table) -> None:
    """Check a frame against its table and write it, whole or not at all; where the table has row digests, add them.

    Uncompressed: arrays of doubles hardly shrink (by 6 %), and so a flipped byte spoils one row and not a page.
    """
    if "digest" in table:
        values = schema.check(frame, {name: table[name] for name in table if name != "digest"}, path)
        frame = values.with_columns(digest=pl.Series(digests.of_rows(values), dtype=pl.String))
    checked = schema.check(frame, table, path)
    with replacing(path) as fresh:
        checked.write_parquet(fresh, compression="uncompressed", statistics=True, row_group_size=ROW_GROUP)


def read_parquet(path: Path, table: schema.Table | None = None) -> pl.DataFrame:
    """Read a Parquet file and check it against its table.

    Raises DataError with one line when the file is missing, cut short or not what the table says.
    """
    try:
        frame = pl.read_parquet(path)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; `dvc repro` makes it") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: not a whole Parquet file: {' '.join(str(error).split())[:200]}") from None
    return frame if table is None else schema.check(frame, table, path)


def scan_parquet(paths: Sequence[Path], table: schema.Table) -> pl.LazyFrame:
    """Return Parquet files as one LazyFrame of the table's columns; raises DataError as `read_parquet` does."""
    for path in paths:
        try:
            found = pl.read_parquet_schema(path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{path}: not a whole Parquet file: {' '.join(str(error).split())[:200]}") from None
        schema.check_dtypes(found, table, path)
    return pl.scan_parquet(list(paths)).select(list(table))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of bytes as hex digits."""
    return hashlib.sha256(content).hexdigest()
