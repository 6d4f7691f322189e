"""The rows of several tracks as one row, which a chunk of work keeps in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from paletteot.tables import read_parquet


def packed(rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of all tracks as one row: a column for each track, its rows a list of structs."""
    return pl.DataFrame([frame.to_struct(track).implode() for track, frame in rows.items()])


def unpacked(files: Sequence[Path]) -> Mapping[str, pl.DataFrame]:
    """Return the rows of each track in files of what ``packed`` makes."""
    whole = pl.concat([read_parquet(file) for file in files])
    return {track: whole[track].list.explode(empty_as_null=False).struct.unnest() for track in whole.columns}
