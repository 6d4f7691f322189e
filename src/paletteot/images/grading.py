"""Seeded colour gradings in CIELAB, stronger than a photographer's: nine photographs must do for two thousand."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from skimage.color import lab2rgb, rgb2lab

from paletteot.images.source import Pixels

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
    lab = rgb2lab(pixels).astype(np.float32)
    light = 100 * np.clip(lab[..., 0] / 100, 0, 1) ** grading["gamma"]
    light = np.clip(50 + grading["contrast"] * (light - 50), 0, 100)
    cos, sin = np.cos(grading["angle"]), np.sin(grading["angle"])
    a, b = lab[..., 1], lab[..., 2]
    graded = np.stack(
        [
            light,
            grading["chroma_a"] * (cos * a - sin * b) + grading["shift_a"],
            grading["chroma_b"] * (sin * a + cos * b) + grading["shift_b"],
        ],
        axis=-1,
    )
    return _to_rgb(graded)


def _to_rgb(lab: NDArray[np.float32]) -> Pixels:
    with warnings.catch_warnings():
        # Colours that leave sRGB are clipped here on purpose; skimage warns of the few whose XYZ is negative.
        warnings.filterwarnings("ignore", message=".*negative Z values.*")
        rgb = lab2rgb(lab)
    return np.asarray(np.rint(255 * np.clip(rgb, 0, 1)), dtype=np.uint8)
