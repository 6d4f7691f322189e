"""Bootstrap on disk: JPEG files and the table that says where each came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image, UnidentifiedImageError

from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import replacing, sha256_of
from paletteot.images.reasons import reason
from paletteot.images.render import render
from paletteot.images.source import Original, Picture, Pixels
from paletteot.tables import read_parquet


def write_jpeg(
    original: Original, picture: Picture, folder: Path, *, long_side: int, quality: int
) -> dict[str, object]:
    """Make a picture of a photograph, write it as ``<image_id>.jpg`` and return its row of the manifest."""
    pixels, crop = render(original.pixels, picture, long_side)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality, subsampling=0)
    with replacing(folder / f"{picture.image_id}.jpg") as fresh:
        fresh.write_bytes(buffer.getvalue())
    said = ("image_id", "photograph", "group", "source", "licence", "attribution", "place")
    return {
        **{name: getattr(picture, name) for name in said},
        "original_sha256": original.sha256,
        "crop": crop,
        "grading": json.dumps(picture.grading, sort_keys=True),
        "width": pixels.shape[1],
        "height": pixels.shape[0],
        "sha256": sha256_of(buffer.getvalue()),
    }


def read(file: Path, folder: Path) -> pl.DataFrame:
    """Read the manifest of a folder of pictures.

    Raises DataError when it is not whole or a picture it names is missing.
    """
    frame = read_parquet(file, schema.IMAGES)
    for name in frame["image_id"]:
        if not (folder / f"{name}.jpg").is_file():
            raise DataError(f"{file}: image_id names {name}, but {folder / f'{name}.jpg'} is missing")
    return frame


def load_pixels(folder: Path, row: Mapping[str, object]) -> Pixels:
    """Return the pixels of one row of the manifest, (h, w, 3) uint8 sRGB.

    Raises DataError naming the file when it is missing, cut short, no picture, or not the one the manifest knows.
    """
    file = folder / f"{row['image_id']}.jpg"
    try:
        content = file.read_bytes()
        with Image.open(BytesIO(content)) as image:
            pixels = np.asarray(image.convert("RGB"))
    except FileNotFoundError:
        raise DataError(f"{file}: the picture is missing") from None
    except UnidentifiedImageError:
        raise DataError(f"{file}: not a whole picture: no known format") from None
    except Exception as error:  # what Pillow's readers raise on damaged files has no common base below this one
        raise DataError(f"{file}: not a whole picture: {reason(error)}") from None
    if sha256_of(content) != row["sha256"]:
        raise DataError(f"{file}: sha256 must be {row['sha256']}, as in the manifest, but is {sha256_of(content)}")
    return pixels
