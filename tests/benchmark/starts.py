"""Pairs to judge on, and contestants that answer what a test wants."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from paletteot.benchmark.tracks.runner import Stop
from paletteot.dataset import schema
from paletteot.dataset.load import Pairs, Palettes
from paletteot.ot import newton, sinkhorn
from paletteot.ot.problem import Array, Problems
from paletteot.tables import dtypes
from paletteot.warmstarts.contract import Start
from tests.conftest import palette

EPS = 0.5
STOP = Stop(1e-4, 20_000)


def pairs() -> Pairs:
    """Four pairs of six palettes, one of which has atoms of weight zero."""
    made = [palette(np.random.default_rng(row), 12) for row in range(6)]
    made[2][1][:3] = 0
    made[2][1][:] /= made[2][1].sum()
    palettes = Palettes(
        list("abcdef"), list("ababab"), list("ababab"), np.stack([x for x, _ in made]), np.stack([a for _, a in made])
    )
    frame = pl.DataFrame(
        {"pair_id": range(4), "split": ["test_seen"] * 4, "source": list("abcd"), "target": list("efbc")},
        schema=dtypes(schema.PAIRS),
    ).with_columns(eps=pl.lit(EPS))
    return Pairs(palettes, frame, np.array([0, 1, 2, 3]), np.array([4, 5, 1, 2]))


class Exact:
    """Knows the answer; says it spent three passes on it."""

    name, summary, citation = "exact", "the solution", "none"

    def start(self, problems: Problems) -> Start:
        return Start(np.stack([newton.solve(problems[row]).g for row in range(len(problems))]), iterations=3)


class Told:
    """Starts cold but for what it is told to change."""

    summary, citation = "returns what it is told", "none"

    def __init__(
        self, make: Callable[[Array], Array] = lambda g: g, omega: Array | None = None, iterations: object = 0,
        name: str = "told",
    ) -> None:  # fmt: skip
        self.make, self.omega, self.iterations, self.name = make, omega, iterations, name

    def start(self, problems: Problems) -> Start:
        cold = np.stack([sinkhorn.cold(problems[row]) for row in range(len(problems))])
        return Start(self.make(cold), self.omega, self.iterations)
