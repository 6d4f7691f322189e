"""Which part of a picture takes part: a second picture, white where it does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paletteot.errors import DataError
from paletteot.transfer.layers import Layers, levels_of_grey
from paletteot.transfer.photo import Photo


def mask(thing: object, photo: Photo) -> NDArray[np.bool_]:
    """Open the mask of a picture, (h, w) bool: what is at least half white, and at least half opaque, belongs.

    thing: a path, a PIL image, an array or a Photo, or (h, w) bool. Raises DataError where it is no picture, is of
    another size than the photo, or where nothing belongs.
    """
    if isinstance(thing, np.ndarray) and thing.dtype == bool:
        thing = np.where(thing, np.uint8(255), np.uint8(0))
    opened = Photo.of(thing, "mask" if isinstance(thing, np.ndarray) else "")
    if opened.pixels.shape != photo.pixels.shape:
        raise DataError(f"{opened.name}: a mask must be as large as its picture, {photo.size}, but is {opened.size}")
    belongs = _belongs(Layers(opened.pixels, opened.alpha, opened.grey))
    if not belongs.any():
        raise DataError(f"{opened.name}: a mask must be white somewhere, but nothing of it is")
    return belongs


def _belongs(layers: Layers) -> NDArray[np.bool_]:
    half = np.iinfo(layers.pixels.dtype).max // 2 + 1
    white = levels_of_grey(layers.pixels) >= half
    return white if layers.alpha is None else white & (layers.alpha >= half)
