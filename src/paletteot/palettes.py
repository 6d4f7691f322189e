"""A picture becomes a palette: k-means in CIELAB on its distinct colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from skimage.color import rgb2lab
from sklearn.cluster import KMeans

from paletteot.errors import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Palette:
    """A discrete colour measure.

    centroids: (k, 3) CIELAB (D65), heaviest first; 0 where the weight is 0. weights: (k,) shares of the pixels, sum 1.
    inertia: mean squared LAB distance of a pixel to its centroid. colours: distinct 24-bit colours of the picture.
    """

    centroids: Array
    weights: Array
    inertia: float
    colours: int


def palette(pixels: NDArray[np.uint8], *, k: int, sample: int, refinements: int, seed: int) -> Palette:
    """Cluster a picture's colours.

    k-means++ and Elkan's k-means on a weighted sample of distinct colours, then Lloyd steps on all of them with their
    counts as weights: the objective is that of all pixels. A picture of fewer than k colours is its own palette.

    pixels: (h, w, 3) uint8 sRGB. k: atoms. sample: distinct colours k-means starts from. refinements: Lloyd steps.
    Raises DataError when pixels is no such array. (Lloyd 1982; Arthur and Vassilvitskii 2007; Elkan 2003.)
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or pixels.size == 0:
        raise DataError(f"a picture must be (height, width, 3) uint8 sRGB, but is {pixels.shape} {pixels.dtype}")
    colours, counts = distinct(pixels)
    weights = counts / counts.sum()
    lab = np.ascontiguousarray(rgb2lab(colours[None])[0], dtype=np.float64)
    centroids = lab if len(lab) <= k else _cluster(lab, weights, k, sample, refinements, seed)
    return _finish(lab, weights, centroids, k)


def distinct(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the distinct colours (n, 3) of a picture, sorted, and how many pixels each has (n,)."""
    flat = pixels.reshape(-1, 3).astype(np.uint32)
    codes, counts = np.unique(flat[:, 0] << 16 | flat[:, 1] << 8 | flat[:, 2], return_counts=True)
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8), counts


def _cluster(lab: Array, weights: Array, k: int, sample: int, refinements: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    if len(lab) > sample:
        # Drawn evenly among the colours and weighted by their counts, rare colours keep a say in where atoms begin.
        rows = np.sort(rng.choice(len(lab), sample, replace=False))
        few, few_weights = lab[rows], weights[rows]
    else:
        few, few_weights = lab, weights
    start = KMeans(k, init="k-means++", n_init=1, algorithm="elkan", random_state=seed, max_iter=100, tol=1e-3)
    centroids = np.array(
        start.fit(few, sample_weight=few_weights / few_weights.mean()).cluster_centers_, dtype=np.float64
    )
    for _ in range(refinements):
        labels, squares = nearest(lab, centroids)
        mass = np.bincount(labels, weights, k)
        sums = np.stack([np.bincount(labels, weights * lab[:, c], k) for c in range(3)], axis=1)
        full = mass > 0
        centroids[full] = sums[full] / mass[full, None]
        empty = np.flatnonzero(~full)
        centroids[empty] = lab[np.argsort(-weights * squares, kind="stable")[: len(empty)]]
    return centroids


def _finish(lab: Array, weights: Array, centroids: Array, k: int) -> Palette:
    labels, squares = nearest(lab, centroids)
    mass = np.bincount(labels, weights, len(centroids))
    kept = np.flatnonzero(mass > 0)
    order = kept[np.lexsort((*centroids[kept].T[::-1], -mass[kept]))]
    points, shares = np.zeros((k, 3)), np.zeros(k)
    points[: len(order)] = centroids[order]
    shares[: len(order)] = mass[order]
    return Palette(points, shares / shares.sum(), float(weights @ squares), len(lab))


@njit(cache=True)
def nearest(points: Array, centroids: Array) -> tuple[NDArray[np.int64], Array]:  # pragma: no cover - compiled
    """Return the nearest centroid of each point (n,) int64 and the squared distance to it (n,)."""
    n, k = len(points), len(centroids)
    labels = np.empty(n, np.int64)
    squares = np.empty(n)
    x, y, z = centroids[:, 0].copy(), centroids[:, 1].copy(), centroids[:, 2].copy()
    away = np.empty(k)
    for i in range(n):
        p, q, r = points[i, 0], points[i, 1], points[i, 2]
        for j in range(k):
            away[j] = (p - x[j]) * (p - x[j]) + (q - y[j]) * (q - y[j]) + (r - z[j]) * (r - z[j])
        best = 0
        for j in range(1, k):
            if away[j] < away[best]:
                best = j
        labels[i] = best
        squares[i] = away[best]
    return labels, squares
