"""Put a release together: shards, card, Croissant, checksums and version, in one folder ready to be published."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from paletteot.dataset import card, croissant, layout, pictures, responsible, schema
from paletteot.errors import DataError
from paletteot.files import replacing, sha256, write_text
from paletteot.tables import check_table, read_parquet


@dataclass(frozen=True)
class ReleaseFacts:
    """What a release says of itself beside its rows.

    version: X.Y.Z. hub_id: ORG/NAME it is published under. published: date of the version, YYYY-MM-DD. contact: URL
    where faults are told. cpu_hours: what making it took. params: the parameters of the stages that made it.
    uncommitted: files of code or parameters that no commit has as they were.
    """

    version: str
    hub_id: str
    published: str
    contact: str
    cpu_hours: float
    params: Mapping[str, Any]
    uncommitted: tuple[str, ...] = ()


def build(folder: Path, *, images: Path, palettes: Path, pairs: Path, plans: Path, facts: ReleaseFacts) -> None:
    """Write the release folder, whole or not at all; the same inputs give the same bytes, whatever commit they are of.

    images: the manifest of the pictures. palettes, pairs: their Parquet files. plans: folder of shards.
    Raises DataError when a file is not whole or not what its table says.
    """
    tables = schema.released(k := _atoms(palettes))
    with replacing(folder) as fresh:
        for table, files in _shards(images, palettes, plans).items():
            (fresh / table).mkdir(parents=True)
            for name, file in files.items():
                shutil.copyfile(file, fresh / table / name)
        frames = {name: layout.read_splits(fresh, name, table) for name, table in tables.items()}
        taken = pictures.of(pl.concat(frames["images"].values()), facts.params["images"])
        said = responsible.of(taken, k, _eps(frames["plans"]), facts)
        made_of = {"images": sha256(images), "palettes": sha256(palettes), "pairs": sha256(pairs)}
        write_text(fresh / layout.VERSION, f"{facts.version}\n")
        write_text(fresh / layout.CARD, card.text(fresh, frames, taken, said, made_of, facts))
        write_text(fresh / layout.CROISSANT, croissant.text(tables, taken, said, facts))
        if facts.uncommitted:
            write_text(fresh / layout.UNCOMMITTED, "".join(f"{name}\n" for name in facts.uncommitted))
        layout.write_checksums(fresh)


def _atoms(palettes: Path) -> int:
    """Return k of the palettes that the pipeline has written; raises DataError where they are none of its own."""
    frame = read_parquet(palettes)
    dtype = frame.schema.get("weights")
    if not isinstance(dtype, pl.Array):
        raise DataError(
            f"{palettes}: column weights must be an array of k Float64, as the palettes stage writes it, but is "
            f"{'missing' if dtype is None else dtype}"
        )
    check_table(frame, schema.palettes(dtype.size), palettes)
    return dtype.size


def _eps(plans: Mapping[str, pl.DataFrame]) -> str:
    """Return eps of the rows in words, whatever the parameters say by now."""
    return " and ".join(str(eps) for eps in pl.concat(frame["eps"] for frame in plans.values()).unique().sort())


def _shards(images: Path, palettes: Path, plans: Path) -> dict[str, dict[str, Path]]:
    only = f"{layout.WHOLE}-00000-of-00001.parquet"
    return {
        "plans": {file.name: file for file in sorted(plans.glob("*.parquet"))},
        "palettes": {only: palettes},
        "images": {only: images},
    }
