"""Overrelaxed Sinkhorn of a batch: the steps and safeguards of `ot.accelerated_kernels.relaxed`."""

from __future__ import annotations

import torch
from torch import Tensor

from paletteot.ot.accelerated_kernels import PATIENCE, SHRINK, WORSE
from paletteot.ot_torch.absorbed import Absorbed, retire
from paletteot.ot_torch.batch import Stack
from paletteot.ot_torch.record import Record


class _State:
    """Logarithms y, (n, k), and z, (n, l), of the scalings, and the best iterate so far.

    plain: (n,) whether the next iteration is a plain one in the log domain; z is 0 then. column: (n, l) K^T exp y.
    strength: (n,) what the safeguard has left of omega - 1.
    """

    def __init__(self, run: Absorbed, omega: Tensor) -> None:
        self.y, self.z, self.column = torch.zeros_like(run.a), torch.zeros_like(run.b), run.b.clone()
        self.best_g = run.g.clone()
        self.best, self.halved = torch.full_like(omega, torch.inf), torch.full_like(omega, torch.inf)
        self.omega, self.strength = omega.clone(), torch.ones_like(omega)
        self.since = torch.zeros_like(run.rows)
        self.plain = torch.ones_like(run.rows, dtype=torch.bool)

    def weight(self) -> Tensor:
        """Return the omegas in force, (n, 1)."""
        return (1 + self.strength * (self.omega - 1))[:, None]


def run(batch: Stack, start: Tensor, record: Record, dtype: torch.dtype, *, omega: Tensor) -> None:
    """Run the relaxed iteration from potentials, (n, l), with omega, (n,), the first iteration plain."""
    run = Absorbed(batch, start, dtype)
    now = _State(run, omega)
    for t in range(record.max_iterations + 1):
        if len(run.rows) == 0:
            return
        weight = now.weight()
        s, mass = now.z.exp(), run.row_sums(now.z.exp())
        error = (s * now.column - run.b).abs().sum(1) + (now.y.exp() * mass - run.a).abs().sum(1)
        now.y = (1 - weight) * now.y + weight * (run.a / mass).log()
        r = now.y.exp()
        now.column = run.column_sums(r)
        at = now.plain.nonzero()[:, 0]
        if len(at) > 0:
            change, error[at] = run.absorb(at)
            now.y[at], now.column[at], r[at] = 0.0, run.b[at], 1.0
            now.z[at] = -change  # back to where the error is that of, should the run end here
        stopped = record.note(run.rows, t, error)
        ended = bool(stopped.any())
        if ended:
            record.g[run.rows[stopped]] = run.g[stopped] + run.eps * now.z[stopped]
        now.z[at] = 0.0
        bad, worse = _judge(run, now, error)
        record.undone[run.rows] += bad & ~stopped
        relaxing, weight = ~(now.plain | bad)[:, None], now.weight()
        now.z = torch.where(relaxing, (1 - weight) * now.z + weight * (run.b / now.column).log(), now.z)
        lost = relaxing[:, 0] & run.lost(now.z.exp(), r)
        now.plain = lost | bad
        run.g += torch.where(now.plain[:, None], run.eps * now.z, 0.0)
        run.g = torch.where(worse[:, None], now.best_g, run.g)
        now.z = torch.where(now.plain[:, None], 0.0, now.z)
        if ended:
            retire(stopped, run, now)


def _judge(run: Absorbed, now: _State, error: Tensor) -> tuple[Tensor, Tensor]:
    """Keep the iterates that are the best so far; return which problems, (n,), are undone, and which must go back."""
    judged = ~now.plain
    better = judged & (error <= now.best)
    now.since = torch.where(better, 0, now.since + judged)
    worse = judged & ~better & ~(error <= WORSE * now.best)
    bad = worse | (judged & ~better & (now.since > PATIENCE))
    now.best_g = torch.where(better[:, None], run.g + run.eps * now.z, now.best_g)
    halved = better & (error < 0.5 * now.halved)
    now.halved = torch.where(halved, error, now.halved)
    grown = (now.strength / SHRINK).clamp(max=1.0)
    now.strength = torch.where(halved, grown, torch.where(bad, SHRINK * now.strength, now.strength))
    # A relaxed pair of scalings may have erred less than the plain one that comes now: judge anew.
    now.best = torch.where(bad, torch.inf, torch.where(better, error, now.best))
    now.since = torch.where(bad, 0, now.since)
    return bad, worse
