"""Anderson acceleration of a batch: the steps and safeguards of `ot.accelerated_kernels.anderson`."""

from __future__ import annotations

import torch
from torch import Tensor

from paletteot.ot.accelerated_kernels import FAR, NEAR, PATIENCE, PIVOT, RANGE, WORSE
from paletteot.ot_torch.absorbed import Absorbed, retire
from paletteot.ot_torch.batch import Stack
from paletteot.ot_torch.record import Record


class _Memory:
    """The last iterates of each problem. steps, images: (n, memory, l) differences of weighted residuals, of images.

    The differences lie in a ring, the same place for all problems; a problem whose memory was emptied holds the newest
    ``held`` of them. known: whether the next pass may be compared with the last one's image and residual. halved: the
    error when it had last halved, ``since`` passes ago.
    """

    def __init__(self, start: Tensor, memory: int) -> None:
        n, l = start.shape
        self.z, self.image, self.residual = (torch.zeros_like(start) for _ in range(3))
        self.steps, self.images = (start.new_zeros(n, memory, l) for _ in range(2))
        self.gram, self.lengths = start.new_zeros(n, memory, memory), start.new_zeros(n, memory)
        self.held = torch.zeros(n, dtype=torch.int64, device=start.device)
        self.known, self.extrapolated = self.held > 0, self.held > 0
        self.since = torch.zeros_like(self.held)
        self.error, self.halved = (start.new_full((n,), torch.inf) for _ in range(2))

    def push(self, slot: int, which: Tensor, step: Tensor, image: Tensor, b: Tensor) -> None:
        """Put differences, (n, l), into a place of the ring for the problems ``which``, (n,)."""
        self.steps[:, slot] = torch.where(which[:, None], step, 0.0)
        self.images[:, slot] = torch.where(which[:, None], image, 0.0)
        self.lengths[:, slot] = (b * self.images[:, slot].square()).sum(1).sqrt()
        products = torch.bmm(self.steps[:, slot, None], self.steps.transpose(1, 2))[:, 0]
        self.gram[:, slot], self.gram[:, :, slot] = products, products
        self.held = torch.where(which, (self.held + 1).clamp(max=self.gram.shape[1]), 0)

    def least_squares(self, order: Tensor, residual: Tensor) -> tuple[Tensor, Tensor]:
        """Minimise |residual - steps^T gamma|; return gamma, (n, memory), by place, and whether any took part, (n,).

        Cholesky of the normal equations, scaled to a diagonal of one, from the newest difference backwards: it ends at
        the first that reaches too far or depends on the newer ones. order: (memory,) places by age, its own inverse.
        """
        memory = len(order)
        age, eye = (
            torch.arange(memory, device=order.device),
            torch.eye(memory, dtype=residual.dtype, device=order.device),
        )
        far = (self.lengths[:, order] > FAR) & (age >= NEAR)
        usable = _leading((age < self.held[:, None]) & ~far)
        gram = self.gram[:, order][:, :, order]
        scale = gram.diagonal(dim1=1, dim2=2).rsqrt()
        scaled = torch.where(_pairs(usable), gram * scale[:, :, None] * scale[:, None, :], eye)
        factor, failed = torch.linalg.cholesky_ex(scaled)  # what leads up to a failure is sound
        sound = (failed[:, None] == 0) | (age < failed[:, None] - 1)
        usable = _leading(usable & sound & (factor.diagonal(dim1=1, dim2=2).square() > PIVOT))
        factor = torch.where(_pairs(usable), factor, eye)
        rhs = torch.bmm(residual[:, None], self.steps.transpose(1, 2))[:, 0, order]
        gamma = torch.cholesky_solve(torch.where(usable, rhs * scale, 0.0)[:, :, None], factor)[:, :, 0]
        return torch.where(usable, gamma * scale, 0.0)[:, order], usable[:, 0]


def run(batch: Stack, start: Tensor, record: Record, dtype: torch.dtype, *, memory: int) -> None:
    """Run Anderson acceleration (type II) of log v -> log v from potentials, (n, l); memory 0 is plain Sinkhorn."""
    run, now = Absorbed(batch, start, dtype), _Memory(start, memory)
    places = torch.arange(memory, device=start.device)
    orders = [(slot - places) % memory for slot in range(memory)]
    for t in range(record.max_iterations + 1):
        if len(run.rows) == 0:
            return
        s = now.z.exp()
        r = run.a / run.row_sums(s)
        column = run.column_sums(r)
        fresh = run.b / column
        image = fresh.log()
        error = (s * column - run.b).abs().sum(1)
        lost = run.lost(s, r, fresh)
        if lost.any():  # in the log domain; the new potentials are absorbed, and everything is told from them
            at = lost.nonzero()[:, 0]
            run.g[at] += run.eps * now.z[at]
            change, error[at] = run.absorb(at)
            now.image[at] -= now.z[at] + change
            now.z[at] = -change
            image[at] = 0.0
        stopped = record.note(run.rows, t, error)
        ended = bool(stopped.any())
        if ended:
            record.g[run.rows[stopped]] = run.g[stopped] + run.eps * now.z[stopped]
        bad = now.extrapolated & ~(error <= WORSE * now.error) & ~stopped
        record.undone[run.rows] += bad
        residual = (image - now.z) * run.b.sqrt()
        halved = ~bad & (error <= 0.5 * now.halved)
        now.halved = torch.where(halved, error, now.halved)
        now.since = torch.where(halved, 0, now.since + ~bad)
        stale = now.since > PATIENCE
        z, extrapolated = image, torch.zeros_like(bad)
        if memory:
            keep = now.known & ~bad & ~stale
            now.push(t % memory, keep, residual - now.residual, image - now.image, run.b)
            gamma, extrapolated = now.least_squares(orders[t % memory], residual)
            z = image - torch.bmm(gamma[:, None], now.images)[:, 0]
        beyond = extrapolated & ~((z - image).abs() < RANGE).all(1)
        plain = bad | stale | beyond
        now.z = torch.where(bad[:, None], now.image, torch.where(beyond[:, None], image, z))
        now.held = torch.where(plain, 0, now.held)
        now.known, now.extrapolated = ~plain, extrapolated & ~plain
        now.image, now.residual, now.error = image, residual, error
        if ended:
            retire(stopped, run, now)


def _leading(mask: Tensor) -> Tensor:
    """Return the mask, (n, m), up to its first False."""
    return mask.long().cumprod(1).bool()


def _pairs(mask: Tensor) -> Tensor:
    return mask[:, :, None] & mask[:, None, :]
