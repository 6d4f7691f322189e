"""The picture of an example: six tiles with captions."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from paletteot.demo.example import VISIBLE, Example

Pixels = NDArray[np.uint8]

TILE, GAP, CAPTION, NOTE = 400, 10, 26, 20
"""Longest side of a tile; space between tiles; height of a caption and of a line below all: pixels."""
INK, FAINT, PAPER = "#1b1b1b", "#5a5a5a", "#ffffff"
QUALITY = 86
SMALL, SMALLER = 640, 320
"""Longest side of the pictures that a page shows one over the other, and of the one beside them, pixels."""


def draw(example: Example, notes: list[str]) -> bytes:
    """Return the JPEG of an example: A, B, network only; warm, cold, their difference. notes: lines below all."""
    tiles = [Image.fromarray(one) for one in (example.a, example.b, example.network)]
    tiles += [Image.fromarray(one) for one in (example.warm, example.cold, _shown(example.delta))]
    for tile in tiles:
        tile.thumbnail((TILE, TILE), Image.Resampling.LANCZOS)
    rows = [tiles[:3], tiles[3:]]
    heights = [max(one.height for one in row) + CAPTION + GAP for row in rows]
    size = (3 * TILE + 4 * GAP, GAP + sum(heights) + NOTE * len(notes) + GAP)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    caption, note = _font(15), _font(12)
    words = captions(example)
    top = GAP
    for number, row in enumerate(rows):
        for column, tile in enumerate(row):
            left = GAP + column * (TILE + GAP)
            pen.text((left, top + 2), words[3 * number + column], INK, caption)
            sheet.paste(tile, (left, top + CAPTION))
        top += heights[number]
    for number, line in enumerate(notes):
        pen.text((GAP, top + number * NOTE), line, FAINT, note)
    return jpeg(sheet)


def captions(example: Example) -> list[str]:
    """Return what stands over each of the six tiles."""
    counts = example.counts
    warm = f"warm: {counts.iterations:,} iterations" if counts else "warm: nothing to transport"
    cold = f"cold: {counts.cold_iterations:,} iterations" if counts else "cold: nothing to transport"
    own = f"network only: {counts.own} passes, no Sinkhorn" if counts else "network only"
    largest = f"warm - cold: at most {example.delta.max():.2f} Delta E (white: {VISIBLE:g})"
    return ["A", "B, which gives the colours", own, warm, cold, largest]


def small(pixels: Pixels, side: int = SMALL) -> bytes:
    """Return a picture as a JPEG of at most so many pixels a side."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return jpeg(image)


def jpeg(image: Image.Image) -> bytes:
    """Return the bytes of a JPEG file."""
    stream = BytesIO()
    image.save(stream, "JPEG", quality=QUALITY, optimize=True)
    return stream.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which matplotlib ships: photographers have names that Pillow's own font cannot write."""
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _shown(delta: NDArray[np.float64]) -> Pixels:
    grey = np.clip(delta / VISIBLE, 0, 1) * 255 + 0.5
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
