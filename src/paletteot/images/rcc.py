"""Binary resources of Qt (.rcc): a tree of names, and files in it that may be packed."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

MAGIC = b"qres"
NODE = {1: 14, 2: 22, 3: 22}
"""Bytes of a node of the tree, by version of the format: 2 added times, 3 added flags and zstd."""
ZLIB, FOLDER, ZSTD = 1, 2, 4
"""Flags of a node."""


def files(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Give name and content of every file of a resource, names with ``/`` between their parts.

    The layout is that of qresource.cpp in qtbase. Raises ValueError where it is not what it should be, zlib.error,
    struct.error or OSError where a file in it is damaged.
    """
    magic, version, tree, data, names = struct.unpack_from(">4sIIII", content)
    if magic != MAGIC or version not in NODE:
        raise ValueError("no resource of Qt of version 1 to 3")
    ahead = [(0, "")]
    while ahead:
        number, parent = ahead.pop()
        at = tree + number * NODE[version]
        name_at, flags = struct.unpack_from(">IH", content, at)
        path = f"{parent}/{_name(content, names + name_at)}".lstrip("/") if number else ""
        if flags & FOLDER:
            count, first = struct.unpack_from(">II", content, at + 6)
            if first <= number or (first + count) * NODE[version] > len(content):
                raise ValueError("its tree leads nowhere")  # children stand behind their parent, so there is no circle
            ahead += [(child, path) for child in range(first, first + count)]
        else:
            (start,) = struct.unpack_from(">I", content, at + 10)
            yield path, _unpacked(content, data + start, flags)


def _name(content: bytes, at: int) -> str:
    (length,) = struct.unpack_from(">H", content, at)
    return content[at + 6 : at + 6 + 2 * length].decode("utf-16-be")  # a hash of the name stands between


def _unpacked(content: bytes, at: int, flags: int) -> bytes:
    (size,) = struct.unpack_from(">I", content, at)
    packed = content[at + 4 : at + 4 + size]
    if len(packed) < size:
        raise ValueError("it is cut short")
    if flags & ZLIB:
        return zlib.decompress(packed[4:])  # behind the size that it unpacks to
    if flags & ZSTD:
        import pyarrow as pa

        return bytes(pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read())
    return packed
