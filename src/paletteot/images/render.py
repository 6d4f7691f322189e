"""A photograph becomes a picture: cropped, resized, graded."""

from __future__ import annotations

import numpy as np
from PIL import Image

from paletteot.images import grading
from paletteot.images.source import Crop, Picture, Pixels


def render(photograph: Pixels, picture: Picture, long_side: int) -> tuple[Pixels, Crop]:
    """Return the pixels of a picture, (h, w, 3) uint8 sRGB with max(h, w) == long_side, and the crop they show.

    photograph: (h, w, 3) uint8 sRGB.
    """
    height, width = photograph.shape[:2]
    left, top, right, bottom = crop = picture.crop or (0, 0, width, height)
    shown = Image.fromarray(photograph[top:bottom, left:right])
    scale = long_side / max(shown.size)
    size = tuple(max(1, round(side * scale)) for side in shown.size)
    resized = shown.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    return grading.apply(np.asarray(resized), picture.grading), crop
