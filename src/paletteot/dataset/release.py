"""Put a release together: shards, card, Croissant, checksums and version, in one folder ready to be published."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paletteot.dataset import card, croissant, layout, schema
from paletteot.files import replacing, write_text
from paletteot.tables import read_parquet


@dataclass(frozen=True)
class ReleaseFacts:
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


def build(folder: Path, *, images: Path, palettes: Path, plans: Path, facts: ReleaseFacts) -> None:
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
        frames = {name: layout.read_splits(fresh, name, table) for name, table in schema.released(k).items()}
        write_text(fresh / layout.VERSION, f"{facts.version}\n")
        write_text(fresh / layout.CARD, card.text(fresh, frames, k, facts))
        write_text(fresh / layout.CROISSANT, croissant.text(schema.released(k), facts))
        layout.write_checksums(fresh)


def _shards(images: Path, palettes: Path, plans: Path) -> dict[str, dict[str, Path]]:
    only = f"{layout.WHOLE}-00000-of-00001.parquet"
    return {
        "plans": {file.name: file for file in sorted(plans.glob("*.parquet"))},
        "palettes": {only: palettes},
        "images": {only: images},
    }
