"""Any picture's file, or a PIL image, to its layers, upright and in sRGB: nothing of it is lost or laid on white.

The rules are those of `images.decode`, whose parts are used here; they make 8-bit pictures without alpha of all there
is, which is what the data set holds.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from paletteot.errors import PaletteOTError
from paletteot.images import decode
from paletteot.images.opacity import opacity, raw_mode
from paletteot.images.reasons import reason
from paletteot.transfer import deep
from paletteot.transfer.layers import DEEP, Layers, bands, turned

HEAD = 16
"""Bytes that tell a file's format."""


def opened(path: Path) -> Layers:
    """Read a picture's file.

    A profile is followed, EXIF turns, alpha and greys stay apart, as do 16 bits of PNG and TIFF; other formats have 8.
    Raises DataError, one line, where it is no whole picture, or more than one; MissingPackageError where its 16 bits
    need a package that is not installed.
    """
    name, begin = str(path), head(path)
    try:
        # Pillow warns of what is decided here (sizes) or harmless (odd tags); what it cannot read raises all the same.
        with warnings.catch_warnings(action="ignore"):
            layers, orientation = _read(path, begin)
    except PaletteOTError:
        raise
    except UnidentifiedImageError:
        raise decode._refused(name, decode._unidentified(begin)) from None
    except Exception as error:  # what readers raise on damaged files has no common base below this one
        raise decode._refused(name, f"cannot be read as a picture: {reason(error)}") from error
    return turned(layers, orientation)  # here, where Pillow's own copy is gone


def head(path: Path) -> bytes:
    """Return the first bytes of a file; raises DataError, one line, where it cannot be read, or is a folder."""
    if path.is_dir():
        raise decode._refused(str(path), "must be a picture, but is a folder")
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError as error:
        raise decode._refused(str(path), f"cannot be read: {error.strerror}") from None


def of_image(image: Image.Image, name: str) -> Layers:
    """Return the layers of a PIL image, of its present frame; it stays as it is. name: what messages call it.

    Raises DataError where it cannot be read, or is of a kind that has no sRGB.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            raw = raw_mode(image) if isinstance(image, ImageFile.ImageFile) else None
            image.load()
            return turned(_layers(image, None if raw in deep.PNG else raw), _orientation(image))
    except PaletteOTError:
        raise
    except Exception as error:
        raise decode._refused(name, f"cannot be read as a picture: {reason(error)}") from error


def _read(path: Path, begin: bytes) -> tuple[Layers, int]:
    """Return the layers of a file as they lie in it, and the orientation that is still to be followed."""
    if begin.startswith(deep.TIFF) and (found := deep.read_tiff(path)) is not None:
        return found
    with Image.open(path, formats=decode._formats()) as image:
        decode._check_size(*image.size)
        if image.format not in ("TIFF", "MPO", "HEIF") and getattr(image, "is_animated", False):
            raise ValueError(f"an animation of {getattr(image, 'n_frames', 'many')} pictures, but one is legal")
        raw = raw_mode(image)
        if raw in deep.PNG:
            exif = image.getexif() if "exif" in image.info else deep.exif(path)
            return deep.read_png(path, image.info.get("icc_profile")), exif.get(ExifTags.Base.Orientation, 1)
        image.load()
        return _layers(image, raw), _orientation(image)


def _layers(image: Image.Image, raw: str | None) -> Layers:
    """Return the layers of a loaded image. raw: `raw_mode` before it was loaded."""
    profile = image.info.get("icc_profile")
    grey = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")
    alpha = opacity(image, raw, b"")  # its last argument is for 16-bit colours alone, which do not come here
    opaque: Any = None if alpha is None else np.asarray(alpha)
    if grey and _deep(image):
        levels = deep.grey_levels(image)
        return deep.in_srgb(levels, None if opaque is None else opaque.astype(DEEP) * DEEP.type(257), profile)
    if image.mode.startswith("I;16"):
        image = decode._eight_bits(image)
    elif image.mode in ("I", "F"):
        raise ValueError("grey of 32 bits or signed has no white; save it with 16 bits or 8")
    mode = decode.OPAQUE.get("LA" if image.mode == "La" else image.mode, "RGB")
    transform = decode._transform(mode, profile)
    if transform is not None and mode == "RGB" and decode._changes_nothing(transform):
        transform = None
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for rows in bands(*pixels.shape[:2]):
        band = image.crop((0, rows.start, image.width, rows.stop))
        for step in ("LA" if band.mode == "La" else mode, mode):
            band = band if band.mode == step else band.convert(step)  # a conversion to the same mode is a copy
        if transform is not None:
            band = transform.apply(band)
        pixels[rows] = np.asarray(band if band.mode == "RGB" else band.convert("RGB"))
    return Layers(pixels, opaque, grey)


def _deep(image: Image.Image) -> bool:
    """Return whether a grey image has all of 16 bits; TIFFs may have fewer."""
    bits = getattr(image, "tag_v2", {}).get(ExifTags.Base.BitsPerSample, (16,))
    return image.mode.startswith("I;16") and bits[0] == 16


def _orientation(image: Image.Image) -> int:
    try:
        # After load(), which reads what stands behind the pixels, and turns TIFF, HEIC and their EXIF by itself.
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF is read by the same code as TIFF, and raises as much when damaged
        return 1
