"""Transport by squared distances, whose plans keep what is lighter lighter."""

from __future__ import annotations

import numpy as np

from paletteot.ot import accelerated, newton, sinkhorn
from paletteot.ot.problem import Array, Problem
from paletteot.ot.schedule import schedule

LIGHTNESS = 2.0
"""How much more a step of lightness costs than one of a* or b*: texture is lightness."""
LENGTH = 100.0
"""Distance that costs itself, LAB units; the entropy then blurs by sqrt(eps LENGTH / 2), 2.2 LAB units at eps = 0.1."""
ITERATIONS, PATIENCE = 10, 1000
"""Of the epsilon schedule, and accelerated passes after which Newton takes over, as `paletteot.solve` has them."""


class SquaredProblem(Problem):
    """A problem with the cost C_ij = |W (x_i - y_j)|^2 / LENGTH, LAB units, W = diag(LIGHTNESS, 1, 1).

    Distances themselves leave it open which of two greys that go up by as much ends lighter; by their squares the plan
    is monotone (Brenier 1991), and shading stays shading.
    """

    @property
    def cost(self) -> Array:
        """Squared weighted distances over LENGTH between the supports, (k, l), LAB units."""
        weighted = (self.x[:, None] - self.y[None]) * [LIGHTNESS, 1.0, 1.0]
        return np.ascontiguousarray((weighted**2).sum(axis=2) / LENGTH)

    def on_support(self) -> SquaredProblem:
        """Return the problem without its atoms of weight zero."""
        i, j = self.a > 0, self.b > 0
        return SquaredProblem(self.x[i], self.a[i], self.y[j], self.b[j], self.eps)

    def swapped(self) -> SquaredProblem:
        """Return the problem with source and target exchanged."""
        return SquaredProblem(self.y, self.b, self.x, self.a, self.eps)


def potentials(problem: SquaredProblem, *, tolerance: float = 1e-9) -> Array:
    """Return g (l,) whose plan has an L1 marginal error of at most the tolerance, LAB units.

    Raises NotSolvedError where eps is too small for the distances.
    """
    start = schedule(problem, ITERATIONS)
    run = accelerated.anderson(
        problem, start, memory=accelerated.MEMORY, tolerances=(tolerance / 2,), max_iterations=PATIENCE, judged=False
    )
    plan = sinkhorn.plan(problem, run.g)
    error = np.abs(plan.sum(axis=0) - problem.b).sum() + np.abs(plan.sum(axis=1) - problem.a).sum()
    if error <= tolerance:
        return run.g
    try:
        return newton.solve(problem, run.g, tolerance=tolerance).g
    except newton.NotSolvedError as why:
        raise newton.NotSolvedError(
            f"eps {problem.eps:g} is too small for squared distances between these: {why}"
        ) from why
