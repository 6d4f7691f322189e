"""Seeded crops of photographs."""

from __future__ import annotations

import numpy as np

from paletteot.images.source import Crop

SMALLEST = 0.35
"""Of each side of the photograph: smaller crops of the bundled ones would be enlarged more than threefold."""


def draw(rng: np.random.Generator, width: int, height: int) -> Crop:
    """Draw a crop of a photograph: each side evenly between SMALLEST and 1 of its own, then the place; pixels."""
    w, h = (max(1, round(side * rng.uniform(SMALLEST, 1))) for side in (width, height))
    left, top = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    return left, top, left + w, top + h
