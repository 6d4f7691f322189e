"""Swatches as a picture: tiles whose areas are the shares."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from paletteot.palettes import Array
from paletteot.swatches.sheet import Sheet, Swatch

SIZE = (1200, 800)
"""Pixels of the picture. The rarest colour of a picture of 512 px, one pixel of it, has an area of a few of them."""
LARGEST, SMALLEST = 28, 10
"""Font sizes of labels, pixels; a tile that is too small for the smallest has none."""
LIGHT = 50
"""L* from which on black has more contrast than white (WCAG 2: equal at a relative luminance of 0.18)."""

Box = tuple[int, int, int, int]


def as_png(sheet: Sheet, size: tuple[int, int] = SIZE) -> bytes:
    """Return a PNG of tiles from the top left, heaviest first, with hex and share where there is room for them.

    Areas are the shares but for the rounding of edges to whole pixels. size: width and height, pixels.
    """
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    for one, box in zip(sheet.colours, tiles([one.weight for one in sheet.colours], *size), strict=True):
        image.paste(one.rgb, box)
        _label(draw, one, box)
    buffer = BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def tiles(weights: Sequence[float], width: int, height: int) -> list[Box]:
    """Fill a rectangle with tiles that are nearly square; return left, top, right and bottom of each, pixels.

    weights: positive, falling; areas are proportional to them. Row by row is laid along the shorter side of what is
    left, and takes tiles for as long as that makes its flattest less flat (Bruls, Huizing and van Wijk 2000).
    """
    areas = np.asarray(weights) * (width * height / np.sum(weights))
    left, top, across, down = 0.0, 0.0, float(width), float(height)
    boxes: list[tuple[float, float, float, float]] = []
    while len(boxes) < len(areas):
        rest, side, count = areas[len(boxes) :], min(across, down), 1
        while count < len(rest) and _flattest(rest[: count + 1], side) <= _flattest(rest[:count], side):
            count += 1
        row = rest[:count]
        depth = row.sum() / side
        spans = pairwise(np.cumsum([0, *row]) / depth)
        if across >= down:
            boxes += [(left, top + start, left + depth, top + stop) for start, stop in spans]
            left, across = left + depth, across - depth
        else:
            boxes += [(left + start, top, left + stop, top + depth) for start, stop in spans]
            top, down = top + depth, down - depth
    return [(round(box[0]), round(box[1]), round(box[2]), round(box[3])) for box in boxes]


def _flattest(row: Array, side: float) -> float:
    """Return the longer by the shorter side of the flattest tile of a row along this side."""
    depth = float(row.sum()) / side
    return max(float(row.max()) / depth**2, depth**2 / float(row.min()))


def _label(draw: ImageDraw.ImageDraw, swatch: Swatch, box: Box) -> None:
    left, top, right, bottom = box
    size = min(LARGEST, (right - left) // 5, (bottom - top) // 3)  # #rrggbb is at most 4.3 times its size wide
    if size < SMALLEST:
        return
    middle = ((left + right) / 2, (top + bottom) / 2)
    fill = "black" if swatch.lab[0] >= LIGHT else "white"
    text = f"{swatch.hex}\n{swatch.share}"
    draw.multiline_text(middle, text, fill, ImageFont.load_default(size), anchor="mm", align="center")
