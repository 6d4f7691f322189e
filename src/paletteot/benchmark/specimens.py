"""Small problems of many shapes, on which it is checked whether a contestant keeps the contract."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from paletteot.ot.problem import Array, Problem, Problems

EPS = 0.5
"""LAB units: five times the benchmark's, so that a check takes seconds."""

FAR = 999.0
"""Where an atom of weight zero lies along every axis, LAB units."""


def problem(seed: int, k: int, l: int) -> Problem:
    """Return a problem between k and l atoms that look like those of photographs: a few clouds in LAB."""
    rng = np.random.default_rng([seed, k, l])
    return Problem(*palette(rng, k), *palette(rng, l), EPS)


def palette(rng: np.random.Generator, k: int) -> tuple[Array, Array]:
    """Return a palette of k colours: centroids (k, 3) in LAB, weights (k,)."""
    centres = rng.normal(size=(4, 3)) * [20, 15, 15] + [50, 0, 0]
    return centres[rng.integers(0, 4, k)] + rng.normal(size=(k, 3)) * 5, rng.dirichlet(np.full(k, 2.0))


def several(k: int = 12) -> Problems:
    """Return all ordered pairs of three palettes of k colours, two of the last one's of weight zero."""
    made = [palette(np.random.default_rng(seed), k) for seed in range(3)]
    x, a = (np.stack(part) for part in zip(*made, strict=True))
    a[-1, -2:], x[-1, -2:] = 0, 0
    a[-1] /= a[-1].sum()
    i, j = np.array(list(permutations(range(3), 2))).T
    return Problems(x[i], a[i], x[j], a[j], EPS, i, j)


def batch(problems: list[Problem], k: int = 0, l: int = 0) -> Problems:
    """Return unrelated problems as a batch, with atoms of weight zero up to k and l, far out, at the ends."""

    def pad(points: Array, weights: Array, size: int) -> tuple[Array, Array]:
        empty = max(size - len(weights), 0)
        return np.pad(points, ((0, empty), (0, 0)), constant_values=FAR), np.pad(weights, (0, empty))

    sides = [(*pad(one.x, one.a, k), *pad(one.y, one.b, l)) for one in problems]
    x, a, y, b = (np.stack(part) for part in zip(*sides, strict=True))
    return Problems(x, a, y, b, EPS, np.arange(len(problems)), np.arange(len(problems)) + len(problems))
