"""The pair inside the package is a real one, and is solved."""

from __future__ import annotations

import numpy as np

import paletteot
from paletteot.examples import FILE, example
from paletteot.ot import sinkhorn


def test_it_is_a_pair_of_photographs_and_is_solved():
    problem = paletteot.example()
    assert (problem.cost.shape, problem.eps) == ((128, 128), 0.1)
    assert (problem.a > 0).all()
    assert (problem.b > 0).all()
    assert paletteot.solve(problem).marginal_error <= 1e-9


def test_it_is_as_hard_as_the_data_set():
    run = sinkhorn.reference(example())
    assert run.converged
    assert 300 < run.iterations < 5000


def test_it_is_small_and_always_the_same():
    assert FILE.stat().st_size < 20_000
    assert np.array_equal(example().x, example().x)
