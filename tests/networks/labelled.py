"""Small labelled pairs for the tests of learned warm starts."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import polars as pl

from paletteot.dataset.load import Pairs, Palettes
from paletteot.ot import newton
from paletteot.ot.problem import Array, Problem, Problems

EPS = 0.5


def palette(rng: np.random.Generator, k: int) -> tuple[Array, Array]:
    centres = rng.normal(size=(4, 3)) * [20, 15, 15] + [50, 0, 0]
    return centres[rng.integers(0, 4, k)] + rng.normal(size=(k, 3)) * 5, rng.dirichlet(np.full(k, 2.0))


def labelled_pairs(seed: int = 0, pictures: int = 6, k: int = 12) -> Pairs:
    """All ordered pairs of a few palettes, the last of which has two atoms of weight zero."""
    rng = np.random.default_rng(seed)
    made = [palette(rng, k) for _ in range(pictures)]
    x, a = (np.stack(part) for part in zip(*made, strict=True))
    a[-1, -2:] = 0
    a[-1] /= a[-1].sum()
    x[-1, -2:] = 0
    ids = [f"p{n}" for n in range(pictures)]
    palettes = Palettes(ids, ids, ["group"] * pictures, x, a)
    source, target = np.array(list(permutations(range(pictures), 2))).T
    g = [newton.solve(Problem(x[i], a[i], x[j], a[j], EPS)).g for i, j in zip(source, target, strict=True)]
    frame = pl.DataFrame({"g": pl.Series(np.stack(g), dtype=pl.Array(pl.Float64, k))}).with_columns(eps=pl.lit(EPS))
    return Pairs(palettes, frame, source, target)


def one(seed: int, k: int, l: int, eps: float = EPS) -> Problems:
    """Return a batch of one problem."""
    rng = np.random.default_rng(seed)
    return Problems.of(Problem(*palette(rng, k), *palette(rng, l), eps))
