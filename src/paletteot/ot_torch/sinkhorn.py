"""The reference iteration of a batch, counted as docs/protocol.md says."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from paletteot.ot.sinkhorn import ATOL, MAX_ITERATIONS
from paletteot.ot_torch.absorbed import Absorbed, retire
from paletteot.ot_torch.batch import Stack


@dataclass(frozen=True)
class Runs:
    """What the reference iteration gave for each problem.

    g: (n, l) float64 at the stop, LAB units, gauge sum_j b_j g_j = 0, 0 where the weight is 0. iterations: (n,) int64
    counts; the cap where not converged. converged: (n,). error: (n,) L1 marginal error at the stop.
    """

    g: Tensor
    iterations: Tensor
    converged: Tensor
    error: Tensor


@dataclass
class _Scalings:
    s: Tensor


def reference(
    batch: Stack, g: Tensor | ArrayLike | None = None, *, atol: float = ATOL,
    max_iterations: int = MAX_ITERATIONS, kernel_dtype: torch.dtype = torch.float64,
) -> Runs:  # fmt: skip
    """Run the reference iteration from potentials g and count it, as `ot.sinkhorn.reference` does.

    g: (n, l) initial potentials, LAB units, any gauge; None for the cold start. kernel_dtype: torch.float32 for a
    kernel in single precision until its iteration stops; then float64 confirms the stop with one iteration, or goes on.
    Raises ProblemError when g has another shape or is not finite on the support.
    """
    end, count = _iterate(batch, batch.start(g), atol, max_iterations, kernel_dtype)
    if kernel_dtype != torch.float64:
        end, more = _iterate(batch, end, atol, max_iterations, torch.float64)
        count = torch.where(more > 0, count + 1 + more, count).clamp(max=max_iterations)
    return Runs(batch.fix_gauge(end), count, count < max_iterations, batch.marginal_error(end))


def _iterate(batch: Stack, g: Tensor, atol: float, max_iterations: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    run, now = Absorbed(batch, g, dtype), _Scalings(torch.ones_like(g))
    end, count = g.clone(), torch.full_like(run.rows, max_iterations)
    lower, upper = exp(-atol), exp(atol)
    for t in range(max_iterations):
        if len(run.rows) == 0:
            break
        r = run.a / run.row_sums(now.s)
        s = run.b / run.column_sums(r)
        ratio = s / now.s
        still = ((lower <= ratio) & (ratio <= upper)).all(1)
        lost = run.lost(s, r)
        if lost.any():  # this pass may have lost entries: undo it, absorb what was reached before
            at = lost.nonzero()[:, 0]
            run.g[at] += run.eps * now.s[at].log()
            change, _ = run.absorb(at)
            s[at] = 1.0
            still[at] = (change.abs() <= atol).all(1)
        now.s = s
        if still.any():
            count[run.rows[still]] = t
            end[run.rows[still]] = run.g[still] + run.eps * s[still].log()
            retire(still, run, now)
    end[run.rows] = run.g + run.eps * now.s.log()
    return end, count
