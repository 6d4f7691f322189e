"""Time the solvers on real problems, one thread, side by side: `python benchmarks/solvers.py` after `dvc repro`."""

from __future__ import annotations

import time

import numpy as np
import ot
from record import machine, write_section
from threadpoolctl import threadpool_limits

from paletteot.dataset.load import load_palettes, load_plans
from paletteot.ot import kernels, newton, sinkhorn
from paletteot.ot.problem import Problem
from paletteot.stages import common

PROBLEMS = 300
SLOW = 40  # problems given to solvers that take a third of a second


def compiled_log_domain(problem: Problem, atol: float = 1e-4, cap: int = 20_000) -> int:
    """The reference iteration, one exponential for each entry and pass, in compiled loops; returns the count."""
    p, g = problem.on_support(), sinkhorn.start_on_support(problem, None)
    cost, f, before = p.cost, np.empty(len(p.a)), np.empty(len(p.b))
    for t in range(cap):
        before[:] = g
        kernels.row_update(cost, p.b, g, p.eps, f)
        kernels.column_update(cost, p.a, f, p.eps, g)
        if np.abs(g - before).max() / p.eps <= atol:
            return t
    return cap


def pot_stabilized(problem: Problem) -> object:
    return ot.sinkhorn(
        problem.a, problem.b, problem.cost, problem.eps, method="sinkhorn_stabilized", stopThr=1e-5,
        numItermax=20_000, warn=False,
    )  # fmt: skip


def pot_log(problem: Problem) -> object:
    return ot.sinkhorn(
        problem.a,
        problem.b,
        problem.cost,
        problem.eps,
        method="sinkhorn_log",
        stopThr=1e-5,
        numItermax=20_000,
        warn=False,
    )


SOLVERS = {
    "absorbed kernel, to the reference stop": (lambda p: sinkhorn.reference(p).iterations, PROBLEMS),
    "LP duals, then Newton, to 1e-9": (lambda p: newton.solve(p), PROBLEMS),
    "LP duals alone": (lambda p: newton.lp_duals(p), PROBLEMS),
    "log domain, compiled, to the reference stop": (compiled_log_domain, PROBLEMS),
    "POT sinkhorn_stabilized": (pot_stabilized, SLOW),
    "POT sinkhorn_log": (pot_log, SLOW),
}


def main() -> None:
    pairs = load_plans(common.PLANS, load_palettes(common.PALETTES), "validation_unseen")
    batch = pairs[:PROBLEMS].problems(0.1)
    problems = [batch[row] for row in range(len(batch))]
    lines = ["| solver, one thread | problems | median ms | 95 % ms | ratio of medians |", "|---|---|---|---|---|"]
    results, medians = {}, {}
    with threadpool_limits(1):
        for name, (solve, number) in SOLVERS.items():
            solve(problems[0])
            results[name], seconds = [], []
            for problem in problems[:number]:
                before = time.perf_counter()
                results[name].append(solve(problem))
                seconds.append(time.perf_counter() - before)
            medians[name] = np.median(seconds)
            first = medians[next(iter(SOLVERS))]
            lines.append(
                f"| {name} | {len(seconds)} | {1e3 * medians[name]:.1f} | {1e3 * np.quantile(seconds, 0.95):.1f} "
                f"| {medians[name] / first:.1f} |"
            )
    fast, slow = (np.array(results[name]) for name in list(SOLVERS)[0:4:3])
    differ = np.flatnonzero(fast != slow)
    shown = "; ".join(f"problem {row}: {fast[row]} and {slow[row]}" for row in differ) or "none differs"
    lines += ["", f"Counts on the absorbed kernel against the log domain, {len(fast)} problems, cold: {shown}."]
    write_section("solvers", "Solvers", "python benchmarks/solvers.py", [*lines, "", machine()])


if __name__ == "__main__":
    main()
