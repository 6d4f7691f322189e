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
from paletteot.warmstarts.contract import WarmStart, passes


@dataclass(frozen=True)
class Match:
    """Where the colours of A go.

    plan: (k, l) mass that goes from each atom of A to each of B; its rows sum to A's weights, and its columns to B's
    where no neutrals are kept. targets: (k, 3) CIELAB, the barycentre that each atom of A goes to; the atom itself
    where its weight is 0. kept: share of A's pixels that stay, being greys that B has too. iterations: of the reference
    iteration from the start, the start's own passes included; None where it was not run. cold_iterations: the same from
    cold. seconds: of the transport from the start, the comparison with cold and making the start excluded.
    """

    plan: Array
    targets: Array
    kept: float
    start: str
    iterations: int | None
    cold_iterations: int | None
    seconds: float


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

    options: of them neutrals, start and network_only are looked at. start: what `make` gives for it, where it is at
    hand. Raises ParamsError for an unknown start, NotSolvedError as `paletteot.solve` does.
    """
    if options.start != EXACT and start is None:
        start = make(options.start)
    began = time.perf_counter()
    kept = protect(problem, options.neutrals)
    plan, targets = kept.matched, problem.x
    iterations, cold = None, None
    if kept.rest is not None:
        g, iterations = _potentials(kept.rest, start, network_only=options.network_only)
        moved = sinkhorn.plan(kept.rest, g)
        plan = plan + kept.mass * moved
        on = kept.rest.a > 0
        goes = problem.x.copy()
        goes[on] = (moved[on] @ problem.y) / moved[on].sum(axis=1, keepdims=True)
        targets = problem.x + (1 - kept.kept)[:, None] * (goes - problem.x)
    seconds = time.perf_counter() - began
    if start is not None and kept.rest is not None:
        cold = sinkhorn.reference(kept.rest).iterations
    share = float(kept.matched.sum())
    return Match(plan, targets, share, options.start, iterations, cold, seconds)


def _potentials(problem: Problem, start: WarmStart | None, *, network_only: bool) -> tuple[Array, int | None]:
    """Return g (l,) and the reference iterations to it, the start's own passes included."""
    if start is None:
        return exact.solve(problem).g, None
    answer = start.start(Problems.of(problem))
    own = int(passes(answer.iterations, 1)[0])
    if network_only:
        return np.asarray(answer.g[0]), own
    run = sinkhorn.reference(problem, answer.g[0])
    return run.g, own + run.iterations
