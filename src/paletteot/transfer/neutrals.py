"""Greys, black and white that both pictures have stay where they are.

Balanced transport moves whatever one picture has more of: where 88 % of A and 60 % of B are white, it paints a part of
A's background in the colours of B's subject. Here the greys of A that B has too are matched with their like first; they
need not find as much of it (a marginal relaxed just there), and only the rest is transported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paletteot.ot.problem import Array, Problem

GREY, COLOURED = 6.0, 14.0
"""Chroma of CIELAB up to which a colour is grey, and from which on it is none."""
NEAR = 5.0
"""Standard deviation of what counts as the same grey, LAB units."""
SCARCE, COMMON = 0.1, 0.5
"""B's share of a grey over A's, up to which A's is transported like any colour, and from which on it stays."""
LEAST = 1e-9
"""Weight below which nothing is left to transport."""


@dataclass(frozen=True)
class Protected:
    """A problem without what stays.

    kept: (k,) share of each source atom that stays. matched: (k, l) mass that stays, at the target atoms that it is
    like; its rows sum to kept a, its columns to any part of b or more. rest: the problem of what is transported, None
    where nothing is left; mass: its share of a.
    """

    kept: Array
    matched: Array
    rest: Problem | None
    mass: float


def protect(problem: Problem, strength: float) -> Protected:
    """Match what both palettes have of greys and return the rest of the problem.

    strength: share of those greys that stays, 0 to 1.
    """
    a, b = problem.a, problem.b
    kept = strength * shares(problem)
    like = _kernel(problem.x, problem.y) * b
    like /= np.maximum(like.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    matched = (a * kept)[:, None] * like
    left, wanted = a - matched.sum(axis=1), np.maximum(b - matched.sum(axis=0), 0)
    left, wanted = np.where(left > LEAST, left, 0), np.where(wanted > LEAST, wanted, 0)
    mass = float(left.sum())
    if not mass:
        return Protected(kept, matched, None, 0.0)
    if not wanted.any():  # B has nothing else, so all of it is wanted again
        wanted = b
    rest = Problem(problem.x, left / mass, problem.y, wanted / wanted.sum(), problem.eps)
    return Protected(kept, matched, rest, mass)


def shares(problem: Problem) -> Array:
    """Return how far each source atom is a grey that the target has too, (k,) in [0, 1]."""
    x, a, y, b = problem.x, problem.a, problem.y, problem.b
    grey = 1 - _step(np.hypot(x[:, 1], x[:, 2]), GREY, COLOURED)
    own = np.maximum(_kernel(x, x) @ a, np.finfo(float).tiny)
    return np.where(a > 0, grey * _step(_kernel(x, y) @ b / own, SCARCE, COMMON), 0.0)


def _kernel(x: Array, y: Array) -> Array:
    squares = ((x[:, None] - y[None]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-squares / (2 * NEAR**2)))


def _step(values: Array, low: float, high: float) -> Array:
    """Return 0 up to low, 1 from high on, and a smooth way between."""
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
