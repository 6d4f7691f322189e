"""Both palettes and the ribbons between them, on whatever ground the page has."""

from __future__ import annotations

import numpy as np
from PIL import Image

from paletteot.lab import Array
from paletteot.transfer import ribbons
from paletteot.transfer.run import Look

WIDTH, BAR, GAP, RIBBONS = 1200, 56, 6, 330
"""Pixels."""


def flow(look: Look) -> Image.Image:
    """Return the palette of A, ribbons for where its mass goes, and the palette of B; RGBA, clear between ribbons."""
    x, y, plan = look.source, look.target, look.match.plan
    first, second = ribbons.bars(plan, x.centroids, x.weights, y.centroids, y.weights)
    joined = ribbons.ribbons(plan, first, second)
    on_black, on_white = (np.full((RIBBONS, WIDTH, 3), level, dtype=np.float64) for level in (0, 255))
    for canvas in (on_black, on_white):
        ribbons.paint(canvas, joined, first, second)
    cover = 1 - (on_white - on_black).mean(axis=2, keepdims=True) / 255
    whole = np.zeros((2 * (BAR + GAP) + RIBBONS, WIDTH, 4))
    whole[BAR + GAP : -BAR - GAP, :, :3] = on_black / np.maximum(cover, 1 / 255)
    whole[BAR + GAP : -BAR - GAP, :, 3:] = 255 * cover
    _bar(whole[:BAR], first, x.centroids)
    _bar(whole[-BAR:], second, y.centroids)
    return Image.fromarray(np.rint(np.clip(whole, 0, 255)).astype(np.uint8))


def _bar(canvas: Array, bar: ribbons.Bar, x: Array) -> None:
    ribbons.paint_bar(canvas[..., :3], bar, x)
    canvas[..., 3] = 255
