"""A picture's arrays: colours, opacity, and whether it was grey; their depth, their bands and how they are turned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paletteot.errors import DataError

Levels = NDArray[Any]
"""Array of uint8 or uint16."""

DEEP = np.dtype(np.uint16)
BAND = 1 << 22
"""Pixels that are worked on at a time, so that what lies beside a large picture stays small."""


class Layers(NamedTuple):
    """A picture: pixels (h, w, 3) uint8 or uint16 sRGB; alpha (h, w) of that dtype or None; grey: it had no colours."""

    pixels: Levels
    alpha: Levels | None
    grey: bool


TURNS: dict[int, Callable[[Levels], Levels]] = {
    2: lambda array: array[:, ::-1],
    3: lambda array: array[::-1, ::-1],
    4: lambda array: array[::-1],
    5: lambda array: array.swapaxes(0, 1),
    6: lambda array: np.rot90(array, -1),
    7: lambda array: array[::-1, ::-1].swapaxes(0, 1),
    8: lambda array: np.rot90(array),
}
"""EXIF orientation -> what turns a picture upright."""


def turned(layers: Layers, orientation: int) -> Layers:
    """Return a picture upright. orientation: as EXIF has it; what is none turns nothing."""
    turn = TURNS.get(orientation)
    if turn is None:
        return layers
    alpha = None if layers.alpha is None else np.ascontiguousarray(turn(layers.alpha))
    return Layers(np.ascontiguousarray(turn(layers.pixels)), alpha, layers.grey)


def bands(height: int, width: int, multiple: int = 1) -> Iterator[slice]:
    """Cut rows into slices of about BAND pixels; but for the last, of a multiple of so many rows."""
    rows = max(1, BAND // (width * multiple)) * multiple
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def split(samples: Levels) -> Layers:
    """Return the layers of samples (h, w), or (h, w, n) with n: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha."""
    samples = samples if samples.ndim == 3 else samples[..., None]
    channels = samples.shape[2]
    grey = channels < 3
    pixels = np.repeat(samples[..., :1], 3, axis=2) if grey else np.ascontiguousarray(samples[..., :3])
    return Layers(pixels, None if channels % 2 else np.ascontiguousarray(samples[..., -1]), grey)


def joined(pixels: Levels, alpha: Levels | None, grey: bool) -> Levels:
    """Return the samples of a picture as a file holds them, contiguous: the way back from `split`."""
    colours = levels_of_grey(pixels) if grey else pixels
    return np.ascontiguousarray(colours if alpha is None else np.dstack([colours, alpha]))


def levels_of_grey(pixels: Levels) -> Levels:
    """Return the luma (h, w) of colours (h, w, 3), as Pillow has it (ITU-R BT.601); of a grey its level."""
    levels = np.empty(pixels.shape[:2], pixels.dtype)
    for rows in bands(*pixels.shape[:2]):
        red, green, blue = np.moveaxis(pixels[rows], 2, 0)
        weighed = red * np.uint32(19595) + green * np.uint32(38470) + blue * np.uint32(7471)
        levels[rows] = (weighed + np.uint32(1 << 15)) >> 16
    return levels


def in_eight_bits(levels: Levels) -> NDArray[np.uint8]:
    """Return levels rounded to 8 bits; those that are in 8 bits as they are, uncopied."""
    if levels.dtype != DEEP:
        return levels
    rounded = np.empty(levels.shape, np.uint8)
    for rows in bands(*levels.shape[:2]):
        rounded[rows] = (levels[rows] * np.uint32(255) + np.uint32(32895)) >> 16  # level / 257, rounded
    return rounded


def of_array(array: NDArray[Any], name: str) -> Layers:
    """Return the layers of an array: (h, w), (h, w, 3) or (h, w, 4), of uint8, uint16, or floats from 0 to 1.

    uint8 and uint16 of (h, w, 3) are shared, not copied; floats are rounded to 8 bits. name: what messages call it.
    Raises DataError when it is no such array.
    """
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)) or array.size == 0:
        shape = " x ".join(map(str, array.shape)) or "single number"
        raise DataError(f"{name}: must have shape (height, width), or that and 3 or 4 channels, but is a {shape} array")
    if np.issubdtype(array.dtype, np.floating):
        return split(_from_floats(array, name))
    if (array.dtype.kind, array.dtype.itemsize) not in (("u", 1), ("u", 2)):
        raise DataError(f"{name}: must hold uint8, uint16, or floats from 0 to 1, but holds {array.dtype}")
    return split(array.astype(array.dtype.newbyteorder("="), copy=False))


def _from_floats(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    levels = np.empty(array.shape, np.uint8)
    for rows in bands(*array.shape[:2]):
        band = array[rows]
        if not ((band >= 0) & (band <= 1)).all():  # nor is NaN
            raise DataError(f"{name}: floats must be from 0 to 1, but some are not; give levels of 0 to 255 as uint8")
        levels[rows] = np.rint(band * 255)
    return levels
