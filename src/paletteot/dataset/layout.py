"""What lies where in a release folder."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from paletteot.dataset import shards
from paletteot.files import sha256, write_text
from paletteot.tables import Table, read_parquet

VERSION = "VERSION"
CHECKSUMS = "checksums.sha256"
CARD = "README.md"
CROISSANT = "croissant.json"
UNCOMMITTED = "UNCOMMITTED"
"""Only in a release that was built with changes that no commit has: names them, and keeps it from being published."""
WHOLE = "full"
"""The one split of the tables that are not split."""


def read_splits(folder: Path, table: str, columns: Table | None = None) -> dict[str, pl.DataFrame]:
    """Return the rows of each split of a table of a release folder, in the order of the shards.

    Raises DataError when a shard is missing, not whole, or not what its columns say where they are given.
    """
    found = shards.in_folder(folder / table)
    return {split: pl.concat([read_parquet(file, columns) for file in files]) for split, files in found.items()}


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder but the checksums themselves, by name."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CHECKSUMS)
    return {file.relative_to(folder).as_posix(): sha256(file) for file in files}


def write_checksums(folder: Path) -> None:
    """Write the lines ``<sha256>  <name>`` of every file of a folder, as sha256sum does."""
    write_text(folder / CHECKSUMS, "".join(f"{digest}  {name}\n" for name, digest in hashes(folder).items()))
