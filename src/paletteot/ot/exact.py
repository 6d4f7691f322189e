"""Exact potentials: an epsilon schedule, then Anderson-accelerated passes, and Newton where those take too long."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from paletteot.errors import ProblemError
from paletteot.ot import accelerated, newton, numbers
from paletteot.ot.certificate import Certificate, certify
from paletteot.ot.newton import NotSolvedError
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
        return self.certificate.marginal_error


def solve(problem: Problem, g: ArrayLike | None = None, *, tolerance: float = 1e-9) -> Solution:
    """Solve a problem to an L1 marginal error of at most ``tolerance``, certified.

    g: (l,) where to begin, LAB units, any gauge; None for an epsilon schedule. Raises ProblemError when g is none
    (`sinkhorn.start_on_support`) or tolerance no positive number; NotSolvedError when neither accelerated passes, nor
    Newton from where they end, nor Newton from the duals of the unregularised problem reach the tolerance.
    """
    tolerance = numbers.positive(tolerance, "tolerance")
    spent = SCHEDULE if g is None else 0
    start = schedule(problem, SCHEDULE) if g is None else g
    run = accelerated.anderson(
        problem, start, memory=accelerated.MEMORY, tolerances=(tolerance / 2 or tolerance,), max_iterations=PATIENCE,
        judged=False,
    )  # fmt: skip
    passes = spent + int(run.iterations[0])
    proof = _proof(problem, run.g)  # judged anew: the absorbed kernel leaves out its smallest entries
    if proof is not None and proof.marginal_error <= tolerance:
        return Solution(run.g, passes, 0, proof)
    for begin in (run.g, None):  # at small eps Newton finds no way from afar; the duals are near there
        try:
            exact, steps, proof = _newton(problem, begin, tolerance)
        except (NotSolvedError, ProblemError) as error:  # no potentials at all where the passes have spoilt them
            why = str(error)
        else:
            return Solution(exact, passes, steps, proof)
    raise NotSolvedError(
        f"no potentials found with an L1 marginal error of at most {tolerance:g}, eps may be too small for the "
        f"distances: {why}"
    )


def _newton(problem: Problem, g: Array | None, tolerance: float) -> tuple[Array, int, Certificate]:
    """Return potentials whose certified error is at most the tolerance, Newton's steps to them, and the certificate."""
    steps = 0
    for wanted in (tolerance, tolerance / 4 or tolerance):  # Newton's own error and the certified differ by rounding
        last = newton.solve(problem, g, tolerance=wanted)
        g, steps = last.g, steps + last.steps
        proof = certify(problem, g)
        if proof.marginal_error <= tolerance:
            return g, steps, proof
    raise NotSolvedError(f"rounding of the potentials leaves an L1 marginal error of {proof.marginal_error:.2e}")


def _proof(problem: Problem, g: Array) -> Certificate | None:
    """Return the certificate of what the passes gave, None where they have spoilt it."""
    try:
        return certify(problem, g)
    except ProblemError:
        return None
