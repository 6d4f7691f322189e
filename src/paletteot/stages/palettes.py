"""Stage 2: pictures become palettes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import polars as pl

from paletteot import config, engine, palettes
from paletteot.dataset import schema
from paletteot.files import write_parquet
from paletteot.images import manifest
from paletteot.stages import common

CHUNK = 20


def stage(params: config.Params) -> None:
    """Read data/images, write data/palettes.parquet."""
    rows = len(manifest.read(common.IMAGES))
    key = engine.fingerprint(common.IMAGES / manifest.NAME, params.palettes.model_dump(), Path(palettes.__file__))
    folder = engine.partial_folder("palettes", key)
    files = engine.run(
        partial(_chunk, params.palettes), engine.spans(rows, CHUNK),
        folder=folder, workers=params.workers, label="palettes",
    )  # fmt: skip
    write_parquet(common.PALETTES, engine.collect(files), schema.palettes(params.palettes.k))
    engine.forget(folder)


def _chunk(params: config.Palettes, span: tuple[int, int]) -> pl.DataFrame:
    pictures = manifest.read(common.IMAGES)[slice(*span)]
    made = [
        palettes.palette(
            manifest.load_pixels(common.IMAGES, row), k=params.k, sample=params.sample,
            refinements=params.refinements, seed=params.seed,
        )
        for row in pictures.iter_rows(named=True)
    ]  # fmt: skip
    return pictures.select("image_id", "group").with_columns(
        centroids=pl.Series([one.centroids for one in made], dtype=pl.Array(pl.Float64, (params.k, 3))),
        weights=pl.Series([one.weights for one in made], dtype=pl.Array(pl.Float64, params.k)),
        inertia=pl.Series([one.inertia for one in made], dtype=pl.Float64),
        colours=pl.Series([one.colours for one in made], dtype=pl.Int32),
    )
