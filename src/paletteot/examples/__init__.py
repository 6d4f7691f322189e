"""A real pair of palettes inside the package, for a first try without data or a connection."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from paletteot.ot.problem import Problem
from paletteot.tables import read_parquet

FILE = Path(__file__).with_name("palettes.parquet")
"""Palettes of 128 colours of two photographs that ship with scikit-image, both CC0, made by `scripts/examples.py`:
``coffee`` (Rachel Michetti, courtesy of Pikolo Espresso Bar) and ``chelsea`` (Stefan van der Walt: Chelsea the cat)."""


def example() -> Problem:
    """Return the problem of moving the colours of a cup of coffee onto those of a cat.

    Two palettes of 128 CIELAB colours, k-means of two photographs in the public domain (CC0), eps = 0.1 LAB units. It
    takes about 1 500 Sinkhorn iterations from cold to the reference stop.
    """
    frame = read_parquet(FILE)
    x, a = np.array(frame["centroids"].to_numpy()), np.array(frame["weights"].to_numpy())
    return Problem(x[0], a[0], x[1], a[1], eps=0.1)
