"""Time the solvers on real problems, one thread, side by side: `python benchmarks/solvers.py` after `dvc repro`.

Errors are recomputed from what a solver returns; a run that missed 1e-3 or is not finite counts as failed.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
import ot
from numpy.typing import NDArray
from record import machine, write_section
from threadpoolctl import threadpool_limits

from paletteot.dataset.load import load_palettes, load_plans
from paletteot.ot import kernels, newton, sinkhorn
from paletteot.ot.problem import Array, Problem
from paletteot.stages import common

PROBLEMS = 300
LOOSE = 1e-3
SLOW = 40  # problems given to solvers that take a third of a second


def log_domain(problem: Problem, atol: float = 1e-4, cap: int = 20_000) -> tuple[Array, int]:
    """The reference iteration, one exponential for each entry and pass, in compiled loops; returns g and the count."""
    g = sinkhorn.start_on_support(problem, None)
    cost, f, before = problem.cost, np.empty(len(problem.a)), np.empty(len(problem.b))
    for t in range(cap):
        before[:] = g
        kernels.row_update(cost, problem.b, g, problem.eps, f)
        kernels.column_update(cost, problem.a, f, problem.eps, g)
        if np.abs(g - before).max() / problem.eps <= atol:
            return g, t
    return g, cap


def absorbed(problem: Problem) -> tuple[Array, int]:
    run = sinkhorn.reference(problem)
    return run.g, run.iterations


def pot(method: str) -> Callable[[Problem], tuple[Array, int]]:
    def solve(problem: Problem) -> tuple[Array, int]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its failures are counted below, from what it returned
            coupling = ot.sinkhorn(
                problem.a, problem.b, problem.cost, problem.eps, method=method, stopThr=1e-5, numItermax=20_000
            )
        return coupling, 0

    return solve


SOLVERS: dict[str, tuple[Callable[[Problem], tuple[Array, int]], int]] = {
    "absorbed kernel, to the reference stop": (absorbed, PROBLEMS),
    "log domain, compiled, to the reference stop": (log_domain, PROBLEMS),
    "LP duals, then Newton, to 1e-9": (lambda problem: (newton.solve(problem).g, 0), PROBLEMS),
    "LP duals alone (eps = 0)": (lambda problem: (newton.lp_duals(problem), 0), PROBLEMS),
    "POT sinkhorn_stabilized, stopThr 1e-5": (pot("sinkhorn_stabilized"), SLOW),
    "POT sinkhorn_log, stopThr 1e-5": (pot("sinkhorn_log"), SLOW),
}


def error(problem: Problem, answer: Array) -> float:
    """Return the L1 marginal error of a coupling or of potentials, recomputed in float64."""
    if answer.ndim == 1:
        return sinkhorn.marginal_error(problem, answer) if np.isfinite(answer).all() else np.inf
    found = np.abs(answer.sum(1) - problem.a).sum() + np.abs(answer.sum(0) - problem.b).sum()
    return float(found) if np.isfinite(found) else np.inf


def main() -> None:
    pairs = load_plans(common.PLANS, load_palettes(common.PALETTES), "validation_unseen")
    batch = pairs[:PROBLEMS].problems(0.1)
    problems = [batch[row].on_support() for row in range(len(batch))]
    lines = [
        "| solver, one thread, cold | problems | median ms | 95 % ms | ratio of medians | error, median | failed |",
        "|---|---|---|---|---|---|---|",
    ]
    counts: dict[str, NDArray[np.int64]] = {}
    first = 0.0
    with threadpool_limits(1):
        for name, (solve, number) in SOLVERS.items():
            solve(problems[0])
            answers, seconds = [], []
            for problem in problems[:number]:
                before = time.perf_counter()
                answers.append(solve(problem))
                seconds.append(time.perf_counter() - before)
            errors = np.array([error(p, g) for p, (g, _) in zip(problems[:number], answers, strict=True)])
            counts[name] = np.array([count for _, count in answers])
            median = float(np.median(seconds))
            first = first or median
            lines.append(
                f"| {name} | {number} | {1e3 * median:.1f} | {1e3 * np.quantile(seconds, 0.95):.1f} "
                f"| {median / first:.1f} | {np.median(errors):.0e} | {(errors > LOOSE).sum()} |"
            )
    fast, slow = list(counts.values())[:2]
    differ = "; ".join(f"problem {row}: {fast[row]} and {slow[row]}" for row in np.flatnonzero(fast != slow))
    lines += [
        "",
        f"Failed: an L1 marginal error above {LOOSE:g}, or not finite. LP duals solve another problem (eps = 0).",
        f"Counts on the absorbed kernel against the log domain, {len(fast)} problems: {differ or 'none differs'}.",
        "",
        machine(),
    ]
    write_section("solvers", "Solvers", "python benchmarks/solvers.py", lines)


if __name__ == "__main__":
    main()
