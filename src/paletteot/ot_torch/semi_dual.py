"""Damped Newton on the semi-dual of a batch: the steps of `ot.newton.solve`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from paletteot.ot.newton import MAX_STEPS
from paletteot.ot_torch.absorbed import retire
from paletteot.ot_torch.batch import Stack

ARMIJO = 1e-4
"""Share of the promised rise that a step must bring, as in `ot.newton`."""

SHORTEST = 1e-12
"""A step shorter than this is none: the problem is given up."""


@dataclass(frozen=True)
class Solutions:
    """What Newton gave for each problem.

    g: (n, l) float64, LAB units, gauge sum_j b_j g_j = 0, 0 where the weight is 0. steps: (n,) int64. error: (n,) L1
    error of the target marginal after one row update. converged: (n,), False where Newton stopped short.
    """

    g: Tensor
    steps: Tensor
    error: Tensor
    converged: Tensor


@dataclass
class _State:
    rows: Tensor
    cost: Tensor
    a: Tensor
    b: Tensor
    g: Tensor
    value: Tensor
    coupling: Tensor


def newton(
    batch: Stack, g: Tensor | ArrayLike | None = None, *, tolerance: float = 1e-9, max_steps: int = MAX_STEPS
) -> Solutions:
    """Solve problems to an L1 marginal error of at most ``tolerance``, by Newton with backtracking on the semi-dual.

    g: (n, l) where Newton starts, LAB units; None for the cold start. A problem that the line search cannot better, or
    that needs more than ``max_steps``, is not converged; the others go on.
    Raises ProblemError when g has another shape or is not finite on the support.
    """
    start = batch.start(g)
    cost = batch.cost
    rows = torch.arange(len(batch), device=start.device)
    a, b = batch.a.clone(), batch.b.clone()
    now = _State(rows, cost, a, b, start, *_semi_dual(cost, a, b, batch.eps, start))
    end, steps, errors = start.clone(), torch.zeros_like(rows), torch.full_like(start[:, 0], torch.inf)
    for step in range(max_steps + 1):
        if len(now.rows) == 0:
            break
        column = now.coupling.sum(1)
        gradient = now.b - column
        error = gradient.abs().sum(1)
        end[now.rows], steps[now.rows], errors[now.rows] = now.g, step, error
        stopped = error <= tolerance
        if step == max_steps or stopped.all():
            break
        direction = _direction(now, column, gradient, batch.eps)
        slope = (gradient * direction).sum(1)
        stopped |= _search(now, direction, slope, error, ~stopped, batch.eps)
        if stopped.any():
            retire(stopped, now)
    return Solutions(batch.fix_gauge(end), steps, errors, errors <= tolerance)


def _semi_dual(cost: Tensor, a: Tensor, b: Tensor, eps: float, g: Tensor) -> tuple[Tensor, Tensor]:
    """Return the semi-dual values, (n,), and the plans that g implies, (n, k, l); see `ot.newton.semi_dual`."""
    logits = ((g[:, None, :] - cost) / eps).add_(b.log()[:, None, :])
    total = logits.logsumexp(2)
    value = (b * g).sum(1) - eps * (a * total).sum(1)
    return value, logits.sub_(total[:, :, None]).exp_().mul_(a[:, :, None])


def _direction(now: _State, column: Tensor, gradient: Tensor, eps: float) -> Tensor:
    """Solve (diag(c) - P^T diag(1/a) P) d = eps (b - c) for d, (n, l), of mean zero, 0 off the support.

    Scaled as in `ot.newton`; an atom of weight zero has a row of the unit matrix. NaN where Cholesky fails.
    """
    on = now.b > 0
    root = torch.maximum(column, 1e-3 * now.b).sqrt()  # a column that g has emptied would make the matrix singular
    inverse = torch.where(on, 1 / root, 0.0)
    scaled = now.coupling * torch.where(now.a > 0, now.a.rsqrt(), 0.0)[:, :, None] * inverse[:, None, :]
    matrix = torch.bmm(scaled.transpose(1, 2), scaled).neg_()
    matrix += root[:, :, None] * root[:, None, :]  # lifts the constant direction, whose scaled form is root
    matrix.diagonal(dim1=1, dim2=2).add_(1.0 + 1e-13)
    factor, failed = torch.linalg.cholesky_ex(matrix)
    scaled_direction = torch.cholesky_solve((eps * gradient * inverse)[:, :, None], factor)[:, :, 0]
    return torch.where(failed[:, None] > 0, torch.nan, scaled_direction * inverse)


def _search(now: _State, direction: Tensor, slope: Tensor, error: Tensor, which: Tensor, eps: float) -> Tensor:
    """Go along directions, (n, l), by the longest of 1, 1/2, ... that helps; return which problems, (n,), are stuck."""
    stuck, length = which.clone(), 1.0
    while length >= SHORTEST and stuck.any():
        at = stuck.nonzero()[:, 0]
        a, b, before = now.a[at], now.b[at], now.value[at]
        g = now.g[at] + length * direction[at]
        value, coupling = _semi_dual(now.cost[at], a, b, eps, g)
        # Near the optimum the value no longer resolves progress: there the gradient decides.
        smaller = (b - coupling.sum(1)).abs().sum(1) < error[at]
        good = (value >= before + ARMIJO * length * slope[at]) | (smaller & (value > before - 1e-12 * before.abs()))
        taken = at[good]
        now.g[taken], now.value[taken], now.coupling[taken] = g[good], value[good], coupling[good]
        stuck[taken] = False
        length /= 2
    return stuck
