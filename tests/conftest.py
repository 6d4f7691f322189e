"""Shared makings: seeded palettes and problems, and the seed's files where they are at hand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from paletteot.ot.problem import Array, Problem, Problems

settings.register_profile("paletteot", deadline=None)  # the first call compiles
settings.load_profile("paletteot")

MakeProblem = Callable[..., Problem]


def palette(rng: np.random.Generator, k: int, spread: float = 6.0) -> tuple[Array, Array]:
    """Return a palette that looks like a photograph's: a few clouds of colours in LAB."""
    centres = rng.normal(size=(5, 3)) * [20, 15, 15] + [50, 0, 0]
    return centres[rng.integers(0, 5, k)] + rng.normal(size=(k, 3)) * spread, rng.dirichlet(np.full(k, 2.0))


@pytest.fixture
def make_problem() -> MakeProblem:
    def make(seed: int = 0, k: int = 24, l: int | None = None, eps: float = 0.5, spread: float = 6.0) -> Problem:
        rng = np.random.default_rng(seed)
        return Problem(*palette(rng, k, spread), *palette(rng, k if l is None else l, spread), eps)

    return make


@pytest.fixture(autouse=True)
def _tracking_uri() -> Iterator[None]:
    """Take back what `mlflow.set_tracking_uri` puts into the environment, where later subprocesses would find it."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    if before is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = before


def batch(problems: list[Problem]) -> Problems:
    """Return problems of one shape as a batch of unrelated palettes."""
    n = len(problems)
    columns = [np.stack([getattr(one, field) for one in problems]) for field in ("x", "a", "y", "b")]
    return Problems(*columns, problems[0].eps, np.arange(n), np.arange(n, 2 * n))


@pytest.fixture
def seed_dir() -> Path:
    folder = os.environ.get("PALETTEOT_SEED_DIR")
    if not folder:
        pytest.skip("PALETTEOT_SEED_DIR is not set: the seed's checkpoint and pictures are not at hand")
    return Path(folder)
