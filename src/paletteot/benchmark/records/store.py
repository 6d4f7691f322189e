"""Records of what was judged: immutable Parquet, from which boards are made again without running anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from paletteot.benchmark import schema
from paletteot.benchmark.protocol import PLAIN
from paletteot.benchmark.records import results
from paletteot.benchmark.records.facts import RecordFacts
from paletteot.errors import DataError
from paletteot.files import sha256, write_json
from paletteot.tables import Table, read_parquet, write_parquet

FACTS = "facts.json"
PLAIN_BASE = "plain"
"""Under Track B: rows of plain Sinkhorn from cold, which every ratio is taken to."""


@dataclass(frozen=True)
class Record:
    """What was judged once. folder: where it lies. facts: of FACTS. tables: by the names of their files."""

    folder: Path
    facts: RecordFacts
    tables: Mapping[str, pl.DataFrame]


def tables(tracks: Iterable[str]) -> dict[str, Table]:
    """Return the tables of a record of some tracks by the names of their files."""
    made = {name: table for track in tracks for name, table in schema.TRACKS[track].items()}
    return {**made, PLAIN_BASE: schema.ACCELERATED} if "accelerated" in made else made


def write(root: Path, facts: RecordFacts, rows: Mapping[str, pl.DataFrame]) -> Path:
    """Write the record of the rows of each track, whole or not at all; returns its folder.

    rows: under Track B those of plain Sinkhorn from cold too. Raises DataError where there is a record already: none is
    ever overwritten.
    """
    folder = root / facts.place
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    is_base = pl.col("acceleration") == PLAIN
    try:
        for track in facts.tracks:
            for name, table in tables(track).items():
                chosen = rows[track]
                if track == "B":
                    chosen = chosen.filter(is_base if name == PLAIN_BASE else ~is_base)
                write_parquet(fresh / f"{name}.parquet", chosen.select(list(table)), table)
        files = {file.name: sha256(file) for file in sorted(fresh.iterdir())}
        write_json(fresh / FACTS, facts.model_copy(update={"files": files}).model_dump(mode="json"))
        fresh.rename(folder)  # which fails where there is a folder with something in it
    except OSError as error:
        raise DataError(f"{folder}: a record that is there is never overwritten, but {error.strerror}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def read(folder: Path) -> Record:
    """Read a record; raises DataError where it is not whole, was changed, or is not where it belongs."""
    file = folder / FACTS
    try:
        facts = RecordFacts.model_validate_json(file.read_bytes())
    except OSError:
        raise DataError(f"{file}: cannot be read") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"{file}: not the facts of a record: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        ) from None
    if folder.parts[-4:] != facts.place.parts:
        raise DataError(f"{folder}: must lie in {facts.place}, as its facts say")
    made = {}
    for name, table in tables(facts.tracks).items():
        parquet = folder / f"{name}.parquet"
        if not parquet.is_file() or sha256(parquet) != facts.files.get(parquet.name):
            raise DataError(f"{parquet}: must be as it was written, but its SHA-256 is not that of {FACTS}")
        made[name] = read_parquet(parquet, table)
        results.checked(made[name], table, parquet)
        if not (made[name]["split"] == facts.split).all():
            raise DataError(f"{parquet}: split must be {facts.split} in every row")
    return Record(folder, facts, made)


def find(root: Path, data_version: str) -> list[Record]:
    """Return the records of a version of the data set, of each name, track and split the one measured last.

    Raises DataError where a record is broken, or one name stands for a file and for a class.
    """
    found = [read(file.parent) for file in sorted(root.glob(f"*/*/{data_version}/*/{FACTS}"))]
    found.sort(key=lambda one: one.facts.measured.at)
    last = list({(one.facts.name, one.facts.tracks, one.facts.split): one for one in found}.values())
    for name, same in groupby(sorted(last, key=lambda one: one.facts.name), key=lambda one: one.facts.name):
        if len({one.facts.claimed is None for one in same}) > 1:
            raise DataError(f"{root}: {name!r} must name either a class or a file, but has records of both")
    return last
