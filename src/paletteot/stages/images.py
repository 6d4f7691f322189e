"""Stage 1: photographs become pictures and a manifest."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import polars as pl

from paletteot import config, engine, images
from paletteot.dataset import schema
from paletteot.files import replacing, write_parquet
from paletteot.images import manifest
from paletteot.stages import common

CHUNK = 20
PICTURES = "pictures"


def stage(params: config.Params) -> None:
    """Write data/images: one JPEG for each picture, and the manifest."""
    wanted = params.images
    key = engine.fingerprint(wanted.model_dump(), Path(images.__path__[0]))
    folder = engine.partial_folder("images", key)
    files = engine.run(
        partial(_chunk, wanted, folder / PICTURES), engine.spans(wanted.count, CHUNK),
        folder=folder, workers=params.workers, label="images",
    )  # fmt: skip
    rows = engine.collect(files)
    with replacing(common.IMAGES) as fresh:
        shutil.copytree(folder / PICTURES, fresh)
        write_parquet(fresh / manifest.NAME, rows, schema.IMAGES)
    engine.forget(folder)


def _chunk(wanted: config.Images, folder: Path, span: tuple[int, int]) -> pl.DataFrame:
    source = images.source(wanted.source)
    rows = [
        manifest.write_jpeg(source.render(picture, wanted.long_side), picture, folder, wanted.jpeg_quality)
        for picture in source.pictures(wanted.count, grading=wanted.grading, seed=wanted.seed)[slice(*span)]
    ]
    return pl.DataFrame(rows, schema=schema.dtypes(schema.IMAGES))
