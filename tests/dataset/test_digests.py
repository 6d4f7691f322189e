from __future__ import annotations

import hashlib
import struct

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from paletteot.dataset.schema import DIGEST
from paletteot.tables import Column, row_digests

TABLE = {
    "name": Column(pl.String, "a text"),
    "number": Column(pl.Int32, "a number", nullable=True),
    "flag": Column(pl.Boolean, "a truth value", nullable=True),
    "points": Column(pl.Array(pl.Float64, (2, 2)), "points"),
    "digest": DIGEST,
}


def frame(name: str = "a", number: int | None = 3, flag: bool | None = True, points=((1.0, 2.0), (3.0, 4.0))):
    rows = {"name": [name], "number": [number], "flag": [flag], "points": [points]}
    return pl.DataFrame(rows, schema={key: column.dtype for key, column in TABLE.items() if key != "digest"})


def test_the_digest_is_what_the_docstring_says():
    values = b"\1" + struct.pack("<q", 2) + "é".encode() + b"\1" + struct.pack("<q", -3) + b"\0"
    values += b"\1" + struct.pack("<4d", 1, 2, 3, 4)
    expected = hashlib.sha256(values).hexdigest()[:16]
    assert row_digests(frame("é", -3, None)) == [expected]


def test_every_value_counts():
    changes = [
        frame(), frame("b"), frame("ab"), frame(number=4), frame(number=None), frame(number=0), frame(flag=False),
        frame(flag=None), frame(points=((1.0, 2.0), (3.0, 4.0 + 1e-15 * 4))), frame(points=((2.0, 1.0), (3.0, 4.0))),
    ]  # fmt: skip
    found = [row_digests(one)[0] for one in changes]
    assert len(set(found)) == len(found)


@given(names=st.lists(st.text(max_size=5), min_size=2, max_size=6))
def test_a_row_has_the_same_digest_wherever_it_stands(names):
    rows = pl.concat([frame(name) for name in names])
    assert row_digests(rows) == [row_digests(frame(name))[0] for name in names]
    assert row_digests(rows[::2]) == row_digests(rows)[::2]
