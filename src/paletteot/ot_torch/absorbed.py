"""Kernels into which potentials have been absorbed, for the problems of a batch that still run."""

from __future__ import annotations

from math import exp

import torch
from torch import Tensor

from paletteot.errors import ProblemError
from paletteot.ot.kernels import LARGEST, NEGLIGIBLE
from paletteot.ot_torch.batch import Stack

LIMITS = {torch.float64: (LARGEST, NEGLIGIBLE), torch.float32: (exp(20.0), 1e-28)}
"""By the kernel's precision: the largest scaling that is not absorbed, and the entry below which 0 is stored."""


class Absorbed:
    """K_ij = a_i b_j exp((f_i + g_j - C_ij) / eps) of the problems that still run (see `ot.kernels`).

    The row of an atom of weight zero is empty, its weight and its sum are put at 1: so its scaling is 1, and moves by
    nothing. The kernel starts empty, so that every scaling of the first pass is lost and g absorbed.

    rows: (n,) which problems of the batch these are. g: (n, l) LAB units. kernel: (n, k, l). a: (n, k), b: (n, l).
    """

    def __init__(self, batch: Stack, g: Tensor, dtype: torch.dtype) -> None:
        if dtype not in LIMITS:
            raise ProblemError(f"kernel_dtype must be torch.float64 or torch.float32, but is {dtype}")
        self.eps = batch.eps
        self.largest, self.negligible = LIMITS[dtype]
        self.rows = torch.arange(len(batch), device=g.device)
        self.g = g.clone()
        self.cost = batch.cost
        self.kernel = torch.zeros_like(self.cost, dtype=dtype)
        self.log_a, self.log_b = batch.a.log(), batch.b.log()
        self.empty_a, self.empty_b = (batch.a == 0).double(), (batch.b == 0).double()
        self.a, self.b = batch.a + self.empty_a, batch.b + self.empty_b

    def row_sums(self, s: Tensor) -> Tensor:
        """Return K s, (n, k), of column scalings s, (n, l)."""
        # A row times a matrix: batched products of a matrix and a column are several times slower on a CPU.
        product = torch.bmm(s.to(self.kernel.dtype)[:, None, :], self.kernel.transpose(1, 2))
        return product[:, 0].double() + self.empty_a

    def column_sums(self, r: Tensor) -> Tensor:
        """Return K^T r, (n, l), of row scalings r, (n, k)."""
        return torch.bmm(r.to(self.kernel.dtype)[:, None, :], self.kernel)[:, 0].double() + self.empty_b

    def lost(self, *scalings: Tensor) -> Tensor:
        """Return which problems, (n,), have a scaling that is out of range or NaN."""
        inside = [((1 / self.largest < one) & (one < self.largest)).all(1) for one in scalings]
        return ~torch.stack(inside).all(0)

    def absorb(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """Make a plain iteration of g in the log domain, where nothing underflows, and absorb it.

        at: (m,) positions. Returns the change of log v, (m, l), and the L1 marginal error before it, (m,).
        """
        exponent = self.cost[at].div_(-self.eps)
        log_a, log_b, before = self.log_a[at], self.log_b[at], self.g[at] / self.eps
        f = -torch.logsumexp(exponent + (log_b + before)[:, None, :], 2)
        exponent.add_((log_a + f)[:, :, None])
        after = torch.where(log_b.isfinite(), -torch.logsumexp(exponent, 1), 0.0)
        kernel = exponent.add_((log_b + after)[:, None, :]).exp_()
        self.kernel[at] = torch.threshold_(kernel, self.negligible, 0.0).to(self.kernel.dtype)
        self.g[at] = self.eps * after
        change = after - before
        return change, (self.b[at] * torch.expm1(-change).abs()).sum(1)


def retire(stopped: Tensor, *holders: object) -> None:
    """Take problems out of every tensor that the holders have as attributes: the last ones move into their places.

    stopped: (n,) which. So a kernel is moved at most once for every problem that ends.
    """
    kept = int((~stopped).sum())
    holes = stopped[:kept].nonzero()[:, 0]
    movers = kept + (~stopped[kept:]).nonzero()[:, 0]
    for holder in holders:
        for name, value in vars(holder).items():
            if isinstance(value, Tensor):
                value[holes] = value[movers]
                setattr(holder, name, value[:kept])
