"""Pictures of 16 bits, read and written by imagecodecs and tifffile: Pillow drops the lower byte of their colours."""

from __future__ import annotations

import logging
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from paletteot.extras import MissingPackageError
from paletteot.images import decode
from paletteot.transfer.layers import DEEP, Layers, Levels, bands, split

PNG = frozenset({"RGB;16B", "RGBA;16B", "LA;16B"})
"""Pillow's raw modes of the PNGs that it cannot read whole; those of 16-bit grey it can."""
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How a TIFF or BigTIFF begins."""
MINISWHITE, MINISBLACK, RGB = 0, 1, 2
"""Photometric interpretations of a TIFF."""
PREMULTIPLIED, OPACITY = 1, 2
"""Kinds of a TIFF's extra samples that are alpha."""
LEVEL = 4
"""Of zlib: 16-bit colours hardly shrink, and further levels cost far more time than they save."""
AFTER_HEADER = 33
"""Where the chunks of a PNG may begin: behind its signature and IHDR."""

SILENT = logging.NullHandler()


def codecs() -> Any:
    """Return imagecodecs; raises MissingPackageError where it is not installed."""
    try:
        import imagecodecs
    except ModuleNotFoundError as error:
        raise MissingPackageError("pictures of 16 bits need imagecodecs: pip install 'paletteot[deep]'") from error
    return imagecodecs


def read_png(path: Path, profile: bytes | None) -> Layers:
    """Return the layers of a 16-bit PNG in sRGB, as they lie in it. profile: the one that it embeds."""
    samples = codecs().png_decode(np.memmap(path, np.uint8, "r"))
    layers = split(samples)
    return in_srgb(layers.pixels[..., 0] if layers.grey else layers.pixels, layers.alpha, profile)


def exif(path: Path) -> Image.Exif:
    """Return the EXIF of a PNG wherever it stands, without its pixels being read, as Pillow would to get there."""
    found = Image.Exif()
    with path.open("rb") as stream:
        stream.seek(8)
        while len(head := stream.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                found.load(b"Exif\0\0" + stream.read(length))
                break
            stream.seek(length + 4, 1)
    return found


def read_tiff(path: Path) -> tuple[Layers, int] | None:
    """Return the layers of a TIFF in sRGB and its orientation; None where it has not 16 bits, or Pillow keeps them.

    Raises ValueError where it holds several pictures; smaller copies of the first do not count.
    """
    import tifffile

    logging.getLogger("tifffile").addHandler(SILENT)  # or it writes of each odd tag to standard error
    with tifffile.TiffFile(path) as file:
        pages: list[Any] = list(file.pages)
        if (pictures := sum(not (page.is_reduced or page.is_mask) for page in pages)) > 1:
            raise ValueError(f"it holds {pictures} pictures, but one is legal")
        page = pages[0]
        decode._check_size(page.imagewidth, page.imagelength)
        colours = 3 if page.photometric == RGB else 1
        kept_by_pillow = page.photometric != RGB and page.samplesperpixel == 1
        if page.dtype != DEEP or page.bitspersample != 16 or page.photometric > RGB or kept_by_pillow:
            return None
        parts = math.prod(page.chunked)
        if len(page.dataoffsets) < parts or 0 in page.databytecounts[:parts]:
            raise ValueError("parts of it are missing")  # of which tifffile would make black
        codecs()  # tifffile asks for it where pixels are compressed
        samples = page.asarray().astype(DEEP, copy=False)
        if page.planarconfig == 2:  # a plane for each channel
            samples = np.moveaxis(samples, 0, -1)
        kinds = [int(kind) for kind in page.extrasamples]
        tags = page.tags
        orientation = int(tags[ExifTags.Base.Orientation].value) if ExifTags.Base.Orientation in tags else 1
        profile = page.iccprofile
    alpha = None
    if kinds and kinds[0] in (PREMULTIPLIED, OPACITY):
        alpha = np.ascontiguousarray(samples[..., colours])
    levels = np.ascontiguousarray(samples[..., :colours])
    if alpha is not None and kinds[0] == PREMULTIPLIED:
        _divide(levels, alpha)
    if page.photometric == MINISWHITE:
        levels = ~levels
    return in_srgb(levels if colours == 3 else levels[..., 0], alpha, profile), orientation


def _divide(levels: Levels, alpha: Levels) -> None:
    """Undo, in place, that levels (h, w, n) were multiplied by alpha (h, w)."""
    top = np.iinfo(DEEP).max
    for rows in bands(*alpha.shape):
        opacity = np.maximum(alpha[rows], 1).astype(np.uint32)[..., None]
        levels[rows] = np.minimum((levels[rows].astype(np.uint32) * top + opacity // 2) // opacity, top)


def grey_levels(image: Image.Image) -> Levels:
    """Return the levels (h, w) uint16 of a grey PIL image of 16 bits, whatever its byte order and its white."""
    levels = np.asarray(image).astype(DEEP)
    tags = getattr(image, "tag_v2", {})
    return ~levels if tags.get(ExifTags.Base.PhotometricInterpretation) == MINISWHITE else levels


def in_srgb(levels: Levels, alpha: Levels | None, profile: bytes | None) -> Layers:
    """Return layers of 16 bits in sRGB. levels: (h, w, 3), overwritten, or (h, w) of grey; profile: theirs.

    Intent and what is done without a whole, fitting profile are those of `images.decode`.
    """
    grey = levels.ndim == 2
    mode, space = ("L", "gray") if grey else ("RGB", "rgb")
    pixels = np.repeat(levels[..., None], 3, axis=2) if grey else levels
    transform = decode._transform(mode, profile)
    if profile is None or transform is None or (not grey and decode._changes_nothing(transform)):
        return Layers(pixels, alpha, grey)
    cms = codecs()
    intent = cms.CMS.INTENT.RELATIVE_COLORIMETRIC
    # The table that lcms makes of a profile's curves and matrix for 16 bits is off by 12 of 255 levels in places.
    flags = cms.CMS.FLAGS.BLACKPOINTCOMPENSATION | cms.CMS.FLAGS.NOOPTIMIZE
    for rows in bands(*levels.shape[:2]):
        pixels[rows] = cms.cms_transform(
            np.ascontiguousarray(levels[rows]), profile, cms.cms_profile("srgb"),
            colorspace=space, outcolorspace="rgb", intent=intent, flags=flags,
        )  # fmt: skip
    return Layers(pixels, alpha, grey)


def write_png(path: Path, samples: Levels, profile: bytes | None) -> None:
    """Write samples (h, w) or (h, w, n) uint16 as a PNG with a profile."""
    content = memoryview(codecs().png_encode(samples, level=LEVEL))
    with path.open("wb") as stream:
        stream.write(content[:AFTER_HEADER])
        if profile is not None:
            stream.write(_chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(profile)))
        stream.write(content[AFTER_HEADER:])


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def write_tiff(path: Path, samples: Levels, profile: bytes | None) -> None:
    """Write samples (h, w) or (h, w, n) uint16 as a TIFF with a profile."""
    import tifffile

    codecs()
    channels = samples.shape[2] if samples.ndim == 3 else 1
    tifffile.imwrite(
        path, samples, photometric="minisblack" if channels < 3 else "rgb", planarconfig="contig", metadata=None,
        extrasamples=["unassalpha"] if channels % 2 == 0 else None, compression="zlib", predictor=True,
        compressionargs={"level": LEVEL}, iccprofile=profile, software=False,
    )  # fmt: skip
