"""Track B: a start in front of each of the referee's own accelerated iterations, the same for everybody."""

from __future__ import annotations

import time
from collections.abc import Sequence

import polars as pl

from paletteot.benchmark import schema
from paletteot.benchmark.accelerations import ANDERSON, OWN, PLAIN, RELAXED
from paletteot.benchmark.protocol import BASE, TOLERANCES
from paletteot.benchmark.tracks.asking import Starts
from paletteot.ot import accelerated
from paletteot.ot.accelerated import OMEGA, Descent
from paletteot.ot.problem import Array, Problem

POWER_ITERATIONS = 10
POWER_PASSES = POWER_ITERATIONS + 1
"""What omega from power iterations costs: those, and one pass for the plan that the start implies."""

LARGEST_OMEGA = 1.99
"""A plan that falls apart into blocks implies an omega of 2, with which nothing converges."""


def accelerations(starts: Starts, *, relaxed: bool = True) -> list[str]:
    """Return the names of the accelerations that apply: a start's own omega where it gives one, plain for the base."""
    relaxations = [name for name in RELAXED if relaxed and (name != OWN or starts.omega is not None)]
    return [*([PLAIN] if starts.method == BASE else []), *relaxations, *ANDERSON]


def track_b(starts: Starts, names: Sequence[str], *, max_iterations: int) -> pl.DataFrame:
    """Run accelerations from each start; returns the columns of ACCELERATED and of ACCELERATED_SECONDS.

    One run for each problem and acceleration, to the smallest of TOLERANCES, counted at each. The passes that a start
    or an estimate of omega spends are counted as init_iterations. An omega that is not in (0, 2) falls back to OMEGA.
    """
    rows: list[dict[str, object]] = []
    for row, key in enumerate(starts.keys.iter_rows(named=True)):
        problem = starts.problems[row]
        own = OMEGA if starts.omega is None else float(starts.omega[row])
        legal = 0 < own < 2
        for name in names:
            before = time.perf_counter()
            run, passes = descend(name, problem, starts.g[row], own if legal else OMEGA, max_iterations)
            seconds = starts.seconds + time.perf_counter() - before
            counts = {f"iterations_{label}": int(run.iterations[place]) for place, label in enumerate(TOLERANCES)}
            reached = {f"converged_{label}": bool(run.converged[place]) for place, label in enumerate(TOLERANCES)}
            rows.append(
                {
                    **key, **counts, **reached,
                    "acceleration": name,
                    "init_iterations": int(starts.iterations[row]) + passes,
                    "undone": run.undone,
                    "fallback": bool(starts.fallback[row]) or (name == OWN and not legal),
                    "label_like": bool(starts.label_like[row]),
                    "total_seconds": seconds,
                }
            )  # fmt: skip
    return pl.DataFrame(rows, schema=schema.track_dtypes("B"))


def descend(name: str, problem: Problem, g: Array, own: float, max_iterations: int) -> tuple[Descent, int]:
    """Run the acceleration of that name from g, (l,); returns the run and the passes spent on estimating omega.

    own: the start's omega, which only ``relaxed_own`` uses.
    """
    tolerances = tuple(TOLERANCES.values())
    if name == PLAIN:
        return accelerated.plain(problem, g, tolerances=tolerances, max_iterations=max_iterations), 0
    if name in ANDERSON:
        return accelerated.anderson(
            problem, g, memory=ANDERSON[name], tolerances=tolerances, max_iterations=max_iterations
        ), 0
    omega, passes = {"relaxed": OMEGA, OWN: own}.get(name), 0
    if omega is None:  # relaxed_power
        omega, passes = min(accelerated.implied_omega(problem, g, POWER_ITERATIONS), LARGEST_OMEGA), POWER_PASSES
    return accelerated.relaxed(problem, g, omega=omega, tolerances=tolerances, max_iterations=max_iterations), passes
