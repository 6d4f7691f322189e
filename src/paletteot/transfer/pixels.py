"""A map of colours over a picture of any size, in memory that does not grow with it.

Of 8-bit pictures each colour that occurs is moved once, and pixels look theirs up: an exact map at the price of the
distinct colours, a few hundred thousand of 12 million pixels. 16-bit pictures are moved row by row.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import paletteot.lab as cielab
from paletteot.compiled import njit
from paletteot.lab import Array

Pixels = NDArray[Any]
Mask = NDArray[np.bool_]
Move = Callable[[Array], Array]
"""From CIELAB (n, 3) to CIELAB (n, 3)."""

AT_ONCE = 1 << 18
"""Colours that are moved at a time."""
QUIET = 1.0
"""Seconds that work takes without a bar."""


def moved(pixels: Pixels, move: Move, mask: Mask | None = None) -> Pixels:
    """Return a picture (h, w, 3) uint8 or uint16 sRGB whose colours have been moved; the rest stays.

    mask: (h, w), true where a pixel is to be moved; None for all.
    """
    out = np.array(pixels, order="C")
    flat = out.reshape(-1, 3)
    chosen = None if mask is None else np.ascontiguousarray(mask).reshape(-1)
    (_by_colour if pixels.dtype == np.uint8 else _by_pixel)(flat, move, chosen)
    return out


def colours(pixels: Pixels, mask: Mask | None = None) -> Array:
    """Return the distinct colours of an 8-bit picture (h, w, 3) as CIELAB (n, 3)."""
    seen = np.zeros(1 << 24, dtype=np.bool_)
    _see(pixels.reshape(-1, 3), _every(mask), seen)
    return cielab.from_srgb(_decoded(np.flatnonzero(seen)))


def _every(mask: Mask | None) -> Mask:
    """Return a flat mask; an empty one for all."""
    return np.empty(0, dtype=np.bool_) if mask is None else np.ascontiguousarray(mask).reshape(-1)


def _by_colour(flat: Pixels, move: Move, chosen: Mask | None) -> None:
    seen = np.zeros(1 << 24, dtype=np.bool_)
    _see(flat, _every(chosen), seen)
    codes = np.flatnonzero(seen).astype(np.int32)
    table = np.empty((1 << 24, 3), dtype=np.uint8)  # pages of it that no colour touches take no memory
    for rows in _spans(len(codes), "colours"):
        table[codes[rows]] = cielab.to_srgb(move(cielab.from_srgb(_decoded(codes[rows]))))
    _look_up(flat, _every(chosen), table)


def _by_pixel(flat: Pixels, move: Move, chosen: Mask | None) -> None:
    for rows in _spans(len(flat), "pixels"):
        on = rows if chosen is None else rows.start + np.flatnonzero(chosen[rows])
        flat[on] = cielab.to_srgb(move(cielab.from_srgb(flat[on])), np.uint16)


def _spans(n: int, unit: str) -> tqdm[slice]:
    spans = [slice(first, min(first + AT_ONCE, n)) for first in range(0, n, AT_ONCE)]
    return tqdm(spans, desc=f"moving {unit}", file=sys.stderr, delay=QUIET, leave=False, disable=None)


def _decoded(codes: NDArray[Any]) -> NDArray[np.uint8]:
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)


@njit(cache=True, nogil=True)
def _see(flat: Pixels, chosen: Mask, seen: Mask) -> None:  # pragma: no cover - compiled
    for i in range(len(flat)):
        if len(chosen) == 0 or chosen[i]:
            seen[np.int64(flat[i, 0]) << 16 | np.int64(flat[i, 1]) << 8 | np.int64(flat[i, 2])] = True


@njit(cache=True, nogil=True)
def _look_up(flat: Pixels, chosen: Mask, table: Pixels) -> None:  # pragma: no cover - compiled
    for i in range(len(flat)):
        if len(chosen) == 0 or chosen[i]:
            code = np.int64(flat[i, 0]) << 16 | np.int64(flat[i, 1]) << 8 | np.int64(flat[i, 2])
            flat[i, 0], flat[i, 1], flat[i, 2] = table[code, 0], table[code, 1], table[code, 2]
