"""From two palettes to where the colours of the first go, with counts where they are asked for."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

import paletteot.pretrained as pretrained
import paletteot.warmstarts as warmstarts
from paletteot.errors import ParamsError
from paletteot.ot import exact, sinkhorn
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.transfer.neutrals import protect
from paletteot.transfer.options import EXACT, Options
from paletteot.transfer.squared import SquaredProblem, potentials
from paletteot.warmstarts.contract import WarmStart, passes


@dataclass(frozen=True)
class Counts:
    """What the transport took from a start, beside cold.

    start: its name. own, own_seconds: its own passes, and how long it took. iterations, seconds: with the reference
    iteration to its stop, the start's own included. cold_iterations, cold_seconds: the same from cold.
    """

    start: str
    own: int
    own_seconds: float
    iterations: int
    seconds: float
    cold_iterations: int
    cold_seconds: float


@dataclass(frozen=True)
class Match:
    """Where the colours of A go.

    plan: (k, l) mass that goes from each atom of A to each of B; its rows sum to A's weights, and its columns to B's
    where no neutrals are kept. targets: (k, 3) CIELAB, the barycentre that each atom of A goes to; the atom itself
    where its weight is 0. kept: share of A's pixels that stay, being greys that B has too. seconds: of all this.
    counts: where there was a start, and something to transport.
    """

    plan: Array
    targets: Array
    kept: float
    seconds: float
    counts: Counts | None = None


def starts() -> list[str]:
    """Return what ``start`` may be: the exact plan, the shipped network, and every start that learned nothing."""
    plain = [name for name, entry in warmstarts.entries().items() if not entry.learned]
    return [EXACT, *pretrained.CONTESTANTS, *plain]


def make(name: str) -> WarmStart:
    """Return a start by name; raises ParamsError for an unknown one, and as `pretrained.warm_start` does."""
    if name not in starts():
        raise ParamsError(f"start must be one of {', '.join(starts())}, but is {name!r}")
    return pretrained.warm_start(name) if name in pretrained.CONTESTANTS else warmstarts.create(name)


def match(problem: Problem, options: Options, start: WarmStart | None = None) -> Match:
    """Transport the first palette of a problem onto the second.

    options: of them cost, neutrals, start and network_only are looked at. start: what `make` gives for it, where it is
    at hand. Raises ParamsError for an unknown start, NotSolvedError as `paletteot.solve` does.
    """
    if options.start != EXACT and start is None:
        start = make(options.start)
    kept = protect(problem, options.neutrals)
    if kept.rest is not None:
        _load(start, kept.rest)
    began = time.perf_counter()
    kept = protect(problem, options.neutrals)
    if kept.rest is None:
        return Match(kept.matched, problem.x, float(kept.matched.sum()), time.perf_counter() - began)
    rest, counts, spent = kept.rest, None, 0.0
    if start is not None:
        g, counts, spent = _from(start, rest, options)
    elif options.squared:
        rest = SquaredProblem(rest.x, rest.a, rest.y, rest.b, rest.eps)
        g = potentials(rest)
    else:
        g = exact.solve(rest).g
    moved = sinkhorn.plan(rest, g)
    on = rest.a > 0
    goes = problem.x.copy()
    goes[on] = (moved[on] @ problem.y) / moved[on].sum(axis=1, keepdims=True)
    targets = problem.x + (1 - kept.kept)[:, None] * (goes - problem.x)
    plan = kept.matched + kept.mass * moved
    return Match(plan, targets, float(kept.matched.sum()), time.perf_counter() - began - spent, counts)


def _load(start: WarmStart | None, problem: Problem) -> None:
    """Have all that is compiled or made at first loaded before a clock runs, once in a process, by a run unseen."""
    if start not in _loaded:
        _loaded.append(start)
        g = sinkhorn.cold(problem) if start is None else start.start(Problems.of(problem)).g[0]
        sinkhorn.plan(problem, sinkhorn.reference(problem, g, max_iterations=1).g)
        easy = problem.x, problem.a, problem.y, problem.b, 10.0
        potentials(SquaredProblem(*easy))
        exact.solve(Problem(*easy))


_loaded: list[WarmStart | None] = []


def _from(start: WarmStart, problem: Problem, options: Options) -> tuple[Array, Counts, float]:
    """Return potentials (l,), the start's own or those after Sinkhorn, counts, and seconds that only they took."""
    before = time.perf_counter()
    answer = start.start(Problems.of(problem))
    asked = time.perf_counter()
    warm = sinkhorn.reference(problem, answer.g[0])
    middle = time.perf_counter()
    cold = sinkhorn.reference(problem)
    after = time.perf_counter()
    own = int(passes(answer.iterations, 1)[0])
    counts = Counts(
        options.start, own, asked - before, own + warm.iterations, middle - before, cold.iterations, after - middle
    )  # fmt: skip
    g = np.asarray(answer.g[0]) if options.network_only else warm.g
    return g, counts, after - (asked if options.network_only else middle)
