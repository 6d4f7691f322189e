"""How good a colour transfer is: near B's colours, near A's structure, and what it spoils."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import ot
from numpy.typing import NDArray
from skimage import color, filters, metrics

import paletteot.lab as cielab
from paletteot.palettes import Palette

Array = NDArray[np.float64]
Pixels = NDArray[np.uint8]

MOST_PIVOTS = 1_000_000
"""Of the network simplex: palettes of 128 atoms need a few thousand."""

SMALLEST_RANGE = 1.0
"""Largest gradient that a picture without edges is given, L* per pixel: below it SSIM would compare rounding."""

SMOOTH = 1.0
"""A's pixel is smooth where its colours change by at most this, LAB per pixel,"""
EDGE = 4.0
"""and there is an edge where a result's change by at least this: what an eye sees on a plain surface."""

NEAR_WHITE, NEAR_NEUTRAL = 90.0, 5.0
"""A's pixel is a white one from this L* on, up to this chroma, LAB."""
FEWEST_WHITES = 0.005
"""Share of A's pixels below which nothing is said of its whites: highlights are no background."""


@dataclass(frozen=True)
class Measures:
    """What is measured of one result; fields have the units of the functions that make them."""

    w1: float
    w2: float
    gradient_ssim: float
    ssim: float
    banding: float
    neutrals_moved: float | None


def measure(a: Pixels, result: Pixels, made: Palette, wanted: Palette) -> Measures:
    """Measure a result.

    a, result: (h, w, 3) uint8 sRGB of the same size. made: the result's palette. wanted: B's palette.
    """
    w1, w2 = wasserstein(made, wanted)
    return Measures(
        w1, w2, gradient_ssim(a, result), ssim(a, result), banding(a, result), neutrals_moved(a, result)
    )  # fmt: skip


def wasserstein(made: Palette, wanted: Palette) -> tuple[float, float]:
    """Return the Wasserstein distances of two palettes, W1 and W2, both LAB units, 0 for the same palette.

    W_p = (min over couplings P of sum_ij P_ij |x_i - y_j|^p)^(1/p), exactly: the network simplex of POT
    (Bonneel et al. 2011; Flamary et al. 2021).
    """
    x, a = _atoms(made)
    y, b = _atoms(wanted)
    # Differences, not the expanded square: that of two equal colours is 0, without rounding.
    squares = ((x[:, None] - y[None]) ** 2).sum(axis=2)
    costs = [float(ot.emd2(a, b, cost, numItermax=MOST_PIVOTS)) for cost in (np.sqrt(squares), squares)]
    return max(costs[0], 0.0), float(np.sqrt(max(costs[1], 0.0)))


def _atoms(palette: Palette) -> tuple[Array, Array]:
    there = palette.weights > 0
    return palette.centroids[there], palette.weights[there] / palette.weights[there].sum()


def ssim(a: Pixels, result: Pixels) -> float:
    """Return the structural similarity of the lightness of two pictures: 1 for the same, at most 1.

    scikit-image's, 7 x 7 windows, on L* with a range of 100 (Wang et al. 2004). Pictures are at least 7 pixels a side.
    """
    return float(metrics.structural_similarity(_lightness(a), _lightness(result), data_range=100.0))


def gradient_ssim(a: Pixels, result: Pixels) -> float:
    """Return the structural similarity of the edges of two pictures: 1 for the same, at most 1.

    SSIM as in `ssim`, of the magnitudes of the Sobel gradient of L*, L* per pixel; its range is that of A's magnitudes,
    so that nobody widens it by making edges. (After Xydeas and Petrovic 2000, whose edges are Sobel's too.)
    """
    wanted, found = filters.sobel(_lightness(a)), filters.sobel(_lightness(result))
    width = max(float(np.ptp(wanted)), SMALLEST_RANGE)
    return float(metrics.structural_similarity(wanted, found, data_range=width))


def banding(a: Pixels, result: Pixels) -> float:
    """Return the share of A's smooth pixels, 0 to 1, that have an edge in the result; 0 where nothing is smooth.

    The change at a pixel is the norm of the Sobel gradients of L*, a* and b*, LAB per pixel: at most SMOOTH in A, at
    least EDGE in the result. Bands, blotches and noise that was pulled up count alike.
    """
    smooth = _change(a) <= SMOOTH
    return float((_change(result)[smooth] >= EDGE).mean()) if smooth.any() else 0.0


def neutrals_moved(a: Pixels, result: Pixels) -> float | None:
    """Return how far A's whites moved, mean Delta E (CIEDE2000); None where A has too few to speak of.

    Whites: L* of at least NEAR_WHITE and chroma of at most NEAR_NEUTRAL in A.
    """
    before = cielab.from_srgb(a)
    white = (before[..., 0] >= NEAR_WHITE) & (np.hypot(before[..., 1], before[..., 2]) <= NEAR_NEUTRAL)
    if white.mean() < FEWEST_WHITES:
        return None
    return float(color.deltaE_ciede2000(before[white], cielab.from_srgb(result)[white]).mean())


def _lightness(pixels: Pixels) -> Array:
    return np.ascontiguousarray(cielab.from_srgb(pixels)[..., 0])


def _change(pixels: Pixels) -> Array:
    # scikit-image's sobel is the root of half the sum of the squares along both axes: twice its square is the norm's.
    lab = cielab.from_srgb(pixels)
    squares = [filters.sobel(lab[..., axis]) ** 2 for axis in range(3)]
    return np.asarray(np.sqrt(2.0 * np.sum(squares, axis=0)), dtype=np.float64)
