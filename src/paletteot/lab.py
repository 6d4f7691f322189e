"""CIELAB of sRGB colours and back, with the same bits on every CPU.

As scikit-image has it (IEC 61966-2-1; CIE 15, illuminant D65, 2 degrees), to rounding: its matrix products go through
BLAS and its powers through the CPU's own instructions, so that last bits of a palette would tell where it was made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paletteot.arithmetic.vector import exp, log
from paletteot.compiled import njit

Array = NDArray[np.float64]
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
def _companded(linear: float) -> int:  # pragma: no cover - compiled
    """Return the sRGB byte of a linear intensity; what leaves sRGB is clipped."""
    value = 1.055 * power(linear, 1.0 / 2.4) - 0.055 if linear > 0.0031308 else 12.92 * linear
    return int(np.floor(255.0 * min(max(value, 0.0), 1.0) + 0.5))


@njit(cache=True, nogil=True, error_model="numpy")
def _from_srgb(colours: Colours, lab: Array) -> None:  # pragma: no cover - compiled
    linear = np.empty(256)
    for level in range(256):
        value = level / 255.0
        linear[level] = power((value + 0.055) / 1.055, 2.4) if value > 0.04045 else value / 12.92
    for i in range(len(colours)):
        r, g, b = linear[colours[i, 0]], linear[colours[i, 1]], linear[colours[i, 2]]
        x = _encoded((0.412453 * r + 0.35758 * g + 0.180423 * b) / WHITE[0])
        y = _encoded((0.212671 * r + 0.71516 * g + 0.072169 * b) / WHITE[1])
        z = _encoded((0.019334 * r + 0.119193 * g + 0.950227 * b) / WHITE[2])
        lab[i, 0], lab[i, 1], lab[i, 2] = 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


@njit(cache=True, nogil=True, error_model="numpy")
def _to_srgb(lab: Array, colours: Colours) -> None:  # pragma: no cover - compiled
    for i in range(len(lab)):
        f = (lab[i, 0] + 16.0) / 116.0
        x = _decoded(lab[i, 1] / 500.0 + f) * WHITE[0]
        y = _decoded(f) * WHITE[1]
        z = _decoded(max(f - lab[i, 2] / 200.0, 0.0)) * WHITE[2]
        # The inverse of the matrix above.
        colours[i, 0] = _companded(3.2404813432005266 * x - 1.5371515162713183 * y - 0.4985363261688878 * z)
        colours[i, 1] = _companded(-0.9692549499965682 * x + 1.8759900014898907 * y + 0.04155592655829284 * z)
        colours[i, 2] = _companded(0.055646639135177166 * x - 0.20404133836651123 * y + 1.0573110696453443 * z)


def from_srgb(colours: Colours) -> Array:
    """Return the CIELAB of sRGB colours (..., 3) uint8 as float64 of the same shape."""
    lab = np.empty(colours.shape)
    _from_srgb(np.ascontiguousarray(colours).reshape(-1, 3), lab.reshape(-1, 3))
    return lab


def to_srgb(lab: Array) -> Colours:
    """Return the sRGB of CIELAB colours (..., 3) as uint8 of the same shape; what leaves sRGB is clipped."""
    colours = np.empty(lab.shape, dtype=np.uint8)
    _to_srgb(np.ascontiguousarray(lab, dtype=np.float64).reshape(-1, 3), colours.reshape(-1, 3))
    return colours
