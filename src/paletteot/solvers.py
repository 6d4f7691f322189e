"""The referee's own solvers under Track C's contract: a start and what follows it, as one function.

Each is ``solve(x, a, y, b, eps, tolerance)``: x (k, 3), y (l, 3) centroids in LAB, a (k,), b (l,) positive weights, eps
in LAB units. It returns g (l,) in LAB units, and whether it believes that the plan rebuilt from g has an L1 marginal
error, both sides together, of at most the tolerance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

import paletteot.pretrained as pretrained
from paletteot.guests.code import Code
from paletteot.ot import accelerated, exact, newton, sinkhorn
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.ot.schedule import schedule
from paletteot.warmstarts.contract import WarmStart

Solve = Callable[[Array, Array, Array, Array, float, float], tuple[Array, bool]]

BASE = "cold + plain"
"""The solver that every ratio is taken to."""

OWN = {
    BASE: "cold_plain",
    "cold + anderson_20": "cold_anderson",
    "epsilon_schedule_10 + anderson_20": "schedule_anderson",
    "epsilon_schedule_10 + newton": "schedule_newton",
    "lp_duals + anderson_20": "lp_anderson",
    "lp_duals + newton": "lp_newton",
    "dual_network + anderson_20": "network_anderson",
    "dual_network + newton": "network_newton",
    "paletteot.solve": "solve",
}
"""Name of each: its function here."""

WEIGHTS = "dual"
"""The learned start that ships with the package."""


def own() -> list[Code]:
    """Return the referee's own solvers; those from a learned start only where the package holds its weights."""
    there = pretrained.weights(WEIGHTS).is_file()
    return [
        Code(name, __name__, function) for name, function in OWN.items() if there or not function.startswith("network")
    ]


def _plain(problem: Problem, g: Array, tolerance: float) -> tuple[Array, bool]:
    run = accelerated.plain(problem, g, tolerances=(tolerance / 2,))  # its kernel leaves out the smallest entries
    return run.g, bool(run.converged[0])


def _anderson(problem: Problem, g: Array, tolerance: float) -> tuple[Array, bool]:
    run = accelerated.anderson(problem, g, memory=accelerated.MEMORY, tolerances=(tolerance / 2,))
    return run.g, bool(run.converged[0])


def _newton(problem: Problem, g: Array, tolerance: float) -> tuple[Array, bool]:
    return newton.solve(problem, g, tolerance=tolerance).g, True


def _schedule(problem: Problem) -> Array:
    return schedule(problem, exact.SCHEDULE)


@lru_cache(maxsize=1)
def _shipped() -> WarmStart:
    return pretrained.warm_start(WEIGHTS)


def _network(problem: Problem) -> Array:
    return np.asarray(_shipped().start(Problems.of(problem)).g[0])


def _of(start: Callable[[Problem], Array], method: Callable[[Problem, Array, float], tuple[Array, bool]]) -> Solve:
    def whole(x: Array, a: Array, y: Array, b: Array, eps: float, tolerance: float) -> tuple[Array, bool]:
        problem = Problem(x, a, y, b, eps)
        return method(problem, start(problem), tolerance)

    return whole


cold_plain = _of(sinkhorn.cold, _plain)
cold_anderson = _of(sinkhorn.cold, _anderson)
schedule_anderson = _of(_schedule, _anderson)
schedule_newton = _of(_schedule, _newton)
lp_anderson = _of(newton.lp_duals, _anderson)
lp_newton = _of(newton.lp_duals, _newton)
network_anderson = _of(_network, _anderson)
network_newton = _of(_network, _newton)


def solve(x: Array, a: Array, y: Array, b: Array, eps: float, tolerance: float) -> tuple[Array, bool]:
    """Solve a problem as `paletteot.solve` does."""
    return exact.solve(Problem(x, a, y, b, eps), tolerance=tolerance).g, True
