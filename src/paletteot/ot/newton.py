"""Exact potentials: linear-programming duals, then damped Newton on the semi-dual."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from paletteot.arithmetic import arrays
from paletteot.errors import PaletteOTError
from paletteot.ot import newton_kernels, numbers
from paletteot.ot.problem import Array, Problem
from paletteot.ot.sinkhorn import expand, fix_gauge, start_on_support

MAX_STEPS = 200
_ARMIJO = 1e-4


class NotSolvedError(PaletteOTError):
    """Newton stopped short of the tolerance."""


@dataclass(frozen=True)
class NewtonSolution:
    """Exact potentials of a problem.

    g: (l,) float64, LAB units, gauge sum_j b_j g_j = 0, 0 where the weight is 0. steps: Newton steps.
    marginal_error: L1 error of the target marginal after one row update of g; the source marginal is exact.
    """

    g: Array
    steps: int
    marginal_error: float


def lp_duals(problem: Problem) -> Array:
    """Return target potentials of the unregularised problem by network simplex, (l,), LAB units.

    The limit of g as eps goes to 0 (Peyre and Cuturi 2019, section 4.1). Gauge sum_j b_j g_j = 0; 0 off the support.
    Raises NotSolvedError where the simplex stops early.
    """
    import ot  # imports torch where that is installed, which takes seconds: only where it is needed

    kept = problem.on_support()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # POT warns where it stops early: that is no exact dual
        try:
            _, log = ot.emd(kept.a, kept.b / kept.b.sum() * kept.a.sum(), kept.cost, log=True, numItermax=10_000_000)
        except UserWarning as warning:
            raise NotSolvedError(f"the network simplex found no duals: {' '.join(str(warning).split())}") from None
    g = np.zeros(len(problem.b))
    g[problem.b > 0] = log["v"]
    return fix_gauge(g, problem.b)


def semi_dual(cost: Array, a: Array, b: Array, eps: float, g: Array) -> tuple[float, Array]:
    """Return the semi-dual value and the plan with exact source marginal that g implies.

    H(g) = <b, g> - eps * sum_i a_i log sum_j b_j exp((g_j - C_ij) / eps), concave, gradient b - P^T 1
    (Cuturi and Peyre 2018, "Semidual regularized optimal transport", equation 3.2). cost: (k, l). Plan: (k, l).
    """
    coupling, column = np.empty(cost.shape), np.empty(len(b))
    return newton_kernels.semi_dual(cost, a, b, eps, g, coupling, column), coupling


def solve(
    problem: Problem, g: Array | None = None, *, tolerance: float = 1e-9, max_steps: int = MAX_STEPS
) -> NewtonSolution:
    """Solve a problem to an L1 marginal error of at most ``tolerance``.

    Newton with backtracking on the semi-dual (docs/protocol.md, 5). The Hessian is -(diag(c) - P^T diag(1/a) P) / eps
    with c = P^T 1, singular along constants only; its mean-free part is factorised by Cholesky.

    g: (l,) where Newton starts, LAB units, any gauge; None for the LP duals. Raises NotSolvedError where ``max_steps``
    are not enough or rounding leaves more than the tolerance; ProblemError when g is none (`sinkhorn.start_on_support`)
    or tolerance and max_steps are no numbers.
    """
    tolerance, max_steps = numbers.positive(tolerance, "tolerance"), numbers.whole(max_steps, "max_steps")
    kept = problem.on_support()
    h = start_on_support(problem, lp_duals(problem) if g is None else g)
    cost, a, b, eps = kept.cost, kept.a, kept.b, kept.eps
    coupling, column, direction = np.empty(cost.shape), np.empty(len(b)), np.empty(len(b))
    value = newton_kernels.semi_dual(cost, a, b, eps, h, coupling, column)
    for step in range(max_steps + 1):
        error = arrays.l1(column, b)
        if error <= tolerance:
            full = expand(h, problem.b)
            error = _error(kept, full[problem.b > 0])  # of what is returned: at small eps the gauge's rounding tells
            if error <= tolerance:
                return NewtonSolution(full, step, error)
        if step == max_steps:
            break
        gradient = b - column
        if not newton_kernels.direction(coupling, column, a, b, gradient, eps, direction):
            raise NotSolvedError(
                f"Newton's matrix is singular at an L1 marginal error of {error:.2e} after {step} steps"
            )
        slope = arrays.dot(gradient, direction)
        length = 1.0
        while True:
            candidate = h + length * direction
            new_value = newton_kernels.semi_dual(cost, a, b, eps, candidate, coupling, column)
            # Near the optimum the value no longer resolves progress: there the gradient decides.
            smaller = arrays.l1(column, b) < error
            if new_value >= value + _ARMIJO * length * slope or (smaller and new_value > value - 1e-12 * abs(value)):
                break
            length /= 2
            if length < 1e-12:
                raise NotSolvedError(
                    f"Newton made no progress at an L1 marginal error of {error:.2e} after {step} steps"
                )
        h, value = candidate, new_value
    raise NotSolvedError(
        f"Newton reached an L1 marginal error of {error:.2e} after {max_steps} steps, not {tolerance:g}"
    )


def _error(kept: Problem, g: Array) -> float:
    """Return the L1 error of the target marginal after one row update of g."""
    column = np.empty(len(g))
    newton_kernels.semi_dual(kept.cost, kept.a, kept.b, kept.eps, g, np.empty(kept.cost.shape), column)
    return arrays.l1(column, kept.b)
