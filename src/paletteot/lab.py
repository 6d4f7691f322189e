"""CIELAB of sRGB colours and back, with the same bits on every CPU.

As scikit-image has it (IEC 61966-2-1; CIE 15, illuminant D65, 2 degrees), to rounding: its matrix products go through
BLAS and its powers through the CPU's own instructions, so that last bits of a palette would tell where it was made.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from paletteot.arithmetic.vector import exp, log
from paletteot.compiled import njit

Array = NDArray[np.float64]
Levels = TypeVar("Levels", np.uint8, np.uint16)
Colours = NDArray[np.uint8]

WHITE = (0.95047, 1.0, 1.08883)


@njit(error_model="numpy")
def power(x: float, exponent: float) -> float:  # pragma: no cover - compiled
    """Return x to an exponent, for a normal positive x; 0 of what is smaller."""
    return exp(exponent * log(x)) if x > 1e-300 else 0.0


@njit(error_model="numpy")
def _encoded(t: float) -> float:  # pragma: no cover - compiled
    """Return CIELAB's compression of a share of the white point."""
    if t <= 0.008856:
        return 7.787 * t + 16.0 / 116.0
    root = power(t, 1.0 / 3.0)
    return root - (root - t / (root * root)) / 3.0  # a step of Newton's: what is left is rounding


@njit(error_model="numpy")
def _decoded(f: float) -> float:  # pragma: no cover - compiled
    return f * f * f if f > 0.2068966 else (f - 16.0 / 116.0) / 7.787


@njit(error_model="numpy")
def _companded(linear: float, top: float) -> int:  # pragma: no cover - compiled
    """Return the sRGB level, 0 to top, of a linear intensity; what leaves sRGB is clipped."""
    value = 1.055 * power(linear, 1.0 / 2.4) - 0.055 if linear > 0.0031308 else 12.92 * linear
    return int(np.floor(top * min(max(value, 0.0), 1.0) + 0.5))


@njit(cache=True, nogil=True, error_model="numpy")
def _linear(table: Array) -> None:  # pragma: no cover - compiled
    for level in range(len(table)):
        value = level / (len(table) - 1.0)
        table[level] = power((value + 0.055) / 1.055, 2.4) if value > 0.04045 else value / 12.92


@lru_cache(maxsize=2)
def _intensities(levels: int) -> Array:
    """Return the linear intensity of each sRGB level, (levels,)."""
    table = np.empty(levels)
    _linear(table)
    return table


@njit(cache=True, nogil=True, error_model="numpy")
def _from_srgb(colours: Any, linear: Array, lab: Array) -> None:  # pragma: no cover - compiled
    for i in range(len(colours)):
        r, g, b = linear[colours[i, 0]], linear[colours[i, 1]], linear[colours[i, 2]]
        x = _encoded((0.412453 * r + 0.35758 * g + 0.180423 * b) / WHITE[0])
        y = _encoded((0.212671 * r + 0.71516 * g + 0.072169 * b) / WHITE[1])
        z = _encoded((0.019334 * r + 0.119193 * g + 0.950227 * b) / WHITE[2])
        lab[i, 0], lab[i, 1], lab[i, 2] = 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


@njit(cache=True, nogil=True, error_model="numpy")
def _to_srgb(lab: Array, top: float, colours: Any) -> None:  # pragma: no cover - compiled
    for i in range(len(lab)):
        f = (lab[i, 0] + 16.0) / 116.0
        x = _decoded(lab[i, 1] / 500.0 + f) * WHITE[0]
        y = _decoded(f) * WHITE[1]
        z = _decoded(max(f - lab[i, 2] / 200.0, 0.0)) * WHITE[2]
        # The inverse of the matrix above.
        colours[i, 0] = _companded(3.2404813432005266 * x - 1.5371515162713183 * y - 0.4985363261688878 * z, top)
        colours[i, 1] = _companded(-0.9692549499965682 * x + 1.8759900014898907 * y + 0.04155592655829284 * z, top)
        colours[i, 2] = _companded(0.055646639135177166 * x - 0.20404133836651123 * y + 1.0573110696453443 * z, top)


def from_srgb(colours: NDArray[Levels]) -> Array:
    """Return the CIELAB of sRGB colours (..., 3) uint8 or uint16 as float64 of the same shape."""
    lab = np.empty(colours.shape)
    linear = _intensities(np.iinfo(colours.dtype).max + 1)
    _from_srgb(np.ascontiguousarray(colours).reshape(-1, 3), linear, lab.reshape(-1, 3))
    return lab


def to_srgb(lab: Array, dtype: type[Levels] = np.uint8) -> NDArray[Levels]:  # type: ignore[assignment]
    """Return the sRGB of CIELAB colours (..., 3) as uint8 or uint16 of the same shape; what leaves sRGB is clipped."""
    colours = np.empty(lab.shape, dtype=dtype)
    top = float(np.iinfo(dtype).max)
    _to_srgb(np.ascontiguousarray(lab, dtype=np.float64).reshape(-1, 3), top, colours.reshape(-1, 3))
    return colours
