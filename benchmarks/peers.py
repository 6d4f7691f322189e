"""Solvers of other packages behind one signature; those that cannot be imported are named with the reason.

Each is given the cost matrix and a stop threshold of its own, and answers with potentials, so that every error is
recomputed by the same code and a coupling for another eps is found out. `pip install -e '.[peers]'` brings them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
import ot

from paletteot.ot import sinkhorn
from paletteot.ot.problem import Array, Problem

CAP = 20_000
"""Iterations that a solver may take, where it has such a limit."""


class Solve(Protocol):
    """From a problem without atoms of weight zero, its cost matrix (k, l) and a threshold to g, (l,), LAB units."""

    def __call__(self, problem: Problem, cost: Array, threshold: float) -> Array: ...


@dataclass(frozen=True)
class Peer:
    """A solver of another package.

    packages: distributions that it comes from. problems: how many of the benchmark's it is given. counts: iterations to
    choose from where it has a fixed schedule instead of a threshold.
    """

    name: str
    packages: tuple[str, ...]
    solve: Solve
    problems: int = 200
    counts: tuple[int, ...] = ()

    def ladder(self, tolerance: float) -> tuple[float, ...]:
        """Return the thresholds to choose from, the loosest first: each package stops on a norm of its own."""
        return self.counts or tuple(tolerance * 10.0**power for power in (1, 0, -1, -2, -3))


def attempt(solve: Callable[[Problem, Array], Array], problem: Problem, cost: Array) -> tuple[Array, str]:
    """Return g and nothing, or NaN and what was raised: whatever a package raises is the failure of one run."""
    try:
        return solve(problem, cost), ""
    except Exception as raised:
        return np.full(len(problem.b), np.nan), f"{type(raised).__name__}: {raised}"


def error(problem: Problem, g: Array) -> float:
    """Return the L1 marginal error, both sides, of the plan rebuilt from g in float64; NaN where g is not finite."""
    return sinkhorn.marginal_error(problem, g) if np.isfinite(g).all() else np.nan


def loosest(peer: Peer, problems: Sequence[Problem], tolerance: float) -> float:
    """Return the loosest threshold whose median error meets the tolerance, else the one of least median error."""
    medians = {}
    for rung in peer.ladder(tolerance):
        solve = partial(peer.solve, threshold=rung)
        errors = [error(problem, attempt(solve, problem, problem.cost)[0]) for problem in problems]
        medians[rung] = float(np.median(np.nan_to_num(errors, nan=np.inf)))
        if medians[rung] <= tolerance:
            return rung
    return min(medians, key=medians.__getitem__)


def find() -> tuple[list[Peer], dict[str, str]]:
    """Return the peers that can be imported, and why each of the others cannot, by name."""
    found, absent = [], {}
    for name, packages, adapter, limits in ALL:
        try:
            found.append(Peer(name, packages, adapter(), **limits))
        except ImportError as reason:
            absent[name] = str(reason)
    return found, absent


def versions(peers: Sequence[Peer]) -> str:
    """Return the versions of what the peers come from, in one line."""
    packages = dict.fromkeys(package for peer in peers for package in peer.packages)
    return ", ".join(f"{package} {version(package)}" for package in packages)


def _without_reference(problem: Problem, g: Array) -> Array:
    """Return our g from that of P_ij = exp((f_i + g_j - C_ij) / eps), which has absorbed the weights."""
    return g - problem.eps * np.log(problem.b)


def _pot(method: str, **limits: int) -> Solve:
    function = getattr(ot.bregman, method)

    def solve(problem: Problem, cost: Array, threshold: float) -> Array:
        _, log = function(problem.a, problem.b, cost, problem.eps, stopThr=threshold, log=True, warn=False, **limits)
        return _without_reference(problem, log["beta"] if "beta" in log else problem.eps * log["log_v"])

    return solve


def _ott(momentum: dict[str, float] | None = None, anderson: int = 0) -> Solve:
    # Read once, when jax starts: one thread for its operations and for the pool that runs them.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("NPROC", "1")
    import jax
    from ott.geometry.geometry import Geometry
    from ott.problems.linear.linear_problem import LinearProblem
    from ott.solvers.linear.acceleration import AndersonAcceleration, Momentum
    from ott.solvers.linear.sinkhorn import Sinkhorn

    jax.config.update("jax_enable_x64", True)

    @jax.jit
    def run(cost: Any, a: Any, b: Any, eps: float, threshold: float) -> Any:
        solver = Sinkhorn(
            threshold=threshold,
            max_iterations=CAP,
            momentum=Momentum(**momentum) if momentum else None,
            anderson=AndersonAcceleration(memory=anderson) if anderson else None,
        )
        return solver(LinearProblem(Geometry(cost_matrix=cost, epsilon=eps), a, b)).g

    def solve(problem: Problem, cost: Array, threshold: float) -> Array:
        return _without_reference(problem, np.asarray(run(cost, problem.a, problem.b, problem.eps, threshold)))

    return solve


def _regot(method: str, **limits: float) -> Solve:
    import regot

    function = getattr(regot, method)

    def solve(problem: Problem, cost: Array, threshold: float) -> Array:
        found = function(np.asfortranarray(cost), problem.a, problem.b, problem.eps, tol=threshold, **limits)
        return _without_reference(problem, np.append(found.dual[len(problem.a) :], 0.0))  # the last one is fixed

    return solve


def _geomloss() -> Solve:
    import torch
    from geomloss.ot import solve as geomloss

    def solve(problem: Problem, cost: Array, threshold: float) -> Array:  # torch is twice as fast there as numpy
        C, a, b = (torch.from_numpy(array) for array in (cost, problem.a, problem.b))
        found = geomloss(C, reg=problem.eps, a=a, b=b, max_iter=int(threshold))
        return np.asarray(found.potential_b.numpy())

    return solve


def _mdot() -> Solve:
    import torch
    from mdot_tnt.mdot import mdot

    def solve(problem: Problem, cost: Array, threshold: float) -> Array:
        a, b, top = problem.a, problem.b, cost.max()  # its temperatures are for costs in [0, 1]
        final = top / problem.eps
        entropy = min(-a @ np.log(a), -b @ np.log(b))
        power = np.log(entropy / threshold) / np.log(final)  # it stops at entropy / final^power
        C, row, column = (torch.from_numpy(array) for array in (cost / top, a, b))
        _, v, reached, _, _ = mdot(row, column, C, float(final), p=float(power))
        return np.asarray(top / reached * (v.numpy() - np.log(b)))

    return solve


ALL: tuple[tuple[str, tuple[str, ...], Callable[[], Solve], dict[str, Any]], ...] = (
    ("POT sinkhorn_log", ("POT",), partial(_pot, "sinkhorn_log", numItermax=CAP), {"problems": 40}),
    ("POT sinkhorn_stabilized", ("POT",), partial(_pot, "sinkhorn_stabilized", numItermax=CAP), {"problems": 40}),
    (
        "POT sinkhorn_epsilon_scaling",
        ("POT",),
        partial(_pot, "sinkhorn_epsilon_scaling", numItermax=CAP // 100, numInnerItermax=100),
        {"problems": 40},
    ),
    ("OTT-JAX", ("ott-jax", "jax"), _ott, {"problems": 100}),
    ("OTT-JAX, momentum 1.5", ("ott-jax", "jax"), partial(_ott, {"value": 1.5}), {}),
    ("OTT-JAX, adaptive momentum", ("ott-jax", "jax"), partial(_ott, {"start": 300}), {}),
    ("OTT-JAX, Anderson 5", ("ott-jax", "jax"), partial(_ott, None, 5), {"problems": 100}),
    ("regot sinkhorn_ssns", ("regot",), partial(_regot, "sinkhorn_ssns", max_iter=2_000), {}),
    # At its default density of 0.1 (of the Hessian) it needs thousands of steps here.
    (
        "regot sinkhorn_splr, density 0.5",
        ("regot",),
        partial(_regot, "sinkhorn_splr", max_iter=2_000, density=0.5),
        {"problems": 100},
    ),
    ("geomloss", ("geomloss",), _geomloss, {"problems": 10, "counts": (100, 1_000, 10_000)}),
    ("mdot-tnt", ("mdot-tnt",), _mdot, {}),
)
