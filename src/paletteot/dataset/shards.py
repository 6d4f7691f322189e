"""Shards of a table: what their names say, whether all are there, and writing them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import polars as pl

from paletteot.errors import DataError
from paletteot.files import replacing
from paletteot.tables import Table, write_parquet

_NAME = re.compile(r"(?P<split>\w+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.parquet", re.ASCII)


def is_one(name: str) -> bool:
    """Return whether a name is that of a shard."""
    return _NAME.fullmatch(PurePosixPath(name).name) is not None


def split_of(shard: str) -> str:
    """Return the split of a shard's name, ``<split>-NNNNN-of-NNNNN.parquet``; raises DataError where it is none."""
    return _parsed(PurePosixPath(shard).name)[0]


def whole(names: Iterable[str], where: object) -> dict[str, list[str]]:
    """Return the names of the shards of each split, all of them, in order.

    names: of files, with or without folders. where: how a message calls what holds them. Raises DataError where a name
    is none of a shard, or a split has not just the shards that their names say.
    """
    found: dict[str, list[tuple[int, int, str]]] = {}
    for name in names:
        split, number, count = _parsed(PurePosixPath(name).name)
        found.setdefault(split, []).append((number, count, name))
    made = {}
    for split, shards in found.items():
        counts = sorted({count for _, count, _ in shards})
        if len(counts) > 1:
            raise DataError(f"{where}: split {split} must be one set of shards, but has some of {counts}")
        numbers = sorted(number for number, _, _ in shards)
        if numbers != list(range(counts[0])):
            missing = sorted(set(range(counts[0])) - set(numbers))
            lacks = f", but lacks {_shard(split, missing[0], counts[0])}" if missing else f", but has {numbers}"
            raise DataError(f"{where}: split {split} must have {counts[0]} shards{lacks}")
        made[split] = [name for _, _, name in sorted(shards)]
    return made


def in_folder(folder: Path) -> dict[str, list[Path]]:
    """Return the shards of each split in a folder; raises DataError as `whole` does."""
    found = whole((file.name for file in sorted(folder.glob("*.parquet"))), folder)
    return {split: [folder / name for name in names] for split, names in found.items()}


def chosen(shards: Mapping[str, Sequence[Path]], split: str, where: object) -> list[Path]:
    """Return the shards of a split; raises DataError naming the legal splits."""
    if split not in shards:
        legal = ", ".join(sorted(shards)) or "(none; `dvc repro plans` makes them)"
        raise DataError(f"{where}: split must be one of {legal}, but is {split!r}")
    return list(shards[split])


def write(folder: Path, frame: pl.DataFrame, table: Table, rows: int) -> None:
    """Write shards of at most ``rows`` rows, one set for each split; the folder is replaced as a whole."""
    with replacing(folder) as fresh:
        for (split,), part in frame.group_by("split", maintain_order=True):
            count = -(-len(part) // rows)
            for number in range(count):
                name = _shard(str(split), number, count)
                write_parquet(fresh / name, part[number * rows : (number + 1) * rows], table)


def _shard(split: str, number: int, count: int) -> str:
    return f"{split}-{number:05d}-of-{count:05d}.parquet"


def _parsed(name: str) -> tuple[str, int, int]:
    if not (match := _NAME.fullmatch(name)):
        raise DataError(f"{name[:80]!r}: must be named SPLIT-NNNNN-of-NNNNN.parquet, as a shard is")
    return match["split"], int(match["number"]), int(match["count"])
