"""Records of what was judged: immutable Parquet, from which boards are made again without running anything.

One format for everybody: a folder with the tables of its tracks and FACTS. The pipeline's own lie in
data/evaluations/METHOD, where DVC holds them; those of guests in reports/results, held by git.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from paletteot.benchmark import schema
from paletteot.benchmark.records.facts import RecordFacts, Terms
from paletteot.benchmark.records.words import folded, is_taken
from paletteot.benchmark.schema import Track
from paletteot.errors import DataError
from paletteot.files import sha256, write_json
from paletteot.tables import Table, read_parquet, write_parquet

FACTS = "facts.json"


@dataclass(frozen=True)
class Record:
    """What was judged once. folder: where it lies. facts: of FACTS. tables: by the names of their files."""

    folder: Path
    facts: RecordFacts
    tables: Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Found:
    """The records that stand, and those that do not: each folder, and why."""

    records: Sequence[Record]
    refused: Mapping[Path, str]


def tables(tracks: Iterable[Track], *, base: bool) -> dict[str, Table]:
    """Return the tables of a record of some tracks by the names of their files; base: with the base's of Track B."""
    made = {name: table for track in tracks for name, table in schema.TRACKS[track].items()}
    return {**made, schema.PLAIN: schema.ACCELERATED} if base else made


def write(folder: Path, facts: RecordFacts, rows: Mapping[str, pl.DataFrame]) -> None:
    """Write a record, whole or not at all.

    rows: of each track, and of schema.PLAIN where the base's go with it. All of it is checked before anything of it is
    written. Raises DataError where something in it is illegal, and where there is a record already: none is ever
    overwritten.
    """
    wanted = tables(facts.tracks, base=schema.PLAIN in rows)
    of: dict[str, str] = {name: track for track, some in schema.TRACKS.items() for name in some} | {
        schema.PLAIN: schema.PLAIN
    }
    chosen = {}
    for name, table in wanted.items():
        frame = rows[of.get(name, name)].select(list(table))
        chosen[name] = checked(frame, table, folder / f"{name}.parquet")
        _check_splits(frame, facts, folder / f"{name}.parquet")
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        for name, frame in chosen.items():
            write_parquet(fresh / f"{name}.parquet", frame, wanted[name])
        files = {file.name: sha256(file) for file in sorted(fresh.iterdir())}
        write_json(fresh / FACTS, facts.model_copy(update={"files": files}).model_dump(mode="json"))
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh.rename(folder)  # which fails where there is a folder with something in it
    except OSError as error:
        raise DataError(f"{folder}: a record that is there is never overwritten, but {error.strerror}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def read(folder: Path) -> Record:
    """Read a record; raises DataError where it is not whole, was changed, or holds something illegal."""
    file = folder / FACTS
    try:
        facts = RecordFacts.model_validate_json(file.read_bytes())
    except OSError:
        raise DataError(f"{file}: cannot be read") from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise DataError(f"{file}: not the facts of a record: {f'{field}: ' if field else ''}{message}") from None
    made = {}
    for name, table in tables(facts.tracks, base=f"{schema.PLAIN}.parquet" in facts.files).items():
        parquet = folder / f"{name}.parquet"
        if not parquet.is_file() or sha256(parquet) != facts.files.get(parquet.name):
            raise DataError(f"{parquet}: must be as it was written, but its SHA-256 is not that of {FACTS}")
        made[name] = checked(read_parquet(parquet, table), table, parquet)
        _check_splits(made[name], facts, parquet)
    for rows, *seconds in (schema.TRACKS[track] for track in facts.tracks):
        for other in seconds:
            if not made[rows].select(key(made[rows])).equals(made[other].select(key(made[other]))):
                raise DataError(f"{folder}: {rows}.parquet and {other}.parquet must hold the same pair_id")
    return Record(folder, facts, made)


def find(root: Path, terms: Terms, taken: Iterable[str]) -> Found:
    """Return the records of guests for a version of the data set, of each name, track and split the one measured last.

    terms: the project's, which a record must have been made under. taken: names of contestants that are no guests. A
    record that is broken, was made under other terms, bears another's name, or a name that stands for a file and for a
    class, is refused with its reason and keeps no other from its place.
    """
    records, refused = [], {}
    taken = list(taken)
    for file in sorted(root.glob(f"*/*/{terms.data_version}/*/{FACTS}")):
        folder = file.parent
        try:
            record = read(folder)
            if folder.parts[-4:] != record.facts.place.parts:
                raise DataError(f"{folder}: must lie in {record.facts.place}, as its facts say")
            if why := record.facts.against(terms):
                raise DataError(f"{file}: terms.{why}")
            if is_taken(record.facts.name, taken):
                raise DataError(f"{file}: name must be nobody else's, but {record.facts.name!r} reads like another's")
            records.append(record)
        except DataError as error:
            refused[folder] = str(error)
    records.sort(key=lambda one: one.facts.measured.at)
    first: dict[str, Record] = {}
    standing = []
    for record in records:
        name, claimed = record.facts.name, record.facts.claimed is not None
        known = first.setdefault(folded(name), record).facts
        if known.name != name:
            refused[record.folder] = (
                f"{record.folder / FACTS}: name {name!r} reads like {known.name!r}, which was first"
            )
        elif (known.claimed is not None) != claimed:
            refused[record.folder] = (
                f"{record.folder / FACTS}: name {name!r} must name either a class or a file, but has records of both"
            )
        else:
            standing.append(record)
    last = {(one.facts.name, one.facts.tracks, one.facts.splits): one for one in standing}
    return Found(list(last.values()), refused)


def key(frame: pl.DataFrame) -> list[str]:
    """Return the columns that tell the rows of a table of a track apart."""
    return [name for name in ("pair_id", "acceleration", "atol") if name in frame.columns]


def checked(frame: pl.DataFrame, table: Table, file: Path) -> pl.DataFrame:
    """Return rows in the order of pair_id; raises DataError where a run is there twice or a number illegal."""
    names = key(frame)
    frame = frame.sort(names)
    twice = frame.filter(frame.select(names).is_duplicated())["pair_id"]
    if len(twice):
        raise DataError(f"{file}: pair_id must name each pair once, but names {twice[0]} more than once")
    for name, column in table.items():
        if column.dtype in (pl.Int32, pl.Float64):
            value = pl.col(name)
            bad = frame.filter(~(value.is_finite() & (value >= 0)))
            if len(bad):
                row = bad.row(0, named=True)
                raise DataError(
                    f"{file}: {name} must be finite and at least 0, but is {row[name]} for pair {row['pair_id']}"
                )
    return frame


def _check_splits(frame: pl.DataFrame, facts: RecordFacts, file: Path) -> None:
    if strange := sorted(set(frame["split"]) - set(facts.splits)):
        raise DataError(f"{file}: split must be one of {', '.join(facts.splits)} in every row, but is {strange[0]!r}")
