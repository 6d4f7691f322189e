"""Pictures, palettes and plans of the page's visitors, kept while they move the sliders.

What did not change is not computed again: a picture is opened once, its palette made once for each k, a plan once for
each choice that it depends on. Sliders of the map alone, as strength, then cost the map over a small picture. All
that is kept is small; the picture itself is opened again from its file where the whole of it is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

import paletteot.app.flow as drawing
from paletteot.app import limits
from paletteot.errors import DataError, PaletteOTError
from paletteot.transfer import layers, matching, pixels
from paletteot.transfer.options import EXACT, Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.reduction import LONG_SIDE, reduced
from paletteot.transfer.run import Look, Side, Transfer
from paletteot.warmstarts.contract import WarmStart

PLAIN = Options()
SHOWN = 1024
"""Pixels of the longer side of what the page shows."""
PICTURES, SIDES, LOOKS = 32, 64, 64
"""How many are kept; 3 MB, 1 MB and, with 256 colours, 0.5 MB each."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture made small.

    file: the whole of it. name: what messages call it. shown: at most SHOWN pixels long, 8 bits. small: what its
    palette is made of, opaque where pixels count.
    """

    file: Path
    name: str
    shown: Photo
    small: Photo


def whole(file: Path) -> Photo:
    """Open a visitor's picture; raises DataError, one line, where it is none or too large."""
    limits.check(file, file.name)
    try:
        photo = Photo.of(file, file.name)
    except PaletteOTError as error:
        raise DataError(str(error).replace(str(file), file.name)) from error
    limits.check_pixels(photo.pixels.shape[1::-1], photo.name)  # of formats whose headers Pillow cannot read
    return photo


@lru_cache(PICTURES)
def picture(file: Path) -> Picture:
    """Open a visitor's picture and make it small; raises as `whole` does."""
    photo = whole(file)
    small, counts = reduced(photo, LONG_SIDE)
    alpha = None if counts.all() else np.where(counts, np.uint8(255), np.uint8(0))
    return Picture(file, photo.name, _shown(photo), Photo(small, alpha, photo.grey, photo.name))


def _shown(photo: Photo) -> Photo:
    colours = layers.in_eight_bits(photo.pixels)
    alpha = None if photo.alpha is None else layers.in_eight_bits(photo.alpha)
    image = Image.fromarray(layers.joined(colours, alpha, grey=False))
    image.thumbnail((SHOWN, SHOWN), Image.Resampling.LANCZOS, reducing_gap=3.0)
    small = layers.split(np.asarray(image))
    return Photo(small.pixels, small.alpha, photo.grey, photo.name)


def look(source: Path, target: Path, options: Options) -> Look:
    """Return how the colours of the first picture become those of the second; raises as `paletteot.transfer` does."""
    plain = _matched(source, target, _of_the_plan(options))
    moving = replace(
        plain.map,
        method=options.method,
        sigma=options.sigma,
        strength=options.strength,
        keep_luminance=options.keep_luminance,
    )
    return replace(plain, map=moving.fitted(_colours(source)))


def preview(source: Path, target: Path, options: Options) -> Transfer:
    """Return the transfer of the first picture as it is shown."""
    found = look(source, target, options)
    return Transfer(found.on(picture(source).shown), found)


def result(source: Path, target: Path, options: Options) -> Photo:
    """Return the whole first picture in the colours of the second, as `paletteot.transfer` gives it."""
    photo = whole(source)
    return look(source, target, options).on(photo)


def flow(source: Path, target: Path, options: Options) -> Image.Image:
    """Return both palettes and the plan between them as a picture."""
    return _drawn(source, target, _of_the_plan(options))


def _of_the_plan(options: Options) -> Options:
    """Return what the plan depends on; all else is as it is always."""
    return Options(options.k, options.eps, neutrals=options.neutrals, start=options.start, seed=options.seed)


@lru_cache(LOOKS)
def _drawn(source: Path, target: Path, options: Options) -> Image.Image:
    return drawing.flow(_matched(source, target, options))


@lru_cache(LOOKS)
def _matched(source: Path, target: Path, options: Options) -> Look:
    start = None if options.start == EXACT else _start(options.start)
    grey = picture(source).small.grey
    return Look.between(_side(source, options.k), _side(target, options.k), options, start, grey=grey)


@lru_cache(SIDES)
def _side(file: Path, k: int) -> Side:
    return Side.of(picture(file).small, Options(k=k))


@lru_cache(PICTURES)
def _colours(file: Path) -> layers.Levels:
    small, counts = reduced(picture(file).small, LONG_SIDE)
    return pixels.colours(small[counts])


@lru_cache
def _start(name: str) -> WarmStart:
    return matching.make(name)
