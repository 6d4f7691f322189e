"""Time solvers side by side on real problems, one thread: `python benchmarks/solvers.py` after `dvc repro`.

Time to an L1 marginal error, recomputed here from what a solver returns. With --problems N a small trial, only printed.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import peers
import torch
from record import machine, write_section
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import paletteot
from paletteot.dataset.load import load_palettes, load_plans
from paletteot.ot import accelerated, kernels, newton, sinkhorn
from paletteot.ot.accelerated import Descent
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.ot.schedule import schedule
from paletteot.project import paths

PROBLEMS = 200
CALIBRATION = 10  # problems beside them, on which the peers' thresholds are chosen
TOLERANCES = (1e-4, 1e-9)
SEED = 0
SCHEDULE = 10  # iterations of the epsilon schedule

Start = Callable[[Problem], Array]

HEAD = [
    "| solver | problems | median ms | 95 % ms | to best of ours | threshold | error, median | worst | failed | NaN |",
    "|---|---|---|---|---|---|---|---|---|---|",
]


@dataclass
class Contestant:
    """A solver at one tolerance, and how it fared; solve is given a problem and its cost matrix."""

    name: str
    solve: Callable[[Problem, Array], Array]
    ours: bool = True
    problems: int = PROBLEMS
    threshold: float | None = None
    seconds: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    cpu: float = 0.0
    raised: Counter[str] = field(default_factory=Counter)

    def run(self, problem: Problem, cost: Array) -> None:
        """Solve a problem; note seconds, error and what was raised."""
        cpu, wall = time.process_time(), time.perf_counter()
        g, raised = peers.attempt(self.solve, problem, cost)
        self.seconds.append(time.perf_counter() - wall)
        self.cpu += time.process_time() - cpu
        self.errors.append(peers.error(problem, g))
        if raised:
            self.raised[raised] += 1

    def failed(self, tolerance: float) -> int:
        """Return the number of runs whose error is above the tolerance or NaN."""
        return sum(not found <= tolerance for found in self.errors)

    def row(self, tolerance: float, best: Contestant) -> str:
        """Return the table's row; ratio of medians on the problems that both were given."""
        ms, number = 1e3 * np.array(self.seconds), len(self.seconds)
        ratio = np.median(self.seconds) / np.median(best.seconds[:number])
        finite = [found for found in self.errors if np.isfinite(found)]
        median, worst = (f"{f(finite):.0e}" for f in (np.median, np.max)) if finite else ("", "")
        stop = "" if self.threshold is None else f"{self.threshold:.0e}"
        return (
            f"| {self.name} | {number} | {np.median(ms):.1f} | {np.quantile(ms, 0.95):.1f} | {ratio:.2f} | {stop} "
            f"| {median} | {worst} | {self.failed(tolerance)} | {number - len(finite)} |"
        )


def learned() -> Start:
    """Return the start that ships with the package, asked for one problem at a time."""
    contestant = paletteot.warm_start("dual")
    return lambda problem: np.asarray(contestant.start(Problems.of(problem)).g[0])


def ours(tolerance: float) -> list[Contestant]:
    """Return our solvers from every start, each start made anew within the time."""
    starts: dict[str, Start] = {
        "cold": sinkhorn.cold,
        "epsilon schedule": partial(schedule, iterations=SCHEDULE),
        "LP duals": newton.lp_duals,
        "dual network": learned(),
    }
    tolerances = (tolerance,)
    solvers: dict[str, Callable[[Problem, Array], Descent | newton.NewtonSolution]] = {
        "plain": partial(accelerated.plain, tolerances=tolerances),
        "relaxed": partial(accelerated.relaxed, tolerances=tolerances),
        **{
            f"Anderson {memory}": partial(accelerated.anderson, memory=memory, tolerances=tolerances)
            for memory in (5, 10, 20)
        },
        "Newton": partial(newton.solve, tolerance=tolerance),
    }

    def whole(
        solver: Callable[..., Descent | newton.NewtonSolution], start: Start, problem: Problem, _cost: Array
    ) -> Array:
        return solver(problem, start(problem)).g

    return [
        Contestant("paletteot.solve", lambda problem, _cost: paletteot.solve(problem, tolerance=tolerance).g),
        *(
            Contestant(f"{name}, {begin}", partial(whole, solver, start))
            for name, solver in solvers.items()
            for begin, start in starts.items()
        ),
    ]


def others(found: Sequence[peers.Peer], calibration: Sequence[Problem], tolerance: float) -> list[Contestant]:
    """Return the peers, each at the threshold chosen for it."""
    chosen = [peers.loosest(peer, calibration, tolerance) for peer in tqdm(found, "thresholds")]
    return [
        Contestant(peer.name, partial(peer.solve, threshold=threshold), False, peer.problems, threshold)
        for peer, threshold in zip(found, chosen, strict=True)
    ]


def race(contestants: Sequence[Contestant], problems: Sequence[Problem]) -> None:
    """Give every problem to every contestant, in a seeded order of its own; a drift of the machine meets all alike."""
    for contestant in contestants:
        for problem in {(len(p.a), len(p.b)): p for p in problems}.values():  # jax compiles for each shape
            peers.attempt(contestant.solve, problem, problem.cost)
    rng = np.random.default_rng(SEED)
    for number, problem in enumerate(tqdm(problems, "problems")):
        cost = problem.cost
        for place in rng.permutation(len(contestants)):
            if number < contestants[place].problems:
                contestants[place].run(problem, cost)


def table(contestants: Sequence[Contestant], absent: dict[str, str], tolerance: float) -> list[str]:
    best = min(
        (one for one in contestants if one.ours), key=lambda one: (one.failed(tolerance), np.median(one.seconds))
    )
    raised = [f"- {one.name}, {number} x {what}" for one in contestants for what, number in one.raised.items()]
    return [
        f"### To an error of {tolerance:g}",
        "",
        *HEAD,
        *(one.row(tolerance, best) for one in contestants),
        *(f"| {name} | not installed: {reason} |" + " |" * 8 for name, reason in absent.items()),
        "",
        *raised,
        *[""] * bool(raised),
    ]


def counts_differ(problems: Sequence[Problem], atol: float = sinkhorn.ATOL, cap: int = sinkhorn.MAX_ITERATIONS) -> str:
    """Return where the reference on the absorbed kernel counts otherwise than literal iterations in the log domain."""
    differ = []
    for row, problem in enumerate(tqdm(problems, "counts")):
        g, cost = sinkhorn.start_on_support(problem, None), problem.cost
        f, before, count = np.empty(len(problem.a)), np.empty(len(problem.b)), cap
        for t in range(cap):
            before[:] = g
            kernels.row_update(cost, problem.b, g, problem.eps, f)
            kernels.column_update(cost, problem.a, f, problem.eps, g)
            if np.abs(g - before).max() / problem.eps <= atol:
                count = t
                break
        fast = sinkhorn.reference(problem, atol=atol, max_iterations=cap).iterations
        if fast != count:
            differ.append(f"problem {row}: {fast} and {count}")
    return "; ".join(differ) or "none differs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, metavar="N", help="a trial on the first N, printed and not recorded")
    wanted: int | None = parser.parse_args().problems
    if wanted is not None and not 1 <= wanted <= PROBLEMS:
        parser.error(f"--problems must be from 1 to {PROBLEMS}, but is {wanted}")
    pairs = load_plans(paths.PLANS, load_palettes(paths.PALETTES), "validation_unseen")
    batch = pairs[: PROBLEMS + CALIBRATION].problems(0.1)
    everything = [batch[row].on_support() for row in range(len(batch))]
    problems, calibration = everything[: wanted or PROBLEMS], everything[PROBLEMS:]
    found, absent = peers.find()
    torch.set_num_threads(1)
    lines: list[str] = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of is counted from what they return
        every: list[Contestant] = []
        for tolerance in TOLERANCES:
            contestants = ours(tolerance) + others(found, calibration, tolerance)
            race(contestants, problems)
            lines += table(contestants, absent, tolerance)
            every += contestants
    busy = max(one.cpu / sum(one.seconds) for one in every)
    lines += [
        "- Rows without a package's name are ours: paletteot.solve as it comes, and each solver from the start named "
        f"second, its time included; the epsilon schedule has {SCHEDULE} iterations. The first pairs of "
        "validation_unseen, each given to all in a shuffled order. Ours compute the cost matrix, the others are given "
        "it; nothing is compiled within the times.",
        "- Error: L1, both marginals, float64, of the plan rebuilt from the potentials that came back. Failed: above "
        "the tolerance or NaN; the times of such runs count, their NaNs are left out of the errors.",
        f"- Threshold: the loosest power of ten at which a package's median error on {len(calibration)} other problems "
        "meets the tolerance, so some runs may just miss it. geomloss has a number of iterations instead.",
        "- To best of ours: ratio of medians on the same problems, to ours of least median without failures. "
        f"CPU time over wall time of a solver: at most {busy:.2f}.",
        f"- Counts on the absorbed kernel against the log domain, {len(problems)} problems: {counts_differ(problems)}.",
        f"- Versions: {peers.versions(found)}.",
        "",
        machine(),
    ]
    if wanted is None:
        write_section("solvers", "Solvers", "python benchmarks/solvers.py", lines)
    else:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
