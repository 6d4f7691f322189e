"""Tables: columns with their dtypes, units and meanings, Parquet files that hold them, and a digest for each row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from paletteot.errors import DataError
from paletteot.files import replacing

FLOAT32_CAUSE = (
    "the formats numpy and torch of `datasets` hand float64 back as float32; use with_format('arrow'), or give dtype"
)
"""Where rounded potentials come from, as far as anybody has seen."""


ROW_GROUP = 1000
"""Rows of a row group: what can still be read, and named, when a byte of a file is lost."""


@dataclass(frozen=True)
class Column:
    """One column: its polars dtype, unit ('' where none) and meaning."""

    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    unit: str = ""
    nullable: bool = False

    @property
    def sentence(self) -> str:
        """Meaning and unit in one."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


Table = Mapping[str, Column]

DIGEST = Column(pl.String, "first 16 hex digits of the SHA-256 of the row's other values (docs/data.md)")


def dtypes(table: Table) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Return the polars schema of a table, but for the digest, which writing adds."""
    return {name: column.dtype for name, column in table.items() if name != "digest"}


def innermost(dtype: object) -> object:
    """Return the dtype of the single values of an array, or the dtype itself."""
    return innermost(dtype.inner) if isinstance(dtype, pl.Array) else dtype


def columns_markdown(table: Table) -> str:
    """Return a table of the columns: name, dtype, unit, meaning."""
    lines = ["| column | dtype | unit | meaning |", "|---|---|---|---|"]
    for name, column in table.items():
        null = "; null where there is none" if column.nullable else ""
        meaning = (column.meaning + null).replace("|", "\\|")
        lines.append(f"| {name} | {_words(column.dtype)} | {column.unit} | {meaning} |")
    return "\n".join(lines) + "\n"


def _words(dtype: pl.DataType | type[pl.DataType]) -> str:
    shape = f" [{', '.join(map(str, dtype.shape))}]" if isinstance(dtype, pl.Array) else ""
    return str(innermost(dtype)).lower() + shape


def check_dtypes(found: Mapping[str, object], table: Table, file: object) -> None:
    """Check names and dtypes of columns.

    Raises DataError with one line that names the file and the column.
    """
    if missing := [name for name in table if name not in found]:
        raise DataError(f"{file}: column {missing[0]} is missing; legal columns are {', '.join(table)}")
    for name, column in table.items():
        if found[name] != column.dtype:
            rounded = innermost(found[name]) == pl.Float32 and innermost(column.dtype) == pl.Float64
            cause = f" ({FLOAT32_CAUSE})" if rounded else ""
            raise DataError(f"{file}: column {name} must be {column.dtype}, but is {found[name]}{cause}")


def check_table(frame: pl.DataFrame, table: Table, file: object) -> pl.DataFrame:
    """Return the table's columns of a frame when it has them, with their dtypes and no null where none is legal.

    Raises DataError with one line that names the file and the column.
    """
    check_dtypes(frame.schema, table, file)
    for name, column in table.items():
        if not column.nullable and frame[name].null_count():
            row = int(frame[name].is_null().arg_max() or 0)
            raise DataError(f"{file}: column {name} must have a value in every row, but row {row} has none")
    return frame.select(list(table))


def write_parquet(path: Path, frame: pl.DataFrame, table: Table) -> None:
    """Check a frame against its table and write it, whole or not at all; where the table has row digests, add them.

    Uncompressed: arrays of doubles hardly shrink (by 6 %), and so a flipped byte spoils one row and not a page.
    """
    if "digest" in table:
        values = check_table(frame, {name: table[name] for name in table if name != "digest"}, path)
        frame = values.with_columns(digest=pl.Series(row_digests(values), dtype=pl.String))
    checked = check_table(frame, table, path)
    with replacing(path) as fresh:
        checked.write_parquet(fresh, compression="uncompressed", statistics=True, row_group_size=ROW_GROUP)


def read_parquet(path: Path, table: Table | None = None) -> pl.DataFrame:
    """Read a Parquet file and check it against its table.

    Raises DataError with one line when the file is missing, cut short or not what the table says.
    """
    with reading(path):
        frame = pl.read_parquet(path, glob=False)
    return frame if table is None else check_table(frame, table, path)


def scan_parquet(paths: Sequence[Path], table: Table) -> pl.LazyFrame:
    """Return Parquet files as one LazyFrame of the table's columns; raises DataError as `read_parquet` does."""
    for path in paths:
        with reading(path):
            found = pl.scan_parquet(path, glob=False).collect_schema()
        check_dtypes(found, table, path)
    return pl.scan_parquet(list(paths), glob=False).select(list(table))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever polars raises of one Parquet file into a DataError of one line that names it.

    Every path is a file of that name: glob characters mean nothing in it.
    """
    if path.is_dir():  # polars would read what lies in it
        raise DataError(f"{path}: must be a Parquet file, but is a folder")
    with _named(str(path)):
        yield


def collect(frame: pl.LazyFrame, where: str) -> pl.DataFrame:
    """Read what `scan_parquet` promised; raises DataError with one line that begins with ``where``."""
    with _named(where):
        return frame.collect()


@contextmanager
def _named(where: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{where}: no such file; `dvc repro` makes it") from None
    except PermissionError:
        raise DataError(f"{where}: cannot be read: permission denied") from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{where}: not a whole Parquet file: {' '.join(str(error).split())[:200]}") from None


DIGITS = 16
"""Hex digits kept: by chance, one altered row in 2^64 would go unseen."""


def row_digests(frame: pl.DataFrame) -> list[str]:
    """Return the digest of every row: SHA-256 of the values of its other columns, in the frame's order.

    A value is the byte 1 and then: text as UTF-8 after its length; numbers and truth values, and those of an array one
    after another, as 8 bytes each (lengths and integers two's complement, floats IEEE 754), little-endian. No value is
    the byte 0.
    """
    columns = [_encoded(frame[name]) for name in frame.columns if name != "digest"]
    return [hashlib.sha256(b"".join(row)).hexdigest()[:DIGITS] for row in zip(*columns, strict=True)]


def column_digest(column: pl.Series) -> str:
    """Return the SHA-256 of a column's values, encoded as in `row_digests`."""
    return hashlib.sha256(b"".join(_encoded(column))).hexdigest()


def _encoded(column: pl.Series) -> list[bytes]:
    values = _texts(column) if column.dtype == pl.String else _numbers(column)
    missing = column.is_null()
    if not missing.any():
        return [b"\1" + value for value in values]
    return [b"\0" if null else b"\1" + value for null, value in zip(missing, values, strict=True)]


def _texts(column: pl.Series) -> list[bytes]:
    encoded = (text.encode() for text in column.fill_null(""))
    return [len(text).to_bytes(8, "little") + text for text in encoded]


def _numbers(column: pl.Series) -> list[bytes]:
    kind = "<f8" if innermost(column.dtype) in (pl.Float32, pl.Float64) else "<i8"
    flat = (
        column if isinstance(column.dtype, pl.Array) else column.fill_null(False if column.dtype == pl.Boolean else 0)
    )
    raw = np.ascontiguousarray(flat.to_numpy(), dtype=kind).tobytes()
    width = len(raw) // max(len(column), 1)
    return [raw[start : start + width] for start in range(0, len(raw), max(width, 1))]
