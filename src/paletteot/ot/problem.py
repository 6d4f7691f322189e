"""A transport problem between two palettes, one at a time or in a batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paletteot.compiled import njit
from paletteot.errors import ProblemError
from paletteot.ot import numbers

Array = NDArray[np.float64]

WEIGHT_TOLERANCE = 1e-9
"""How far the weights of a palette may sum from one."""

FARTHEST = 1e150
"""Largest extent of two supports together, LAB units: the square of a distance is still a float64. No eps is
larger, nor smaller than its inverse, so that distances over eps are float64 too."""


def check_palette(x: ArrayLike, a: ArrayLike, name: str) -> tuple[Array, Array]:
    """Return support and weights as float64 arrays.

    x: (k, 3) CIELAB centroids. a: (k,) weights, non-negative, summing to one. name: how a message calls them.
    Raises ProblemError when the arrays are not a palette.
    """
    points = numbers.reals(x, f"{name}: centroids")
    weights = numbers.reals(a, f"{name}: weights")
    if points.ndim != 2 or points.shape[1] != 3 or len(points) == 0:
        raise ProblemError(f"{name}: centroids must have shape (k, 3) with k >= 1, but have {points.shape}")
    if weights.shape != (len(points),):
        raise ProblemError(f"{name}: weights must have shape ({len(points)},), but have {weights.shape}")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ProblemError(f"{name}: weights must be finite and at least 0")
    if not np.isfinite(points[weights > 0]).all():
        raise ProblemError(f"{name}: centroids must be finite, but hold NaN or infinity")
    if abs(weights.sum() - 1) > WEIGHT_TOLERANCE:
        raise ProblemError(f"{name}: weights must sum to 1, but sum to {weights.sum():.12g}")
    return points, weights


def _check_extent(x: Array, y: Array) -> None:
    """Raise ProblemError when distances between supports (k, 3) and (l, 3) might overflow."""
    largest = max(np.abs(x).max(), np.abs(y).max())
    if largest <= FARTHEST / 4:  # nearly always, and the quicker question
        return
    points = np.concatenate([x, y])
    with np.errstate(over="ignore"):
        extent = float((points.max(axis=0) - points.min(axis=0)).max())
    if extent > FARTHEST:
        raise ProblemError(
            f"centroids must lie within {FARTHEST:g} LAB units of each other for their distances to be finite, "
            f"but are {extent:.3g} apart"
        )


@njit(cache=True, nogil=True)
def cost_matrix(x: Array, y: Array) -> Array:  # pragma: no cover - compiled
    """Return Euclidean distances in LAB units, (k, l), between supports (k, 3) and (l, 3)."""
    cost = np.empty((len(x), len(y)))
    for i in range(len(x)):
        x0, x1, x2 = x[i, 0], x[i, 1], x[i, 2]
        for j in range(len(y)):
            d0, d1, d2 = x0 - y[j, 0], x1 - y[j, 1], x2 - y[j, 2]
            cost[i, j] = np.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
    return cost


@dataclass(frozen=True)
class Problem:
    """Entropic transport between palettes (x, a) and (y, b).

    min <P, C> + eps * KL(P || a b^T)  subject to  P 1 = a,  P^T 1 = b,  with C_ij = ||x_i - y_j||_2.

    x: (k, 3), y: (l, 3) CIELAB centroids. a: (k,), b: (l,) weights summing to one. eps: LAB units, positive.
    Raises ProblemError when the arrays are not palettes or too far apart, or eps is not a positive number.
    """

    x: Array
    a: Array
    y: Array
    b: Array
    eps: float = 0.1

    def __post_init__(self) -> None:
        x, a = check_palette(self.x, self.a, "source palette")
        y, b = check_palette(self.y, self.b, "target palette")
        eps = numbers.positive(self.eps, "eps", "a positive number of LAB units")
        if not 1 / FARTHEST <= eps <= FARTHEST:
            raise ProblemError(f"eps must be from {1 / FARTHEST:g} to {FARTHEST:g} LAB units, but is {eps:g}")
        _check_extent(x[a > 0], y[b > 0])
        for field, value in (("x", x), ("a", a), ("y", y), ("b", b), ("eps", eps)):
            object.__setattr__(self, field, value)

    @property
    def cost(self) -> Array:
        """Euclidean distances between the supports, (k, l), LAB units."""
        return cost_matrix(self.x, self.y)

    def on_support(self) -> Problem:
        """Return the problem without its atoms of weight zero."""
        if self.a.all() and self.b.all():
            return self
        i, j = self.a > 0, self.b > 0
        return Problem(self.x[i], self.a[i], self.y[j], self.b[j], self.eps)

    def swapped(self) -> Problem:
        """Return the problem with source and target exchanged."""
        return Problem(self.y, self.b, self.x, self.a, self.eps)


@dataclass(frozen=True)
class Problems:
    """A batch of problems with palettes padded by atoms of weight zero.

    x: (batch, k, 3), a: (batch, k), y: (batch, l, 3), b: (batch, l), all float64. eps: LAB units.
    source, target: (batch,) int64 labels that are equal where palettes are, so that work on a palette can be shared.
    """

    x: Array
    a: Array
    y: Array
    b: Array
    eps: float
    source: NDArray[np.int64]
    target: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> Problem:
        return Problem(self.x[row], self.a[row], self.y[row], self.b[row], self.eps)

    @classmethod
    def of(cls, problem: Problem) -> Problems:
        """Return the batch that holds one problem."""
        return cls(
            problem.x[None], problem.a[None], problem.y[None], problem.b[None], problem.eps,
            np.array([0]), np.array([1]),
        )  # fmt: skip
