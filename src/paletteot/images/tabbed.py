"""Tab-separated values with quoted fields, of which a stray quotation mark spoils no more than its own row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give the rows of a table, the names of its columns first: the number of its first line, and its fields.

    A field may be quoted as in RFC 4180, and then hold tabs, newlines and doubled quotation marks. Where that reading
    does not give as many fields as there are columns, the quotation marks of a line are letters like any other. A line
    that has all fields of its own is never taken for the rest of a field that an earlier one began. Blank lines are not
    there; a row may have too few or too many fields.
    """
    lines = text.split("\n")
    columns = 0
    start = 0
    while start < len(lines):
        fields, stop = _record(lines, start, columns)
        if fields != [""]:
            yield start + 1, fields
            columns = columns or len(fields)
        start = stop


def _record(lines: list[str], start: int, columns: int) -> tuple[list[str], int]:
    """Return the fields of the row that begins with a line, and the line after the row."""
    plain = lines[start].removesuffix("\r").split("\t")
    stop, quotes = start + 1, lines[start].count('"')
    while quotes % 2 and stop < len(lines) and lines[stop].count("\t") + 1 < max(columns, 2):
        quotes += lines[stop].count('"')
        stop += 1
    if quotes and quotes % 2 == 0:
        fields = _quoted("\n".join(lines[start:stop]).removesuffix("\r"))
        if fields is not None and len(fields) == (columns or len(fields)):
            return fields, stop
    return plain, start + 1


def _quoted(row: str) -> list[str] | None:
    """Return the fields of one row as RFC 4180 has them; None where it is no such row."""
    try:
        found = list(csv.reader(StringIO(row, newline=""), delimiter="\t", strict=True))
    except csv.Error:
        return None
    return found[0] if len(found) == 1 else None
