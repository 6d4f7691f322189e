"""Put a release together: shards, card, Croissant, checksums and version, in one folder ready to be published."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from paletteot.dataset import card, croissant, schema
from paletteot.files import read_parquet, replacing, sha256, write_text

VERSION = "VERSION"
CHECKSUMS = "checksums.sha256"
CARD = "README.md"
CROISSANT = "croissant.json"
WHOLE = "full"
"""The one split of the tables that are not split."""


@dataclass(frozen=True)
class Facts:
    """What a release says of itself beside its rows.

    version: X.Y.Z. hub_id: ORG/NAME it is published under. cpu_hours: what making it took. params: the parameters of
    the stages that made it. hashes: DVC's hash of each of their outputs. commit: of the code that made it.
    """

    version: str
    hub_id: str
    cpu_hours: float
    params: Mapping[str, Any]
    hashes: Mapping[str, str]
    commit: str


def build(folder: Path, *, images: Path, palettes: Path, plans: Path, facts: Facts) -> None:
    """Write the release folder, whole or not at all; the same inputs give the same bytes.

    images: the manifest of the pictures. palettes: their Parquet file. plans: folder of shards.
    Raises DataError when a file is not whole or not what its table says.
    """
    k = read_parquet(palettes).schema["weights"].size  # type: ignore[attr-defined]
    with replacing(folder) as fresh:
        for table, files in _shards(images, palettes, plans).items():
            (fresh / table).mkdir(parents=True)
            for name, file in files.items():
                shutil.copyfile(file, fresh / table / name)
        frames = {name: read_splits(fresh, name, table) for name, table in schema.released(k).items()}
        write_text(fresh / VERSION, f"{facts.version}\n")
        write_text(fresh / CARD, card.text(fresh, frames, k, facts))
        write_text(fresh / CROISSANT, croissant.text(schema.released(k), facts))
        write_checksums(fresh)


def read_splits(folder: Path, table: str, columns: schema.Table | None = None) -> dict[str, pl.DataFrame]:
    """Return the rows of each split of a table of a release folder, in the order of the shards.

    Raises DataError when a shard is not whole, or not what its columns say where they are given.
    """
    shards: dict[str, list[pl.DataFrame]] = {}
    for file in sorted((folder / table).glob("*.parquet")):
        shards.setdefault(split_of(file.name), []).append(read_parquet(file, columns))
    return {split: pl.concat(frames) for split, frames in shards.items()}


def split_of(shard: str) -> str:
    """Return the split of a shard's file name, ``<split>-NNNNN-of-NNNNN.parquet``."""
    return shard.rsplit("-", 3)[0]


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder but the checksums themselves, by name."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CHECKSUMS)
    return {file.relative_to(folder).as_posix(): sha256(file) for file in files}


def write_checksums(folder: Path) -> None:
    """Write the lines ``<sha256>  <name>`` of every file of a folder, as sha256sum does."""
    write_text(folder / CHECKSUMS, "".join(f"{digest}  {name}\n" for name, digest in hashes(folder).items()))


def _shards(images: Path, palettes: Path, plans: Path) -> dict[str, dict[str, Path]]:
    only = f"{WHOLE}-00000-of-00001.parquet"
    return {
        "plans": {file.name: file for file in sorted(plans.glob("*.parquet"))},
        "palettes": {only: palettes},
        "images": {only: images},
    }
