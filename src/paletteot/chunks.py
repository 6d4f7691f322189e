"""Finished chunks of unfinished work: Parquet files whose names hold the key of their question and a checksum.

The checksum is of question and content together, so that a chunk with a flipped bit, a torn one, and one of another
question, place or run is known as such before polars reads it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import polars as pl

from paletteot.errors import DataError
from paletteot.files import write_bytes
from paletteot.tables import reading

NAME = re.compile(r"(\d{5,})-([0-9a-f]{16})-([0-9a-f]{32})")
"""Stem of a chunk's file: its number, the key of its question, its checksum."""


def question(*parts: str) -> str:
    """Return the key of a question: a hash of the texts that tell it from every other."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def write(folder: Path, number: int, asked: str, rows: pl.DataFrame) -> Path:
    """Write the rows that answer a question, whole or not at all; return their file, which is on the disk by then."""
    stream = BytesIO()
    rows.write_parquet(stream, compression="uncompressed")
    content = stream.getvalue()
    file = folder / f"{number:05d}-{asked}-{_checksum(asked, content)}.parquet"
    write_bytes(file, content)
    return file


def read(file: Path) -> pl.DataFrame:
    """Return the rows of a chunk; raises DataError when they are not those that were written."""
    content = _content(file)
    if content is None:
        raise DataError(f"{file}: was changed after it was finished; run again to make it anew")
    with reading(file):
        return pl.read_parquet(content)


def found(folder: Path, questions: Sequence[str]) -> dict[int, Path]:
    """Return the chunks in a folder that answer these questions, by number; what else looks like a chunk is removed."""
    whole: dict[int, Path] = {}
    for file in sorted(folder.glob("[0-9]*.parquet")):
        named = NAME.fullmatch(file.stem)
        number = int(named[1]) if named else -1
        if named and questions[number : number + 1] == [named[2]] and number not in whole and _content(file):
            whole[number] = file
        else:
            file.unlink()
    return whole


def _checksum(asked: str, content: bytes) -> str:
    return hashlib.sha256(asked.encode() + content).hexdigest()[:32]


def _content(file: Path) -> bytes | None:
    """Return the bytes of a chunk, None where they and its question are not those of its checksum."""
    named = NAME.fullmatch(file.stem)
    content = file.read_bytes() if named and file.is_file() else b""
    return content if named and _checksum(named[2], content) == named[3] else None
