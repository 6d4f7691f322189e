"""A digest for each row: whatever is altered in a table, its row can be named."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from paletteot.dataset.schema import innermost

LENGTH = 16
"""Hex digits kept: by chance, one altered row in 2^64 would go unseen."""


def of_rows(frame: pl.DataFrame) -> list[str]:
    """Return the digest of every row: SHA-256 of the values of its other columns, in the frame's order.

    A value is the byte 1 and then: text as UTF-8 after its length; numbers and truth values, and those of an array one
    after another, as 8 bytes each (lengths and integers two's complement, floats IEEE 754), little-endian. No value is
    the byte 0.
    """
    columns = [_encoded(frame[name]) for name in frame.columns if name != "digest"]
    return [hashlib.sha256(b"".join(row)).hexdigest()[:LENGTH] for row in zip(*columns, strict=True)]


def of_column(column: pl.Series) -> str:
    """Return the SHA-256 of a column's values, encoded as in `of_rows`."""
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
