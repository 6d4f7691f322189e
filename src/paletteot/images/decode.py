"""Any photograph to upright 8-bit sRGB, or one line that says why not."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from paletteot.errors import DataError
from paletteot.images.opacity import opacity, raw_mode
from paletteot.images.reasons import reason
from paletteot.images.source import Pixels

FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
}
"""Pillow's names of the formats that are read, and their files' suffixes. No other format is tried, whatever Pillow
knows: some call other programs."""

SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
MOST_PIXELS = 175_000_000
"""Above the largest cameras' 151 million, below the 179 million where Pillow itself refuses, so that limit stays."""

MODELS = {"GRAY": "L", "RGB": "RGB", "CMYK": "CMYK"}
"""Colour model of an ICC profile -> Pillow's mode of pictures that it is for."""
OPAQUE = {"1": "L", "L": "L", "LA": "L", "RGB": "RGB", "CMYK": "CMYK", "LAB": "LAB"}
"""Mode -> the mode of its colours alone; RGB for every other."""
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what turns the picture upright."""


def decode(content: bytes, name: str) -> Pixels:
    """Return a photograph, (h, w, 3) uint8 sRGB, upright; of several frames the first.

    content: its file. name: what messages call it. An embedded ICC profile is followed; one that is damaged, or meant
    for another colour model, is ignored and the colours taken as sRGB, as are those without a profile. EXIF that cannot
    be read turns nothing. Alpha is laid on white. Of 16-bit colours Pillow keeps the upper byte; 16-bit greys are
    rounded. Pillow's settings are neither changed nor, but for HEIC's reader, added to.

    Raises DataError, one line, where it is no whole picture, larger than MOST_PIXELS, or of a kind that has no 8 bits.
    """
    try:
        # Pillow warns of what is decided here (sizes) or harmless (odd tags); what it cannot read raises all the same.
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(content), formats=_formats()) as image:
            _check_size(*image.size)
            raw = raw_mode(image)
            image.load()
            return np.asarray(_upright(image, _on_white(image, opacity(image, raw, content))))
    except UnidentifiedImageError:
        raise _refused(name, _unidentified(content)) from None
    except Exception as error:  # what Pillow's readers raise on damaged files has no common base below this one
        raise _refused(name, f"cannot be read as a picture: {reason(error)}") from error


def _refused(name: str, why: str) -> DataError:
    return DataError(" ".join(f"{name}: {why}".split()))


@cache
def _formats() -> tuple[str, ...]:
    """Return the formats that can be read here, HEIC where pillow_heif is installed."""
    Image.init()
    try:
        import_module("pillow_heif").register_heif_opener()
    except ImportError:
        return tuple(name for name in FORMATS if name in Image.OPEN and name != "HEIF")
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _unidentified(content: bytes) -> str:
    if content[4:8] == b"ftyp" and content[8:11] in (b"hei", b"hev", b"mif", b"msf") and "HEIF" not in _formats():
        return "HEIC needs `pip install 'paletteot[heic]'`"
    return f"cannot be read as a picture: none of the formats {', '.join(_formats())}"


def _check_size(width: int, height: int) -> None:
    """Raise ValueError for a size that no photograph has, before anything is decoded."""
    if min(width, height) < 1 or width * height > MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels, but 1 to {MOST_PIXELS} are legal")


def _on_white(image: Image.Image, alpha: Image.Image | None) -> Image.Image:
    """Return the colours of a picture in sRGB, mode RGB, transparent ones on white; alpha: None where all is opaque."""
    colours = image.convert("LA") if image.mode == "La" else image  # Pillow knows no other way from premultiplied grey
    if image.mode.startswith("I;16"):
        colours = _eight_bits(image)
    elif image.mode in ("I", "F"):
        raise ValueError("grey of 32 bits or signed has no white; save it with 16 bits or 8")
    opaque = _srgb(colours.convert(OPAQUE.get(colours.mode, "RGB")), image.info.get("icc_profile"))
    return opaque if alpha is None else Image.composite(opaque, Image.new("RGB", image.size, "white"), alpha)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale grey of 16 bits to 8; Pillow leaves 12-bit and white-is-zero TIFFs as they are, and clips on conversion."""
    tags = getattr(image, "tag_v2", {})
    top = 2 ** tags.get(ExifTags.Base.BitsPerSample, (16,))[0] - 1
    levels = np.rint(np.linspace(0, 255, top + 1)).astype(np.uint8)
    white_is_zero = tags.get(ExifTags.Base.PhotometricInterpretation) == 0
    return Image.fromarray((levels[::-1] if white_is_zero else levels)[np.asarray(image)])


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert colours from their profile to sRGB, relative colorimetric with black point compensation."""
    transform = _transform(image.mode, profile)
    if transform is None or (image.mode == "RGB" and _changes_nothing(transform)):
        return image.convert("RGB")
    return transform.apply(image)


def _transform(mode: str, profile: bytes | None) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB, None where there is none to follow."""
    try:
        if mode == "LAB":
            source = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        elif profile:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
        else:
            return None
        if mode != "LAB" and MODELS.get(source.profile.xcolor_space.strip()) != mode:
            return None
        flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
        if mode == "L":
            flags |= ImageCms.Flags.NOOPTIMIZE  # the table that lcms makes of a grey curve is coarse in the shadows
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB", intent, flags)
    except (OSError, ImageCms.PyCMSError):
        return None  # a damaged profile


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Return whether an RGB profile is sRGB under whatever name: moves no colour by more than the rounding of lcms."""
    levels = np.arange(0, 256, 17, dtype=np.uint8)
    lattice = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    moved = np.asarray(transform.apply(Image.fromarray(lattice)), dtype=int) - lattice
    return bool(np.abs(moved).max() <= 1)


def _upright(image: Image.Image, pixels: Image.Image) -> Image.Image:
    """Turn the pixels of a picture as its EXIF says."""
    try:
        # After load(), which reads what stands behind the pixels, and turns TIFF, HEIC and their EXIF by itself.
        turn = UPRIGHT.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF is read by the same code as TIFF, and raises as much when damaged
        turn = None
    return pixels if turn is None else pixels.transpose(turn)
