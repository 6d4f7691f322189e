"""The palette of any picture: what `paletteot palette` prints and `paletteot.palette` returns."""

from __future__ import annotations

from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

import paletteot.palettes as palettes
from paletteot.errors import ParamsError
from paletteot.palettes import Labels, Palette
from paletteot.transfer.layers import in_eight_bits
from paletteot.transfer.masks import mask as opened_mask
from paletteot.transfer.options import LEAST_K, MOST_K, Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.reduction import LONG_SIDE, reduced

SAMPLE, REFINEMENTS = 8000, 6
"""As the pipeline has them in params.yaml, which a user's folder has not."""
SEED = Options.seed


@overload
def palette(
    picture: object, k: int = ..., *, mask: object = ..., seed: int = ..., long_side: int = ...,
    labels: Literal[False] = ...,
) -> Palette: ...  # fmt: skip
@overload
def palette(
    picture: object, k: int = ..., *, mask: object = ..., seed: int = ..., long_side: int = ..., labels: Literal[True]
) -> tuple[Palette, Labels]: ...
def palette(
    picture: object,
    k: int = 128,
    *,
    mask: object = None,
    seed: int = SEED,
    long_side: int = LONG_SIDE,
    labels: bool = False,
) -> Palette | tuple[Palette, Labels]:
    """Return the palette of a picture: its colours as k atoms in CIELAB with weights, heaviest first.

    picture: a path, a PIL image, an array or a Photo. k: 2 to 1024; a picture of fewer colours leaves atoms of weight
    0. mask: a picture of the same size, white where colours count; pixels that are wholly transparent never do. seed:
    of the clustering. long_side: pixels that the picture is reduced to first. labels: return the nearest atom of each
    pixel too, (h, w) int64, at the picture's own size and of all its pixels.

    Raises DataError for what is no picture or mask, ParamsError for what is no k.
    """
    check(k)
    photo = Photo.of(picture)
    made = of_photo(photo, k, None if mask is None else opened_mask(mask, photo), seed, long_side)
    return (made, palettes.labels(in_eight_bits(photo.pixels), made)) if labels else made


def of_photo(
    photo: Photo, k: int, mask: NDArray[np.bool_] | None = None, seed: int = SEED, long_side: int = LONG_SIDE
) -> Palette:
    """Return the palette of an open picture; mask: (h, w) bool, where it counts."""
    small, counted = reduced(photo, long_side, mask)
    return of_pixels(small[counted], k, seed)


def of_pixels(pixels: NDArray[np.uint8], k: int, seed: int) -> Palette:
    """Return the palette of pixels (n, 3) uint8 sRGB."""
    return palettes.palette(pixels[None], k=k, sample=SAMPLE, refinements=REFINEMENTS, seed=seed)


def check(k: int, name: str = "k") -> None:
    """Raise ParamsError for what is no number of colours; name: what the message calls it."""
    if not LEAST_K <= k <= MOST_K:
        raise ParamsError(f"{name} must be {LEAST_K} to {MOST_K}, but is {k}")
