"""Write a table as shards, one set for each split."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from paletteot.files import replacing
from paletteot.tables import Table, write_parquet


def write(folder: Path, frame: pl.DataFrame, table: Table, rows: int) -> None:
    """Write ``<split>-NNNNN-of-NNNNN.parquet`` files of at most ``rows`` rows; the folder is replaced as a whole."""
    with replacing(folder) as fresh:
        for (split,), part in frame.group_by("split", maintain_order=True):
            count = -(-len(part) // rows)
            for number in range(count):
                name = f"{split}-{number:05d}-of-{count:05d}.parquet"
                write_parquet(fresh / name, part[number * rows : (number + 1) * rows], table)
