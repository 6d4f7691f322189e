"""A release in small, with real palettes, labels and certificates."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from paletteot.dataset import labels, load, schema, shards
from paletteot.dataset import release as building
from paletteot.tables import dtypes, write_parquet
from tests.conftest import palette

K = 8
EPS = 0.5
SPLITS = {
    "train": [(0, 1), (1, 0), (2, 3), (3, 2), (0, 2), (1, 3)],
    "validation_seen": [(2, 0), (3, 1)],
    "validation_unseen": [(4, 5), (5, 6), (6, 4)],
    "test_seen": [(0, 3), (1, 2)],
    "test_unseen": [(7, 8), (8, 7), (9, 7), (8, 9)],
}
"""Pairs of each split: pictures 0 to 3 train, 4 to 6 validate, 7 to 9 test."""

PICTURES = 10
PARAMS = {
    "images": {"source": "made", "count": PICTURES, "grading": 0.0, "seed": 1},
    "palettes": {"k": K, "seed": 2},
    "pairs": {"total": 17, "seed": 3},
    "transport": {"eps": EPS, "atol": 1e-4, "max_iterations": 20_000},
    "plans": {"tolerance": 1e-9, "shard_rows": 4},
}


def release(folder: Path, version: str = "1.0.0", seed: int = 0, licence: str = "CC0-1.0") -> Path:
    """Build a release in a folder: the same arguments, the same bytes."""
    with TemporaryDirectory() as temporary:
        parts = Path(temporary)
        _write(parts, seed, licence)
        build(parts, folder, facts(version))
    return folder


def facts(version: str = "1.0.0") -> building.ReleaseFacts:
    return building.ReleaseFacts(
        version, "paletteot/paletteot", "2026-11-25", "https://example.org/issues", 0.1, PARAMS
    )


def build(parts: Path, folder: Path, said: building.ReleaseFacts) -> None:
    """Build a release of what the pipeline has written into a folder."""
    building.build(
        folder, images=parts / "manifest.parquet", palettes=parts / "palettes.parquet",
        pairs=parts / "pairs.parquet", plans=parts / "plans", facts=said,
    )  # fmt: skip


def pipeline_folder(folder: Path, seed: int = 0) -> Path:
    """Write what the pipeline writes: manifest, palettes, pairs and plans."""
    _write(folder, seed, "CC0-1.0")
    return folder


def _write(folder: Path, seed: int, licence: str) -> None:
    palettes, plans = _labelled(seed)
    images = pl.DataFrame(
        {
            "image_id": (ids := palettes["image_id"]), "photograph": palettes["photograph"],
            "group": palettes["group"], "source": ["made 1.0"] * PICTURES,
            "licence": [licence] * PICTURES, "attribution": ["nobody | in particular"] * PICTURES,
            "place": ids, "original_sha256": ["1" * 64] * PICTURES,
            "crop": [[0, 0, 4, 4]] * PICTURES, "grading": ["{}"] * PICTURES, "width": [4] * PICTURES,
            "height": [4] * PICTURES, "sha256": ["0" * 64] * PICTURES,
        },
        schema=dtypes(schema.IMAGES),
    )  # fmt: skip
    write_parquet(folder / "manifest.parquet", images, schema.IMAGES)
    write_parquet(folder / "palettes.parquet", palettes, schema.palettes(K))
    write_parquet(folder / "pairs.parquet", plans.select(list(schema.PAIRS)), schema.PAIRS)
    shards.write(folder / "plans", plans, schema.plans(K), 4)


@lru_cache(maxsize=4)
def _labelled(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    made = [palette(np.random.default_rng([seed, row]), K) for row in range(PICTURES)]
    x, a = np.stack([x for x, _ in made]), np.stack([a for _, a in made])
    x[5, -1], a[5, -2:] = 0.0, (a[5, -2:].sum(), 0.0)  # a picture of fewer colours than atoms
    ids = [f"picture-{row}" for row in range(PICTURES)]
    groups = [f"photograph-{row // 2 if row < 4 else row}" for row in range(PICTURES)]
    frame = pl.DataFrame(
        {
            "image_id": ids, "photograph": groups, "group": groups,
            "centroids": x, "weights": a, "inertia": [1.0] * PICTURES,
            "colours": [100] * PICTURES,
        },
        schema=dtypes(schema.palettes(K)),
    )  # fmt: skip
    pairs = [(split, i, j) for split, found in SPLITS.items() for i, j in found]
    known = load.Palettes(ids, groups, groups, x, a)
    listed = pl.DataFrame(
        {
            "pair_id": range(len(pairs)), "split": [one[0] for one in pairs],
            "source": [ids[one[1]] for one in pairs], "target": [ids[one[2]] for one in pairs],
        },
        schema=dtypes(schema.PAIRS),
    )  # fmt: skip
    source, target = (np.array([one[side] for one in pairs]) for side in (1, 2))
    labelled = labels.exact(load.Pairs(known, listed, source, target), eps=EPS, atol=1e-4, max_iterations=20_000)
    return frame, labelled
