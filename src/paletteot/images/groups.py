"""The CSV file that says which group each picture of a folder is in."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path, PurePosixPath

from paletteot.errors import DataError
from paletteot.images.reasons import reason

COLUMNS = ("file", "group")


def read(file: Path) -> dict[str, str]:
    """Return the group of each file that a CSV file lists in its columns file and group; other columns are not read.

    UTF-8 with or without a byte order mark, any line ends, quotes as in RFC 4180; rows without a value are not there.
    Raises DataError, one line that names the file, the row where there is one, counted from 1 below the names, and the
    mistake.
    """
    rows = _rows(file)
    names = [name.strip() for name in rows[0]] if rows else []
    for column in COLUMNS:
        if names.count(column) != 1:
            there = f"column {column} is {'there twice' if column in names else 'missing'}"
            raise DataError(f"{file}: {there}; there are {', '.join(names)}{_separator(names)}")
    places = [names.index(column) for column in COLUMNS]
    listed: dict[str, str] = {}
    for row, fields in enumerate(rows[1:], start=1):
        if not any(field.strip() for field in fields):
            continue  # blank, or, as Excel leaves emptied rows, nothing but commas
        if len(fields) != len(names):
            wanted = f"{len(fields)} values, where {len(names)} are wanted"
            raise DataError(f"{file}: row {row}: {wanted}; a value with a comma needs quotation marks")
        name, group = (fields[place] for place in places)
        if not name or not group:
            raise DataError(f"{file}: row {row}: file and group must not be empty, but are {name!r} and {group!r}")
        place = PurePosixPath(name).as_posix()
        if listed.setdefault(place, group) != group:
            raise DataError(f"{file}: row {row}: {place} is in group {group!r}, but was in {listed[place]!r}")
    return listed


def _rows(file: Path) -> list[list[str]]:
    """Return the rows as they are, the names first."""
    try:
        content = file.read_bytes()
        if b"\0" in content:
            raise DataError(f"{file}: not a CSV file in UTF-8: it holds zeros, as UTF-16 does; save it as CSV UTF-8")
        rows = list(csv.reader(StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {reason(error)}") from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"{file}: not a CSV file in UTF-8: line {line} is not; save it as CSV UTF-8") from None
    except csv.Error as error:
        raise DataError(f"{file}: not a CSV file: {reason(error)}") from None
    while rows and not any(field.strip() for field in rows[0]):
        del rows[0]
    if not rows:
        raise DataError(f"{file}: not a CSV file: there is nothing in it")
    return rows


def _separator(names: list[str]) -> str:
    """Return what to say of a first line that another character than the comma divides."""
    for character, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if any(character in name for name in names) or names == [f"sep={character}"]:
            return f" (divided by {word}, where commas are wanted)"
    return ""
