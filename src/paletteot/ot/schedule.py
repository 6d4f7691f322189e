"""Epsilon schedules: Sinkhorn iterations, one at each of a falling sequence of regularisations."""

from __future__ import annotations

import numpy as np

from paletteot.arithmetic.vector import exp, log
from paletteot.compiled import njit
from paletteot.ot import numbers
from paletteot.ot.kernels import full_update
from paletteot.ot.problem import Array, Problem
from paletteot.ot.sinkhorn import expand

HOTTEST = 40
"""Regularisation of the first iteration, LAB units: about the distances themselves."""


def schedule(problem: Problem, iterations: int, hottest: float = HOTTEST) -> Array:
    """Return target potentials, (l,), after one iteration at each of a falling sequence of regularisations.

    Geometric, from ``hottest`` to the problem's eps, LAB units (Schmitzer 2019, section 3.2, with single iterations).
    Gauge sum_j b_j g_j = 0; 0 off the support. Raises ProblemError when there is no iteration or nothing to cool.
    """
    iterations = numbers.whole(iterations, "iterations", 1)
    hottest = numbers.positive(hottest, "hottest", "a positive number of LAB units")
    kept = problem.on_support()
    g = np.zeros(len(kept.b))
    _run(kept.cost, kept.a, kept.b, kept.eps, g, iterations, max(hottest, kept.eps))
    return expand(g, problem.b)


@njit(cache=True, nogil=True, error_model="numpy")
def _run(
    cost: Array, a: Array, b: Array, eps: float, g: Array, iterations: int, hottest: float
) -> None:  # pragma: no cover - compiled
    f, mass, column = np.empty(len(a)), np.empty(len(b)), np.empty(len(b))
    fall = log(eps / hottest) if iterations > 1 else 0.0
    for step in range(iterations):
        last = step == iterations - 1
        temperature = eps if last else hottest * exp(fall * (step / (iterations - 1)))
        full_update(cost, a, b, g, temperature, f, mass, column)
