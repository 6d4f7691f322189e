"""A picture becomes a palette: k-means in CIELAB on its distinct colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import paletteot.lab as cielab
from paletteot.arithmetic import arrays
from paletteot.compiled import njit
from paletteot.errors import DataError

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

MOST_STEPS = 100
"""Lloyd steps on the sample end here at the latest,"""
TOLERANCE = 1e-3
"""or where the centroids' squared moves sum to at most this share of the sample's variance per axis."""


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

    k-means++ and Lloyd's k-means on an even sample of the distinct colours, then Lloyd steps on all of them, both with
    the colours' counts as weights: the objective is that of all pixels. A picture of at most k colours is its own
    palette. One thread; the same picture and seed give the same bits on every machine.

    pixels: (h, w, 3) uint8 sRGB. k: atoms. sample: distinct colours k-means starts from, at least k are taken.
    refinements: Lloyd steps on all. Raises DataError when pixels is no such array.
    (Lloyd 1982; Arthur and Vassilvitskii 2007; the pruning of nearest centroids is Phillips 2002.)
    """
    _check(pixels)
    colours, counts = distinct(pixels)
    weights = counts / counts.sum()
    lab = cielab.from_srgb(colours)
    centroids = lab if len(lab) <= k else _cluster(lab, weights, k, max(sample, k), refinements, seed)
    return _finish(lab, weights, centroids, k)


def labels(pixels: NDArray[np.uint8], palette: Palette) -> Labels:
    """Return which atom of a palette is nearest to each pixel of a picture in CIELAB, (h, w) int64.

    Atoms of weight 0 are nobody's. Of the picture that the palette was made of, the labels' shares are its weights.
    pixels: (h, w, 3) uint8 sRGB, of any picture. Raises DataError when pixels is no such array.
    """
    _check(pixels)
    colours, _ = distinct(pixels)
    atoms = np.flatnonzero(palette.weights > 0)
    found = np.full(len(colours), -1)
    nearest(cielab.from_srgb(colours), palette.centroids[atoms], found)
    of_code = np.empty(1 << 24, dtype=np.int32)
    of_code[_codes(colours)] = atoms[found]
    return of_code[_codes(pixels)].astype(np.int64).reshape(pixels.shape[:2])


def _check(pixels: NDArray[np.uint8]) -> None:
    given = f"{type(pixels).__name__} {getattr(pixels, 'shape', '')} {getattr(pixels, 'dtype', '')}".strip()
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise DataError(f"pixels: a picture must be a (height, width, 3) uint8 array of sRGB, but is {given}")
    if pixels.size == 0:
        raise DataError(f"pixels: a picture must have at least one pixel, but is {given}")


def distinct(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the distinct colours (n, 3) of a picture, sorted, and how many pixels each has (n,)."""
    codes, counts = np.unique(_codes(pixels), return_counts=True)
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8), counts


def _codes(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return colours as 24-bit numbers, one for each pixel, flat."""
    flat = pixels.reshape(-1, 3).astype(np.uint32)
    return np.asarray(flat[:, 0] << 16 | flat[:, 1] << 8 | flat[:, 2])


def _cluster(lab: Array, weights: Array, k: int, sample: int, refinements: int, seed: int) -> Array:
    rng = np.random.default_rng([seed])
    few, few_weights = lab, weights
    if len(lab) > sample:
        # Drawn evenly among the colours and weighted by their counts, rare colours keep a say in where atoms begin.
        rows = np.sort(rng.choice(len(lab), sample, replace=False))
        few, few_weights = lab[rows], weights[rows] / weights[rows].sum()
    # As many candidates for each next centroid as scikit-learn tries; the best of them is kept.
    centroids = _plus_plus(few, few_weights, rng.random((k, 2 + int(np.log(k)))))
    centroids = _lloyd(few, few_weights, centroids, MOST_STEPS, TOLERANCE * _variance(few, few_weights))
    return _lloyd(lab, weights, centroids, refinements, 0.0)


def _variance(points: Array, weights: Array) -> float:
    """Return the mean of the variances along the axes."""
    axes = [np.ascontiguousarray(points[:, axis]) for axis in range(3)]
    return sum(arrays.dot(weights, (axis - arrays.dot(weights, axis)) ** 2) for axis in axes) / 3


def _lloyd(points: Array, weights: Array, centroids: Array, steps: int, tolerance: float) -> Array:
    labels = np.full(len(points), -1)
    for _ in range(steps):
        before, squares = centroids, nearest(points, centroids, labels)
        mass, sums = _sums(points, weights, labels, len(centroids))
        full = mass > 0
        centroids = np.where(full[:, None], sums / np.where(full, mass, 1)[:, None], 0)
        if not full.all():
            # An atom that lost its colours starts again at the colour that adds most to the inertia.
            empty = np.flatnonzero(~full)
            centroids[empty] = points[np.argsort(-weights * squares, kind="stable")[: len(empty)]]
        if arrays.total(((centroids - before) ** 2).reshape(-1)) <= tolerance:
            break
    return centroids


def _finish(lab: Array, weights: Array, centroids: Array, k: int) -> Palette:
    labels = np.full(len(lab), -1)
    squares = nearest(lab, centroids, labels)
    mass = np.bincount(labels, weights, len(centroids))
    kept = np.flatnonzero(mass > 0)
    order = kept[np.lexsort((*centroids[kept].T[::-1], -mass[kept]))]
    points, shares = np.zeros((k, 3)), np.zeros(k)
    points[: len(order)] = centroids[order]
    shares[: len(order)] = mass[order]
    return Palette(points, shares / arrays.total(shares), arrays.dot(weights, squares), len(lab))


def nearest(points: Array, centroids: Array, labels: Labels) -> Array:
    """Find the nearest centroid of each point and return the squared distances to them (n,).

    points: (n, 3). centroids: (k, 3). labels: (n,) int64, overwritten with the nearest; what it holds is taken as a
    guess, which makes the search short where it is good, and -1 guesses what the point before has.
    """
    between = np.sqrt(((centroids[:, None] - centroids[None]) ** 2).sum(axis=2))
    np.fill_diagonal(between, -1.0)  # each centroid comes first in its own row, before its duplicates
    order = np.argsort(between, axis=1, kind="stable")
    squares = np.empty(len(points))
    _search(points, centroids, order, np.take_along_axis(between, order, axis=1), labels, squares)
    return squares


@njit(cache=True)
def _search(
    points: Array, centroids: Array, order: Labels, between: Array, labels: Labels, squares: Array
) -> None:  # pragma: no cover - compiled
    for i in range(len(points)):
        guess = labels[i] if labels[i] >= 0 else (labels[i - 1] if i else 0)
        p, q, r = points[i, 0], points[i, 1], points[i, 2]
        best = (p - centroids[guess, 0]) ** 2 + (q - centroids[guess, 1]) ** 2 + (r - centroids[guess, 2]) ** 2
        label, to_guess = guess, np.sqrt(best)
        to_best = to_guess
        for rank in range(1, len(centroids)):
            # |p - c| >= |guess - c| - |p - guess|: from here on no centroid is nearer than the best one found.
            if between[guess, rank] >= to_guess + to_best:
                break
            c = order[guess, rank]
            square = (p - centroids[c, 0]) ** 2 + (q - centroids[c, 1]) ** 2 + (r - centroids[c, 2]) ** 2
            if square < best:
                best, label, to_best = square, c, np.sqrt(square)
        labels[i] = label
        squares[i] = best


@njit(cache=True)
def _sums(points: Array, weights: Array, labels: Labels, k: int) -> tuple[Array, Array]:  # pragma: no cover - compiled
    mass, sums = np.zeros(k), np.zeros((k, 3))
    for i in range(len(points)):
        mass[labels[i]] += weights[i]
        for axis in range(3):
            sums[labels[i], axis] += weights[i] * points[i, axis]
    return mass, sums


@njit(cache=True)
def _plus_plus(points: Array, weights: Array, draws: Array) -> Array:  # pragma: no cover - compiled
    n, (k, trials) = len(points), draws.shape
    centroids = np.empty((k, 3))
    squares, trial, kept = np.full(n, np.inf), np.empty(n), np.empty(n)
    running = np.cumsum(weights)
    for number in range(k):
        lowest = np.inf
        for t in range(trials if number else 1):
            row = min(np.searchsorted(running, draws[number, t] * running[-1], side="right"), n - 1)
            p, q, r = points[row, 0], points[row, 1], points[row, 2]
            inertia = 0.0
            for i in range(n):
                square = (points[i, 0] - p) ** 2 + (points[i, 1] - q) ** 2 + (points[i, 2] - r) ** 2
                trial[i] = min(square, squares[i])
                inertia += weights[i] * trial[i]
            if inertia < lowest:
                lowest = inertia
                centroids[number] = points[row]
                trial, kept = kept, trial
        squares, kept = kept, squares
        running = np.cumsum(weights * squares)
    return centroids
