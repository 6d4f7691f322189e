"""Records of what was judged: immutable Parquet, from which boards are made again without running anything."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from paletteot.benchmark import results
from paletteot.benchmark.accelerate import PLAIN
from paletteot.benchmark.results import Evaluation
from paletteot.benchmark.submission import Submission
from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import read_parquet, sha256, sha256_of, write_json, write_parquet

FACTS = "facts.json"
PLAIN_BASE = "plain"
"""Under Track B: rows of plain Sinkhorn from cold, which every ratio is taken to."""


@dataclass(frozen=True)
class Record:
    """What was judged once. folder: where it lies. facts: of FACTS. tables: by the names of their files."""

    folder: Path
    facts: Mapping[str, Any]
    tables: Mapping[str, pl.DataFrame]

    @property
    def method(self) -> str:
        """The name as typed."""
        return str(self.facts["name"])


def method_folder(name: str) -> str:
    """Return a folder name for a contestant's name, whatever was typed: its letters and digits, and a hash of it."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    return f"{slug or 'submission'}-{sha256_of(name.encode())[:8]}"


def place(root: Path, submission: Submission) -> Path:
    """Return the folder of a submission's record, METHOD/VERSION/DATA_VERSION/SPLIT under the root."""
    facts = submission.facts
    return root / method_folder(facts.name) / submission.version / facts.data_version / facts.split


def write(folder: Path, submission: Submission, rows: pl.DataFrame, measured: Mapping[str, object]) -> None:
    """Write the record of a submission's rows, whole or not at all.

    measured: how, when and where. Raises DataError where there is a record already: none is ever overwritten.
    """
    fresh = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    is_base = pl.col("acceleration") == PLAIN if "acceleration" in rows.columns else pl.lit(False)
    try:
        for name, table in tables(submission.facts.track).items():
            chosen = rows.filter(is_base if name == PLAIN_BASE else ~is_base)
            write_parquet(fresh / f"{name}.parquet", chosen.select(list(table)), table)
        files = {file.name: sha256(file) for file in sorted(fresh.iterdir())}
        said = submission.facts.model_dump(exclude={"seconds", "hardware", "file"})
        claimed = {"seconds": submission.facts.seconds, "hardware": submission.facts.hardware}
        kept = {"version": submission.version, "submitted": submission.sha256, "measured": dict(measured)}
        write_json(fresh / FACTS, {**said, "claimed": claimed, **kept, "files": files})
        fresh.rename(folder)  # which fails where there is a folder with something in it
    except OSError as error:
        raise DataError(f"{folder}: a record that is there is never overwritten, but {error.strerror}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def tables(track: str) -> dict[str, schema.Table]:
    """Return the tables of a record by the names of their files."""
    base = {PLAIN_BASE: schema.ACCELERATED} if track == "B" else {}
    return {**schema.TRACKS[track], **base}


def read(folder: Path) -> Record:
    """Read a record; raises DataError where it is not whole, or was changed after it was written."""
    file = folder / FACTS
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
        wanted, hashes = tables(facts["track"]), facts["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file}: not the facts of a record") from None
    made = {}
    for name, table in wanted.items():
        parquet = folder / f"{name}.parquet"
        if not parquet.is_file() or sha256(parquet) != hashes.get(parquet.name):
            raise DataError(f"{parquet}: must be as it was written, but its SHA-256 is not that of {FACTS}")
        made[name] = read_parquet(parquet, table)
    return Record(folder, facts, made)


def find(root: Path, data_version: str) -> list[Record]:
    """Return the records of a version of the data set, of each name, track and split the one measured last."""
    found = [read(file.parent) for file in sorted(root.glob(f"*/*/{data_version}/*/{FACTS}"))]
    found.sort(key=lambda one: str(one.facts["measured"]["at"]))
    return list({(one.method, one.facts["track"], one.facts["split"]): one for one in found}.values())


def evaluations(records: Iterable[Record], base: Evaluation) -> dict[str, Evaluation]:
    """Return the evaluation of each name, of all its tracks and splits; tables of a track it did not enter are empty.

    base: the cold start's; what it was not judged on is left out, as there is no ratio to it. The seconds of the start
    are those claimed, and are added to those measured of the iterations.
    """
    made: dict[str, dict[str, list[pl.DataFrame]]] = {}
    for record in records:
        claimed = float(record.facts["claimed"]["seconds"])
        for name in schema.TRACKS[record.facts["track"]]:
            frame = record.tables[name].join(getattr(base, name), on="pair_id", how="semi")
            late = [pl.col(column) + claimed for column in ("init_seconds", "total_seconds") if column in frame.columns]
            made.setdefault(record.method, {}).setdefault(name, []).append(frame.with_columns(late))
    return {method: _evaluation(method, frames) for method, frames in made.items()}


def _evaluation(method: str, frames: Mapping[str, list[pl.DataFrame]]) -> Evaluation:
    whole = {}
    for name, table in results.TABLES.items():
        key = [column for column in ("pair_id", "acceleration") if column in table]
        whole[name] = pl.concat([pl.DataFrame(schema=schema.dtypes(table)), *frames.get(name, [])]).sort(key)
    return Evaluation(method, **whole, claimed=True)
