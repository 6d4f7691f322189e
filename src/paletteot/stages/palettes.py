"""Stage 2: pictures become palettes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import polars as pl

import paletteot.engine as engine
import paletteot.palettes as palettes
from paletteot.config.palettes import PalettesParams
from paletteot.dataset import schema
from paletteot.images import manifest
from paletteot.project import closure, paths
from paletteot.tables import write_parquet

if TYPE_CHECKING:
    from paletteot.config.params import Params

CHUNK = 20


def stage(params: Params) -> None:
    """Read data/images and its manifest, write data/palettes.parquet."""
    rows = len(manifest.read(paths.MANIFEST, paths.IMAGES))
    key = engine.fingerprint(paths.MANIFEST, params.palettes.model_dump(), *closure.files(__name__))
    folder = engine.partial_folder("palettes", key)
    files = engine.run(
        partial(_chunk, params.palettes), engine.spans(rows, CHUNK),
        folder=folder, workers=params.workers, label="palettes",
    )  # fmt: skip
    write_parquet(paths.PALETTES, engine.collect(files), schema.palettes(params.palettes.k))
    engine.forget(folder)


def _chunk(params: PalettesParams, span: tuple[int, int]) -> pl.DataFrame:
    pictures = manifest.read(paths.MANIFEST, paths.IMAGES)[slice(*span)]
    made = [
        palettes.palette(
            manifest.load_pixels(paths.IMAGES, row), k=params.k, sample=params.sample,
            refinements=params.refinements, seed=params.seed,
        )
        for row in pictures.iter_rows(named=True)
    ]  # fmt: skip
    return pictures.select("image_id", "photograph", "group").with_columns(
        centroids=pl.Series([one.centroids for one in made], dtype=pl.Array(pl.Float64, (params.k, 3))),
        weights=pl.Series([one.weights for one in made], dtype=pl.Array(pl.Float64, params.k)),
        inertia=pl.Series([one.inertia for one in made], dtype=pl.Float64),
        colours=pl.Series([one.colours for one in made], dtype=pl.Int32),
    )
