"""Where a picture is opaque, for the files whose alpha Pillow does not tell as their format means it."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

GREYS = {"1": 1, "L;2": 2, "L;4": 4, "L": 8}
"""Pillow's raw mode of a grey PNG -> bits of its levels, which Pillow stretches to 8, but not those of its key."""
LOW_BYTES = {"RGB;16B": "RGB;16L"}
"""Raw mode that keeps the upper bytes of 16-bit colours -> the one that, of the same bytes, keeps the lower."""


def raw_mode(image: ImageFile.ImageFile) -> str | None:
    """Return how a PNG holds its pixels, in Pillow's words; None for any other format, and once it is loaded."""
    return str(image.tile[0].args) if image.format == "PNG" and image.tile else None


def opacity(image: Image.Image, raw: str | None, content: bytes) -> Image.Image | None:
    """Return the alpha of a loaded picture, mode L, 255 where it is opaque; None where all of it is.

    raw: `raw_mode` before it was loaded. content: its file. A PNG's transparent colour is compared at the file's own
    depth, its bits above that depth ignored (PNG specification, third edition, 11.3.1.1). A BMP whose alpha is 0
    everywhere was written by a program that left these bytes unused, and is opaque to every viewer.
    """
    key = image.info.get("transparency")
    if key is not None and raw is not None and not isinstance(key, bytes) and image.mode != "P":
        return Image.fromarray(np.where(_is_key(image, raw, key, content), 0, 255).astype(np.uint8))
    if not image.has_transparency_data:
        return None
    alpha = (image.convert("LA") if image.mode == "La" else image).convert("RGBA").getchannel("A")
    return None if image.format == "BMP" and alpha.getextrema() == (0, 0) else alpha


def _is_key(image: Image.Image, raw: str, key: int | tuple[int, ...], content: bytes) -> NDArray[np.bool_]:
    """Return which pixels have the colour of the key, (h, w)."""
    if raw in GREYS:
        top = 2 ** GREYS[raw] - 1
        level = int(key != 0) if raw == "1" else int(np.asarray(key)) & top  # Pillow has stretched the key of 1 bit
        return np.asarray(np.asarray(image.convert("L")) == level * 255 // top)
    pixels = np.asarray(image)
    if raw in LOW_BYTES:
        pixels = pixels.astype(np.uint16) << 8 | _low_bytes(content, LOW_BYTES[raw])
    elif pixels.ndim == 3:
        key = tuple(level & 255 for level in np.atleast_1d(key).tolist())
    return np.asarray((pixels == key).all(axis=-1) if pixels.ndim == 3 else pixels == key)


def _low_bytes(content: bytes, raw: str) -> NDArray[np.uint8]:
    """Return the lower bytes of the 16-bit colours of a PNG, (h, w, 3), which Pillow drops."""
    with Image.open(BytesIO(content), formats=["PNG"]) as image:
        image.tile = [tile._replace(args=raw) for tile in image.tile]
        return np.asarray(image)
