"""Check a release without trusting who made it: files, tables, splits, and the certificate of every row."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl
import yaml
from huggingface_hub import DatasetCard
from tqdm import tqdm

from paletteot.dataset import disjoint, rows, schema
from paletteot.dataset.layout import CARD, CHECKSUMS, VERSION
from paletteot.dataset.load import Palettes
from paletteot.dataset.shards import is_one, split_of
from paletteot.dataset.sources import Release
from paletteot.errors import DataError
from paletteot.tables import Table, check_table, read_parquet


class Fault(NamedTuple):
    """What is wrong, and where: a file of the release, and a row of it where one can be named."""

    file: str
    row: int | None
    what: str

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file} row {self.row}"
        return " ".join(f"{place}: {self.what}".split())  # a damaged value may hold line ends


@dataclass(frozen=True)
class Report:
    """What a verification found. plans: rows whose certificate was recomputed. worst: their largest marginal error."""

    version: str
    plans: int
    worst: float
    faults: list[Fault]


def verify(release: Release, *, threads: int) -> Report:
    """Check everything that a release claims; wherever it lies, its files are brought here first.

    Checksums and version; names and dtypes of columns; palettes; splits disjoint by group, no pair twice, no picture
    with itself; each row's digest, gauge and certificate, recomputed from the palettes and g. threads: workers.
    """
    faults, files = _files(release, threads)
    images = _table(release, files, "images", schema.IMAGES, faults)
    palettes = _palettes(release, files, faults)
    if images is not None and palettes is not None:
        faults.extend(Fault(name, row, what) for name, row, what in rows.pictures(*images, *palettes[0]))
    shards = [name for name in _shards(release, "plans", faults) if name in files]
    if palettes is None or not shards:
        what = "no shard of plans can be read" if palettes else "plans cannot be checked without the palettes"
        return Report(release.version, 0, 0.0, [*faults, Fault("plans", None, what)])
    table = schema.plans(palettes[1].a.shape[1])
    with ThreadPoolExecutor(threads) as pool:
        work = pool.map(lambda name: _shard(name, files[name], table, palettes[1]), shards)
        done = list(tqdm(work, total=len(shards), desc="verify", unit="shard", file=sys.stderr, dynamic_ncols=True))
    for shard in done:
        faults.extend(shard.faults)
    frames = {name: shard.pairs for name, shard in zip(shards, done, strict=True) if shard.pairs is not None}
    if frames:
        faults.extend(Fault(*one) for one in disjoint.faults(frames, palettes[1]))
    faults.extend(_counts(files, frames))
    worst = max((shard.worst for shard in done), default=0.0)
    return Report(release.version, sum(map(len, frames.values())), worst, faults)


class _Shard(NamedTuple):
    pairs: pl.DataFrame | None
    worst: float
    faults: list[Fault]


def _files(release: Release, threads: int) -> tuple[list[Fault], dict[str, Path]]:
    """Return the faults of files, and where the files lie that can be looked at, altered ones too."""
    faults: list[Fault] = []
    files: dict[str, Path] = {}

    def get(name: str) -> tuple[str, Path | None, str]:
        try:
            return name, release.file(name), ""
        except DataError as error:
            path = release.kept(name)
            return name, path, str(error).removeprefix(f"{release.name}/{name}: ")

    with ThreadPoolExecutor(threads) as pool:
        for name, path, what in pool.map(get, release.checksums):
            if what:
                faults.append(Fault(name, None, what))
            if path is not None:
                files[name] = path
    if not re.fullmatch(r"\d+\.\d+\.\d+", release.version):
        faults.append(Fault(VERSION, None, f"must be X.Y.Z, but is {release.version[:40]!r}"))
    for name in (VERSION, CARD, "croissant.json"):
        if name not in release.checksums:
            faults.append(Fault(CHECKSUMS, None, f"must list {name}, but does not"))
    faults.extend(Fault(name, None, f"is not in {CHECKSUMS}") for name in release.unlisted())
    return faults, files


def _shards(release: Release, table: str, faults: list[Fault]) -> list[str]:
    """Return the names of the shards of a table; where they are not whole, that is a fault, and all that are there."""
    try:
        return [name for names in release.shards(table).values() for name in names]
    except DataError as error:
        faults.append(Fault(CHECKSUMS, None, str(error).removeprefix(f"{release.name}/{CHECKSUMS}: ")))
    return [name for name in sorted(release.checksums) if name.startswith(f"{table}/") and is_one(name)]


def _table(
    release: Release, files: dict[str, Path], table: str, columns: Table, faults: list[Fault]
) -> tuple[str, pl.DataFrame] | None:
    names = _shards(release, table, faults)
    if len(names) != 1:
        faults.append(Fault(CHECKSUMS, None, f"must list one file of {table}, but lists {len(names)}"))
        return None
    if names[0] not in files:
        return None
    frame = _read(names[0], files[names[0]], columns, faults)
    return None if frame is None else (names[0], frame)


def _palettes(
    release: Release, files: dict[str, Path], faults: list[Fault]
) -> tuple[tuple[str, pl.DataFrame], Palettes] | None:
    names = _shards(release, "palettes", [])  # what is wrong with them is said once
    k = 1
    if len(names) == 1 and names[0] in files:
        try:
            k = rows.atoms(files[names[0]])
        except DataError as error:
            faults.append(Fault(names[0], None, str(error).removeprefix(f"{files[names[0]]}: ")))
            return None
    found = _table(release, files, "palettes", schema.palettes(k), faults)
    if found is None:
        return None
    palettes, wrong = rows.palettes(found[1])
    faults.extend(Fault(found[0], row, what) for row, what in wrong)
    return found, palettes


def _shard(name: str, path: Path, table: Table, palettes: Palettes) -> _Shard:
    faults: list[Fault] = []
    frame = _read(name, path, table, faults)
    if frame is None:
        return _Shard(None, 0.0, faults)
    worst, wrong = rows.plans(frame, split_of(Path(name).name), palettes)
    faults.extend(Fault(name, row, what) for row, what in wrong)
    return _Shard(frame.select("pair_id", "split", "source", "target"), worst, faults)


def _read(name: str, path: Path, table: Table, faults: list[Fault]) -> pl.DataFrame | None:
    try:
        whole = read_parquet(path)
        frame = check_table(whole, table, path)
    except DataError as error:
        faults.append(Fault(name, None, str(error).removeprefix(f"{path}: ")))
        faults.extend(Fault(name, None, what) for what in rows.unreadable(path))
        return None
    faults.extend(Fault(name, row, what) for row, what in rows.digests_of(whole))
    return frame


def _counts(files: dict[str, Path], frames: dict[str, pl.DataFrame]) -> Iterator[Fault]:
    """Compare the rows of each split with what the card says."""
    if CARD not in files:
        return
    found: dict[str, int] = {}
    for name, frame in frames.items():
        split = split_of(Path(name).name)
        found[split] = found.get(split, 0) + len(frame)
    try:
        infos = DatasetCard.load(files[CARD]).data.to_dict().get("dataset_info", [])
        said = next({s["name"]: s["num_examples"] for s in i["splits"]} for i in infos if i["config_name"] == "plans")
    except (ValueError, KeyError, TypeError, StopIteration, yaml.YAMLError) as error:
        why = " ".join(str(error).split())[:200] or "it does not"
        yield Fault(CARD, None, f"must say in its YAML how many rows each split of plans has: {why}")
        return
    for split, rows_said in said.items():
        if found.get(split, 0) != rows_said:
            yield Fault(CARD, None, f"split {split} of plans must have {rows_said} rows, but has {found.get(split, 0)}")
