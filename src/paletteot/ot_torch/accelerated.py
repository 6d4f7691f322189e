"""Track B's iterations for a batch: plain, relaxed and Anderson-accelerated Sinkhorn to given marginal errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from paletteot.errors import ProblemError
from paletteot.ot.accelerated import MEMORY, OMEGA, TOLERANCES
from paletteot.ot.sinkhorn import MAX_ITERATIONS
from paletteot.ot_torch import extrapolation, overrelaxation
from paletteot.ot_torch.batch import Stack
from paletteot.ot_torch.record import Record

SINGLE = 1e-6
"""L1 marginal error to which a kernel in single precision is used: ten times what its rounding leaves."""


@dataclass(frozen=True)
class Descents:
    """What runs to given marginal errors gave, one for each problem; the fields of `ot.accelerated.Descent`.

    g: (n, l) float64 potentials at the end, LAB units, gauge sum_j b_j g_j = 0, 0 where the weight is 0.
    iterations: (n, tolerances) int64; the cap where not reached. converged: (n, tolerances). error: (n,) L1, both
    sides together. undone: (n,) int64 steps that the safeguard undid; their passes are counted.
    """

    g: Tensor
    iterations: Tensor
    converged: Tensor
    error: Tensor
    undone: Tensor


def plain(
    batch: Stack, g: Tensor | ArrayLike | None = None, *, tolerances: Sequence[float] = TOLERANCES,
    max_iterations: int = MAX_ITERATIONS, kernel_dtype: torch.dtype = torch.float64,
) -> Descents:  # fmt: skip
    """Run plain Sinkhorn from potentials g, (n, l), LAB units; None for a cold start.

    kernel_dtype: torch.float32 for a kernel in single precision down to an error of SINGLE, in float64 from there.
    Raises ProblemError when g has another shape or is not finite on the support, or the tolerances do not fall.
    """
    return _descend(partial(extrapolation.run, memory=0), batch, g, tolerances, max_iterations, kernel_dtype)


def anderson(
    batch: Stack, g: Tensor | ArrayLike | None = None, *, memory: int = 10,
    tolerances: Sequence[float] = TOLERANCES, max_iterations: int = MAX_ITERATIONS,
    kernel_dtype: torch.dtype = torch.float64,
) -> Descents:  # fmt: skip
    """Run Sinkhorn with Anderson acceleration of log v (type II, Walker and Ni 2011), as `plain`.

    memory: differences kept, 1 to MEMORY. Raises ProblemError as `plain` does, and for another memory.
    """
    if not 1 <= memory <= MEMORY:
        raise ProblemError(f"memory must be from 1 to {MEMORY}, but is {memory}")
    return _descend(partial(extrapolation.run, memory=memory), batch, g, tolerances, max_iterations, kernel_dtype)


def relaxed(
    batch: Stack, g: Tensor | ArrayLike | None = None, *, omega: Tensor | ArrayLike = OMEGA,
    tolerances: Sequence[float] = TOLERANCES, max_iterations: int = MAX_ITERATIONS,
    kernel_dtype: torch.dtype = torch.float64,
) -> Descents:  # fmt: skip
    """Run overrelaxed Sinkhorn, the first iteration plain, as `plain` (Thibault et al. 2017).

    omega: one number or (n,), one for each problem. Raises ProblemError as `plain` does, and for one outside (0, 2).
    """
    weights = torch.as_tensor(omega, dtype=torch.float64, device=batch.b.device)
    if weights.shape not in ((), (len(batch),)):
        raise ProblemError(f"omega must be one number or have shape ({len(batch)},), but has {tuple(weights.shape)}")
    if not ((weights > 0) & (weights < 2)).all():
        raise ProblemError("omega must be between 0 and 2 for every problem")
    run = partial(overrelaxation.run, omega=weights.expand(len(batch)))
    return _descend(run, batch, g, tolerances, max_iterations, kernel_dtype)


def _descend(
    run: Callable[[Stack, Tensor, Record, torch.dtype], None], batch: Stack, g: Tensor | ArrayLike | None,
    tolerances: Sequence[float], max_iterations: int, dtype: torch.dtype,
) -> Descents:  # fmt: skip
    start = batch.start(g)
    wanted = torch.as_tensor(tolerances, dtype=torch.float64, device=start.device)
    if wanted.ndim != 1 or len(wanted) == 0 or not (wanted > 0).all() or (wanted.diff() >= 0).any():
        raise ProblemError(f"tolerances must be positive and fall, but are {tolerances}")
    record = Record.empty(start, wanted if dtype == torch.float64 else wanted.clamp(min=SINGLE), max_iterations)
    run(batch, start, record, dtype)
    if dtype != torch.float64:
        single, record = record, Record.empty(record.g, wanted, max_iterations)
        run(batch, single.g, record, torch.float64)
        record.prepend(single)
    return Descents(
        batch.fix_gauge(record.g), record.iterations, record.error[:, None] <= wanted, record.error, record.undone
    )
