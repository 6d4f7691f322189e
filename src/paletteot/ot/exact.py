"""Exact potentials: an epsilon schedule, then Anderson-accelerated passes, and Newton where those take too long."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from paletteot.ot import accelerated, newton
from paletteot.ot.certificate import Certificate, certify
from paletteot.ot.problem import Array, Problem
from paletteot.ot.schedule import schedule

SCHEDULE = 10
"""Iterations of the schedule."""

PATIENCE = 1000
"""Accelerated passes after which Newton's few dozen steps are the quicker way."""


@dataclass(frozen=True)
class Solution:
    """Exact potentials of a problem.

    g: (l,) float64, LAB units, gauge sum_j b_j g_j = 0, 0 where the weight is 0. passes: over the kernel, those of the
    schedule included. newton_steps: after them. certificate: what proves g.
    """

    g: Array
    passes: int
    newton_steps: int
    certificate: Certificate

    @property
    def marginal_error(self) -> float:
        """L1 error of both marginals of the plan rebuilt from g."""
        return self.certificate.source_error + self.certificate.target_error


def solve(problem: Problem, g: ArrayLike | None = None, *, tolerance: float = 1e-9) -> Solution:
    """Solve a problem to an L1 marginal error of at most ``tolerance``.

    g: (l,) where to begin, LAB units; None for an epsilon schedule. Raises ProblemError when g has another shape or is
    not finite; NotSolvedError when neither accelerated passes nor Newton reach the tolerance.
    """
    spent = SCHEDULE if g is None else 0
    start = schedule(problem, SCHEDULE) if g is None else g
    run = accelerated.anderson(
        problem, start, memory=accelerated.MEMORY, tolerances=(tolerance / 2,), max_iterations=PATIENCE
    )
    solution = Solution(run.g, spent + int(run.iterations[0]), 0, certify(problem, run.g))
    if solution.marginal_error <= tolerance:  # judged anew: the absorbed kernel leaves out its smallest entries
        return solution
    last = newton.solve(problem, run.g, tolerance=tolerance)
    return Solution(last.g, solution.passes, last.steps, certify(problem, last.g))
