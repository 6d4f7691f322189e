"""Seeded colour gradings in CIELAB, stronger than a photographer's: nine photographs must do for two thousand."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

import paletteot.lab as cielab
from paletteot.compiled import njit
from paletteot.images.source import Pixels

Array = NDArray[np.float64]

IDENTITY = {
    "gamma": 1.0,
    "contrast": 1.0,
    "angle": 0.0,
    "chroma_a": 1.0,
    "chroma_b": 1.0,
    "shift_a": 0.0,
    "shift_b": 0.0,
}
"""The grading that changes nothing: tone curve exponent, contrast about L = 50, rotation of a*b* in radians, scaling of
its axes, and white balance as a shift of a* and b* in LAB units."""


def draw(rng: np.random.Generator, strength: float) -> dict[str, float]:
    """Draw a grading; strength 0 gives the identity, 1 the difficulty of the benchmark."""
    drawn = {
        "gamma": np.exp(strength * rng.normal(0, 0.52)),
        "contrast": np.exp(strength * rng.normal(0, 0.29)),
        "angle": strength * rng.normal(0, 1.4),
        "chroma_a": np.exp(strength * rng.normal(-0.23, 0.46)),
        "chroma_b": np.exp(strength * rng.normal(-0.23, 0.46)),
        "shift_a": strength * rng.normal(0, 8),
        "shift_b": strength * rng.normal(0, 8),
    }
    return {name: round(float(value), 6) + 0.0 for name, value in drawn.items()}


def apply(pixels: Pixels, grading: dict[str, float]) -> Pixels:
    """Grade a picture, (h, w, 3) uint8 sRGB; colours that leave sRGB are clipped as an editor would."""
    if not grading or grading == IDENTITY:
        return pixels
    graded = cielab.from_srgb(pixels)
    # Rounded like the parameters themselves: the last bits of a sine differ from one machine to the next.
    cos, sin = round(math.cos(grading["angle"]), 12), round(math.sin(grading["angle"]), 12)
    _grade(
        graded.reshape(-1, 3), grading["gamma"], grading["contrast"], cos, sin, grading["chroma_a"],
        grading["chroma_b"], grading["shift_a"], grading["shift_b"],
    )  # fmt: skip
    return cielab.to_srgb(graded)


@njit(cache=True, nogil=True, error_model="numpy")
def _grade(
    lab: Array, gamma: float, contrast: float, cos: float, sin: float, chroma_a: float, chroma_b: float,
    shift_a: float, shift_b: float,
) -> None:  # pragma: no cover - compiled  # fmt: skip
    """Grade colours (n, 3) in place."""
    for i in range(len(lab)):
        a, b = lab[i, 1], lab[i, 2]
        light = 100.0 * cielab.power(min(max(lab[i, 0] / 100.0, 0.0), 1.0), gamma)
        lab[i, 0] = min(max(50.0 + contrast * (light - 50.0), 0.0), 100.0)
        lab[i, 1] = chroma_a * (cos * a - sin * b) + shift_a
        lab[i, 2] = chroma_b * (sin * a + cos * b) + shift_b
