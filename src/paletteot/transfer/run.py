"""The colours of one picture on another: palettes, transport, map, pixels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from paletteot.ot.problem import Problem
from paletteot.palettes import Palette
from paletteot.transfer import pixels
from paletteot.transfer.clustering import of_pixels
from paletteot.transfer.colour_map import ColourMap
from paletteot.transfer.layers import levels_of_grey
from paletteot.transfer.masks import mask as opened_mask
from paletteot.transfer.matching import Match, match
from paletteot.transfer.options import Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.reduction import LONG_SIDE, reduced
from paletteot.warmstarts.contract import WarmStart

TOGETHER = 8
"""Pictures that are taken as one at full LONG_SIDE."""

COLOURLESS = 1.0
"""Largest chroma of a palette's atoms below which its picture has no colours."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Side:
    """What a transfer knows of a picture, or of several taken as one.

    palette: its colours. small: (n, 3) uint8, the pixels that it is made of.
    """

    palette: Palette
    small: NDArray[np.uint8]

    @classmethod
    def of(cls, photo: Photo, options: Options, mask: Mask | None = None) -> Self:
        """Return the palette of a picture, reduced to LONG_SIDE first.

        mask: what belongs of it, (h, w) bool, None for all of it. Raises DataError where nothing does.
        """
        small, counts = reduced(photo, LONG_SIDE, mask)
        return cls._of(small[counts], options)

    @classmethod
    def of_all(cls, photos: Iterable[Photo], count: int, options: Options) -> Self:
        """Return the palette of several pictures taken as one, each looked at once; large and small weigh the same.

        count: how many they are: of many each is reduced further, to the pixels of TOGETHER whole ones.
        """
        side = max(1, round(LONG_SIDE * min(1.0, (TOGETHER / count) ** 0.5)))
        parts = []
        for photo in photos:
            small, counts = reduced(photo, side)
            parts.append(small[counts])
        return cls._of(np.concatenate(parts), options)

    @classmethod
    def _of(cls, few: NDArray[np.uint8], options: Options) -> Self:
        return cls(of_pixels(few, options.k, options.seed), few)

    @cached_property
    def grey(self) -> Side:
        """The same without its colours."""
        return replace(self, palette=replace(self.palette, centroids=self.palette.centroids * [1, 0, 0]))


@dataclass(frozen=True)
class Look:
    """How the colours of A become those of B: what a 3D LUT holds, ready for any picture."""

    source: Palette
    target: Palette
    match: Match
    map: ColourMap
    grey: bool = False

    @classmethod
    def between(
        cls, source: Side, target: Side, options: Options, start: WarmStart | None = None, *, grey: bool = False
    ) -> Self:
        """Match two palettes and return the map.

        start: of `matching.make`, where it is at hand. grey: whether only lightness is moved. Raises as `match` does.
        """
        if grey:  # there all of both palettes are greys, and lightness is what is wanted
            source, target, options = source.grey, target.grey, options.but(neutrals=0)
        x, a = source.palette.centroids, source.palette.weights
        problem = Problem(x, a, target.palette.centroids, target.palette.weights, options.eps)
        found = match(problem, options, start)
        on = a > 0
        chroma = np.hypot(*target.palette.centroids[target.palette.weights > 0, 1:].T)
        free = ColourMap(
            x[on], a[on], found.targets[on], options.method, options.sigma, options.strength, options.keep_luminance,
            colourless=bool(chroma.max() < COLOURLESS),
        )  # fmt: skip
        colours = pixels.colours(source.small)
        return cls(source.palette, target.palette, found, free.fitted(colours), grey)

    def on(self, photo: Photo, mask: Mask | None = None) -> Photo:
        """Return a picture with its colours moved; mask: (h, w) bool of what is moved, None for all of it."""
        made = pixels.moved(photo.pixels, self.map, mask)
        if photo.grey:  # rounding may give a level of colour
            made = np.repeat(levels_of_grey(made)[..., None], 3, axis=2)
        return replace(photo, pixels=made)


@dataclass(frozen=True)
class Transfer:
    """What a transfer gave.

    photo: the result, as large and deep as A. look: the map, with palettes and plan.
    """

    photo: Photo
    look: Look

    @property
    def source(self) -> Palette:
        """Palette of A."""
        return self.look.source

    @property
    def target(self) -> Palette:
        """Palette of B."""
        return self.look.target

    @property
    def match(self) -> Match:
        """Where A's colours went, and what it took."""
        return self.look.match

    @property
    def map(self) -> ColourMap:
        """The map of any colour, CIELAB to CIELAB."""
        return self.look.map

    @property
    def pixels(self) -> NDArray[Any]:
        """The result, (h, w, 3) uint8 or uint16 sRGB."""
        return self.photo.pixels


def transfer(
    a: object,
    b: object,
    options: Options | None = None,
    *,
    mask_a: object = None,
    mask_b: object = None,
    **changes: Any,
) -> Transfer:
    """Move the colours of picture B onto picture A.

    a, b: a path, a PIL image, an array or a `Photo`. options: what may be chosen, changes: of them, by name. mask_a,
    mask_b: pictures of the same sizes, white where A is moved, and where B's colours are taken from.
    Raises DataError and ParamsError, one line each, for what is no picture, no mask or no legal choice.
    """
    chosen = (options or Options()).but(**changes)
    photo, other = Photo.of(a), Photo.of(b)
    mask = None if mask_a is None else opened_mask(mask_a, photo)
    theirs = None if mask_b is None else opened_mask(mask_b, other)
    source, target = Side.of(photo, chosen, mask), Side.of(other, chosen, theirs)
    look = Look.between(source, target, chosen, grey=photo.grey)
    return Transfer(look.on(photo, mask), look)
