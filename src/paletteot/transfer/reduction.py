"""A picture made small, for its palette: what is seen, and belongs, decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from paletteot.errors import DataError
from paletteot.transfer.layers import Levels, bands, in_eight_bits
from paletteot.transfer.photo import Photo

LONG_SIDE = 512
"""Pixels of the longer side, as the pipeline's pictures have (`images.long_side` in params.yaml)."""
GAP = 3
"""How much larger than what is wanted a picture stays when it is halved, thirded and so on before it is resampled:
there the results differ by less than a level, in a third of the time (Pillow's `reducing_gap` is alike)."""

Pixels = NDArray[np.uint8]


def reduced(
    photo: Photo, long_side: int = LONG_SIDE, mask: NDArray[np.bool_] | None = None
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Return a picture made small, (h, w, 3) uint8 with max(h, w) at most long_side, and which pixels count, (h, w).

    A pixel counts where most of what it shows belongs to the mask, (h, w) bool of the photo's size, and is not wholly
    transparent; what does not is in no colour, not at the edges either. Raises DataError where no pixel counts.
    """
    seen = None if photo.alpha is None else photo.alpha > 0
    if mask is not None:
        seen = mask if seen is None else seen & mask
    if seen is not None and not seen.any():
        raise DataError(f"{photo.name or 'picture'}: no pixel of it has a palette: all are transparent or masked out")
    if seen is None or seen.all():
        small = np.asarray(_small(photo.pixels, None, long_side))
        return small, np.ones(small.shape[:2], dtype=bool)
    small = np.asarray(_small(photo.pixels, seen, long_side))  # Pillow weighs colours by alpha where it resamples
    share = small[..., 3]
    # What is seen may be too thin to fill half a pixel anywhere: then the pixels that show most of it stand for it.
    return np.ascontiguousarray(small[..., :3]), share >= min(128, int(share.max()))


def _small(pixels: Levels, seen: NDArray[np.bool_] | None, long_side: int) -> Image.Image:
    height, width = pixels.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    factor = max(1, int(1 / (scale * GAP)))
    parts = [
        np.asarray(_image(pixels[rows], None if seen is None else seen[rows]).reduce(factor))
        for rows in bands(height, width, factor)
    ]
    image = Image.fromarray(np.concatenate(parts))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    box = (0, 0, width / factor, height / factor)  # the last row and column may stand for less than a factor's
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, box=box)


def _image(pixels: Levels, seen: NDArray[np.bool_] | None) -> Image.Image:
    colours = in_eight_bits(pixels)
    if seen is None:
        return Image.fromarray(np.ascontiguousarray(colours))
    return Image.fromarray(np.dstack([colours, np.where(seen, 255, 0).astype(np.uint8)]))
