"""A picture to transfer colours from or to: any file, PIL image or array, as nothing of it is lost."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from paletteot.errors import DataError
from paletteot.transfer import opening, saving
from paletteot.transfer.layers import Layers, Levels, of_array


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture in sRGB, upright, at its own size and depth.

    pixels: (h, w, 3) uint8 or uint16. alpha: (h, w) of the same dtype, or None where the picture has none. grey: the
    picture had no colours, and is written without any. name: what messages and legends call it.
    Raises DataError when the arrays are not these.
    """

    pixels: Levels
    alpha: Levels | None = None
    grey: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        shape, dtype = self.pixels.shape, self.pixels.dtype
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or dtype not in (np.uint8, np.uint16):
            raise DataError(f"pixels must be (height, width, 3) of uint8 or uint16, but are {shape} {dtype}")
        if self.alpha is not None and (self.alpha.shape, self.alpha.dtype) != (shape[:2], dtype):
            raise DataError(f"alpha must be {shape[:2]} {dtype}, but is {self.alpha.shape} {self.alpha.dtype}")

    @classmethod
    def of(cls, thing: object, name: str = "") -> Photo:
        """Open a picture: a path, a PIL image, an array or a Photo.

        A path or PIL image: turned as its EXIF says, its ICC profile converted to sRGB, alpha, grey and the 16 bits of
        PNG and TIFF kept. An array: (h, w), (h, w, 3) or (h, w, 4) of uint8, uint16, or floats from 0 to 1, sRGB; its
        memory is shared where it can be. name: what messages call it; without one its file's.

        Raises DataError, one line, where it is no whole picture or an animation; MissingPackageError where 16 bits need
        the extra `deep`.
        """
        if isinstance(thing, Photo):
            return replace(thing, name=name or thing.name)
        called = name or _name(thing)
        layers = _layers(thing, called)
        return cls(*layers, called)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture as its suffix says (`saving.save`), whole or not at all."""
        saving.save(Path(path), self)

    @property
    def size(self) -> str:
        """Width and height in words."""
        height, width = self.pixels.shape[:2]
        return f"{width} x {height}"


def _layers(thing: object, called: str) -> Layers:
    if isinstance(thing, str | os.PathLike):
        return opening.opened(Path(thing))
    if isinstance(thing, Image.Image):
        return opening.of_image(thing, called)
    if isinstance(thing, np.ndarray):
        return of_array(thing, called)
    raise DataError(f"a picture must be a path, a PIL image, an array or a Photo, but is {type(thing).__name__}")


def _name(thing: object) -> str:
    if isinstance(thing, str | os.PathLike):
        return Path(thing).name
    file = getattr(thing, "filename", "")
    return Path(file).name if isinstance(file, str) and file else "picture"
