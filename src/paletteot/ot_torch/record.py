"""What a batch of runs has reached so far."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Record:
    """Counts of all problems of a batch, those that still run and those that have stopped.

    tolerances: (m,) L1 marginal errors, falling. g: (n, l) potentials at the end. iterations: (n, m) to each tolerance,
    max_iterations where it was not reached. error: (n,) the last one. undone: (n,) steps that were undone.
    """

    tolerances: Tensor
    max_iterations: int
    g: Tensor
    iterations: Tensor
    error: Tensor
    undone: Tensor

    @classmethod
    def empty(cls, g: Tensor, tolerances: Tensor, max_iterations: int) -> Record:
        """Return the record of runs from g that have not begun."""
        n = len(g)
        return cls(
            tolerances,
            max_iterations,
            g.clone(),
            torch.full((n, len(tolerances)), max_iterations, device=g.device),
            torch.full((n,), torch.inf, dtype=g.dtype, device=g.device),
            torch.zeros(n, dtype=torch.int64, device=g.device),
        )

    def note(self, rows: Tensor, t: int, error: Tensor) -> Tensor:
        """Note the errors, (m,), of the problems rows, (m,), after t iterations; return which of them stop."""
        hit = error[:, None] <= self.tolerances
        before = self.iterations[rows]
        self.iterations[rows] = torch.where(hit & (before == self.max_iterations), t, before)
        self.error[rows] = error
        return hit[:, -1] if t < self.max_iterations else torch.ones_like(hit[:, -1])

    def prepend(self, first: Record) -> None:
        """Count the iterations of a run in single precision before this one, which began at its end.

        A tolerance that this one found met from the beginning was met when the first run says so.
        """
        later = first.iterations[:, -1:] + self.iterations
        self.iterations = torch.where(self.iterations == 0, first.iterations, later).clamp(max=self.max_iterations)
        self.undone += first.undone
