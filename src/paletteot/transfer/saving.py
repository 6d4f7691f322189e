"""A picture to a file, whole or not at all: PNG, JPEG, WebP or TIFF by its suffix, with the profile of sRGB."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageCms

from paletteot.errors import ParamsError
from paletteot.files import replacing
from paletteot.transfer import deep
from paletteot.transfer.layers import DEEP, in_eight_bits, joined

if TYPE_CHECKING:
    from paletteot.transfer.photo import Photo

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
"""Suffix -> Pillow's name of the format that it is written in."""
SETTINGS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3},
    "JPEG": {"quality": 95, "subsampling": "4:4:4"},
    "WEBP": {"quality": 95, "method": 2},  # further methods take eight times as long for a few per cent
    "TIFF": {"compression": "tiff_adobe_deflate"},
}
MOST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
"""Most pixels that a side may have in these formats; the others have room for all that can be read."""
DATE = slice(24, 36)
"""Where a profile says when it was made (ICC.1:2022, 7.2)."""
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Channels -> Pillow's mode."""


def check(path: Path, photo: Photo | None = None) -> None:
    """Raise ParamsError for a file that a picture cannot be written to as it is, before any work is done.

    Without a picture only the suffix is asked. JPEG takes alpha only where all of it is opaque. Raises
    MissingPackageError where its 16 bits need a package that is not installed.
    """
    name = FORMATS.get(path.suffix.lower())
    if name is None:
        raise ParamsError(f"{path}: a picture's file must end in one of {', '.join(FORMATS)}")
    if photo is None:
        return
    if name == "JPEG" and photo.alpha is not None and photo.alpha.min() < np.iinfo(photo.alpha.dtype).max:
        raise ParamsError(f"{path}: JPEG has no transparency, which {photo.name or 'the picture'} has; write .png")
    height, width = photo.pixels.shape[:2]
    if max(height, width) > (most := MOST_SIDE.get(name, max(height, width))):
        raise ParamsError(f"{path}: {name} has at most {most} pixels a side, but {width} x {height} are to be written")
    if _stays_deep(photo, name) and not _grey_alone(photo):
        deep.codecs()


def save(path: Path, photo: Photo) -> None:
    """Write a picture as its suffix says: alpha, grey and 16 bits kept where the format has them, else 8 bits.

    JPEG and WebP: quality 95, colours at full resolution in JPEG. The file is the same whenever it is written.
    Raises as `check` does, and OSError where the disk refuses; what was there then stays.
    """
    check(path, photo)
    name = FORMATS[path.suffix.lower()]
    profile = None if photo.grey else srgb()  # a profile of colours does not fit greys, which without one are sRGB's
    alpha = None if name == "JPEG" else photo.alpha
    with replacing(path) as fresh:
        if _stays_deep(photo, name) and not _grey_alone(photo):
            write = deep.write_png if name == "PNG" else deep.write_tiff
            write(fresh, joined(photo.pixels, alpha, photo.grey), profile)
            return
        pixels = photo.pixels if _stays_deep(photo, name) else in_eight_bits(photo.pixels)
        samples = joined(pixels, None if alpha is None else in_eight_bits(alpha), photo.grey)
        _image(samples).save(fresh, name, icc_profile=profile, **SETTINGS[name])


@cache
def srgb() -> bytes:
    """Return the profile of sRGB, the same bytes on every day."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[DATE] = np.array([2000, 1, 1, 0, 0, 0], ">u2").tobytes()
    return bytes(made)


def _stays_deep(photo: Photo, name: str) -> bool:
    return photo.pixels.dtype == DEEP and name in ("PNG", "TIFF")


def _grey_alone(photo: Photo) -> bool:
    """Return whether Pillow can write it in 16 bits."""
    return photo.grey and photo.alpha is None


def _image(samples: Any) -> Image.Image:
    """Return samples as a PIL image, which shares their memory where Pillow holds pixels alike."""
    if samples.dtype == DEEP:
        return Image.fromarray(samples)
    mode = MODES[samples.shape[2] if samples.ndim == 3 else 1]
    return Image.frombuffer(mode, samples.shape[1::-1], samples, "raw", mode, 0, 1)
