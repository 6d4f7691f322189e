"""The accelerations of Track B by their names, and what its rows count."""

from __future__ import annotations

import numpy as np
import polars as pl

from paletteot.benchmark.statistics import Array

PLAIN = "plain"
"""No acceleration: of the base alone, which every ratio is taken to."""

ANDERSON = {f"anderson_{memory}": memory for memory in (5, 10, 20)}

OWN = "relaxed_own"
RELAXED = ("relaxed", "relaxed_power", OWN)
"""With a constant omega, with one estimated from the start's plan, and with the start's own."""

ORDER = (PLAIN, *RELAXED, *ANDERSON)
"""In which they are shown."""


def counts(frame: pl.DataFrame, label: str) -> Array:
    """Return the iterations of rows of ACCELERATED to a tolerance, with those inside the start, (n,)."""
    total = frame[f"iterations_{label}"].cast(pl.Int64) + frame["init_iterations"]
    return total.to_numpy().astype(np.float64)
