"""A stranger's Parquet file becomes a table, in a process of its own: `python submission_unpack.py PAIRS K < FILE`.

A broken file can end the process that reads it, outright, inside the library. This one imports nothing of the package,
so it begins quickly. It writes an Arrow stream, or what is wrong, with the exit code REFUSED.
"""

from __future__ import annotations

import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROOM = 10
"""How many times the rows, values or bytes of a legal file are read at all."""

REFUSED = 3

NUMBERS = ("BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE")
"""Physical types of Parquet whose values have a size of their own."""


def most_bytes(pairs: int, k: int) -> int:
    """Return the size of a file beyond which it is not read: ten times a plain one, and some for what Parquet adds."""
    return ROOM * pairs * (k + 3) * 8 + 2**20


def unpack(content: bytes, pairs: int, k: int) -> pa.Table | str:
    """Return the table of a Parquet file, or what is wrong with the file.

    pairs, k: how many rows and values in each a legal one holds. Sizes are those that the file states of itself: one
    that would unpack to much more is not unpacked. A text that is stored once may stand for a million values, which
    no stated size tells: of a file with anything but numbers only the names and types of its columns are returned.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)
        if absurd := _sizes(file.metadata, pairs, k):
            return absurd
        if not _numbers(file.schema):
            return file.schema_arrow.empty_table()
        table = file.read(use_threads=False)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        return no_parquet(error)
    return table


def most_memory(pairs: int, k: int) -> int:
    """Return the bytes that reading may take: what the file holds, its pages, and the table, and some for libraries."""
    return 4 * most_bytes(pairs, k) + 2**28


def _numbers(columns: pq.ParquetSchema) -> bool:
    """Return whether every column holds numbers: as many bytes each as its type has, whatever the encoding."""
    return all(columns.column(place).physical_type in NUMBERS for place in range(len(columns)))


def _bound(memory: int) -> None:
    """Limit what this process may ask for beyond what it has, in bytes, where the platform can."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (before + memory, before + memory))


def _sizes(metadata: pq.FileMetaData, pairs: int, k: int) -> str:
    """Return what is absurd about the sizes that a file states, or nothing."""
    groups = [metadata.row_group(place) for place in range(min(metadata.num_row_groups, ROOM * pairs + 1))]
    chunks = [group.column(place) for group in groups for place in range(min(group.num_columns, 100))]
    if (rows := metadata.num_rows) > ROOM * pairs:
        return f"must hold a row for each of {pairs} pairs, but says it holds {rows}"
    if sum(chunk.num_values for chunk in chunks) > ROOM * pairs * (k + 3):
        return f"must hold {k} values of g for each of {pairs} pairs, but says it holds {ROOM} times as many"
    if sum(chunk.total_uncompressed_size for chunk in chunks) > most_bytes(pairs, k):
        return f"must unpack to at most {most_bytes(pairs, k)} bytes, but says it unpacks to more"
    return ""


def no_parquet(error: object) -> str:
    """Return the line that says why a file is no whole one."""
    return f"not a whole Parquet file: {' '.join(str(error).split())[:200]}"


def main() -> None:
    """Unpack standard input to standard output."""
    content = sys.stdin.buffer.read()
    pairs, k = map(int, sys.argv[1:])
    _bound(most_memory(pairs, k))
    table = unpack(content, pairs, k)
    if isinstance(table, str):
        sys.stdout.buffer.write(table.encode(errors="replace"))
        sys.exit(REFUSED)
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
        stream.write_table(table)


if __name__ == "__main__":
    main()
