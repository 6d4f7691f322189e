"""Every file of a package: .deb and .tgz, and the .zip and .rcc inside them."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from paletteot.errors import DataError
from paletteot.images import rcc
from paletteot.images.reasons import reason

AR = b"!<arch>\n"
HEADER = struct.Struct("16s12s6s6s8s10s2s")
"""Of a member of an ar archive: name, time, owner, group, mode, size, end."""
LARGEST = 256 << 20
"""Bytes of the largest file that is looked at."""
DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, struct.error, EOFError, OSError, ValueError,
    NotImplementedError, RuntimeError,
)  # fmt: skip
"""What the readers raise on a damaged archive; RuntimeError is zipfile's for an encrypted one."""


def files(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Give path and content of every file of a package, ``outer!inner`` for one in an archive inside it.

    Only what is read is unpacked, and nothing is written. Raises DataError naming the package where it is damaged.
    """
    try:
        with archive.open("rb") as stream:
            for name, content in _tar(*_data(stream)):
                yield from _inside(name, content)
    except DAMAGED as error:
        raise DataError(f"{archive}: cannot be read as a package: {reason(error)}") from None


def _data(stream: IO[bytes]) -> tuple[IO[bytes], str]:
    """Return the tar archive of a package, and how it is packed; a .deb holds it as a member of an ar archive."""
    if stream.read(len(AR)) != AR:
        stream.seek(0)
        return stream, "gz"
    while header := stream.read(HEADER.size):
        name, *_, size, _ = (field.decode("latin-1").strip() for field in HEADER.unpack(header))
        if name.startswith("data.tar"):
            return stream, name.rstrip("/").removeprefix("data.tar").removeprefix(".")
        stream.seek(int(size) + int(size) % 2, io.SEEK_CUR)
    raise ValueError("no data.tar in it")


def _tar(stream: IO[bytes], packing: str) -> Iterator[tuple[str, bytes]]:
    unpacked: Any = stream
    if packing == "zst":
        import pyarrow as pa

        unpacked, packing = pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd"), ""
    with tarfile.open(fileobj=unpacked, mode=f"r|{packing}") as members:  # type: ignore[call-overload]
        for member in members:
            if member.isfile() and member.size <= LARGEST and (file := members.extractfile(member)) is not None:
                yield member.name.removeprefix("./"), file.read()


def _inside(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    if name.endswith(".rcc"):
        yield from ((f"{name}!{inner}", file) for inner, file in rcc.files(content))
    elif name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as members:
            for member in members.infolist():
                if member.file_size <= LARGEST:
                    yield f"{name}!{member.filename}", members.read(member)
    else:
        yield name, content
