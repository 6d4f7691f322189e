"""What makes a version: a change of bytes in an existing column is major, new rows or columns minor, text patch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any

import polars as pl

from paletteot.dataset import schema
from paletteot.dataset.layout import VERSION, hashes, read_splits
from paletteot.errors import DataError, PaletteOTError
from paletteot.tables import column_digest

Manifest = Mapping[str, Any]

_DERIVED = "digest"
"""The column that changes whenever another does: it decides nothing by itself."""


class Change(IntEnum):
    """How much a release differs from another."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


class VersionError(PaletteOTError):
    """A release says less than it changes."""


def manifest(folder: Path) -> Manifest:
    """Return what a later release is compared with: version, SHA-256 of every file, and of every column."""
    return {
        "version": (folder / VERSION).read_text().strip(),
        "files": hashes(folder),
        "tables": {
            table: {
                split: {
                    "rows": len(frame),
                    "columns": {
                        name: {"dtype": str(frame.schema[name]), "sha256": column_digest(frame[name])}
                        for name in frame.columns
                    },
                }
                for split, frame in splits.items()
            }
            for table, splits in _frames(folder)
        },
    }


def read(file: Path) -> Manifest:
    """Read what `manifest` returned of a release; raises DataError where the file is not that."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        parse(found["version"])
        dict(found["files"])
    except FileNotFoundError:
        raise DataError(f"{file}: no such file; `dvc repro release` makes it") from None
    except (ValueError, TypeError, KeyError, VersionError) as error:
        raise DataError(f"{file}: not the JSON that a release leaves: {' '.join(str(error).split())[:200]}") from None
    return dict(found)


def compare(old: Manifest, folder: Path) -> tuple[Change, list[str]]:
    """Return how much the release in a folder differs from an earlier one, and why, the weightiest reasons only.

    Rows that were there must stay, in their order, before new ones: otherwise their columns have changed.
    """
    found = dict(_frames(folder))
    changes: list[tuple[Change, str]] = []
    for table, splits in old["tables"].items():
        for split, was in splits.items():
            frame = found.get(table, {}).get(split)
            if frame is None:
                changes.append((Change.MAJOR, f"{table} has no split {split} any more"))
            else:
                changes.extend(_differences(f"{table}, split {split}", was, frame))
    for table, frames in found.items():
        new = [split for split in frames if split not in old["tables"].get(table, {})]
        changes.extend((Change.MINOR, f"{table} has a new split {split}") for split in new)
    files = hashes(folder)
    texts = [name for name in {*files, *old["files"]} - {VERSION} if files.get(name) != old["files"].get(name)]
    changes.extend((Change.PATCH, f"{name} has changed") for name in sorted(texts))
    most = max((change for change, _ in changes), default=Change.NONE)
    return most, [reason for change, reason in changes if change == most]


def check(old: Manifest, folder: Path) -> str:
    """Return a line that says how a release follows an earlier one.

    Raises VersionError when its version says less than its change, or is not above the earlier one.
    """
    before, now = old["version"], (folder / VERSION).read_text().strip()
    change, reasons = compare(old, folder)
    least = bumped(before, change)
    if parse(now) < parse(least):
        raise VersionError(
            f"params.yaml: dataset.version must be at least {least}, but is {now}: since {before} there is a "
            f"{change.name.lower()} change ({'; '.join(reasons[:3])})"
        )
    if change is Change.NONE:
        return f"{now}: nothing but the version differs from {before}" if now != before else f"{now}: as it was"
    return f"{now}: a {change.name.lower()} change since {before} ({'; '.join(reasons[:3])})"


def bumped(version: str, change: Change) -> str:
    """Return the least version that may follow with a change of this weight."""
    major, minor, patch = parse(version)
    return {
        Change.NONE: version,
        Change.PATCH: f"{major}.{minor}.{patch + 1}",
        Change.MINOR: f"{major}.{minor + 1}.0",
        Change.MAJOR: f"{major + 1}.0.0",
    }[change]


def parse(version: str) -> tuple[int, int, int]:
    """Return the three numbers of X.Y.Z; raises VersionError where it is none."""
    if not (match := re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version)):
        raise VersionError(f"version must be X.Y.Z, but is {version!r}")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch


def _differences(where: str, was: Mapping[str, Any], frame: pl.DataFrame) -> Iterator[tuple[Change, str]]:
    kept = frame[: was["rows"]]
    if len(kept) < was["rows"]:
        yield Change.MAJOR, f"{where} has {len(kept)} rows, not {was['rows']}"
        return
    for name, before in was["columns"].items():
        if name not in frame.columns:
            yield Change.MAJOR, f"{where} has no column {name} any more"
        elif str(frame.schema[name]) != before["dtype"]:
            yield Change.MAJOR, f"{where}: column {name} is {frame.schema[name]}, not {before['dtype']}"
        elif name != _DERIVED and column_digest(kept[name]) != before["sha256"]:
            yield Change.MAJOR, f"{where}: values of column {name} have changed"
    if new := [name for name in frame.columns if name not in was["columns"]]:
        yield Change.MINOR, f"{where} has a new column {new[0]}"
    if len(frame) > was["rows"]:
        yield Change.MINOR, f"{where} has {len(frame) - was['rows']} new rows"


def _frames(folder: Path) -> Iterator[tuple[str, dict[str, pl.DataFrame]]]:
    for table in schema.RELEASED:
        yield table, read_splits(folder, table)
