"""Small pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

SIDE, GAP, QUALITY = 220, 6, 82
"""Longest side of a small picture and the space between two, pixels; JPEG's quality."""


def contact(rows: Sequence[Sequence[Pixels]]) -> bytes:
    """Return a JPEG of rows of pictures, (h, w, 3) uint8 each, made small; none larger than SIDE."""
    small = [[_small(one) for one in row] for row in rows]
    heights = [max(one.height for one in row) for row in small]
    columns = max(len(row) for row in small)
    size = (columns * (SIDE + GAP) + GAP, sum(heights) + GAP * (len(small) + 1))
    sheet = Image.new("RGB", size, "white")
    top = GAP
    for row, height in zip(small, heights, strict=True):
        for column, one in enumerate(row):
            sheet.paste(one, (GAP + column * (SIDE + GAP), top))
        top += height + GAP
    stream = BytesIO()
    sheet.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()


def _small(pixels: Pixels) -> Image.Image:
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image
