"""What proves a label: recomputed from the palettes and g in one pass over the kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from paletteot.arithmetic import arrays
from paletteot.ot import kernels, numbers
from paletteot.ot.problem import Array, Problem
from paletteot.ot.sinkhorn import start_on_support


class Certificate(NamedTuple):
    """How good the plan P rebuilt from g is.

    P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps), with f the row update of g, is the exact optimum between a and its own
    target marginal P^T 1; so the errors of its marginals say all. By concavity of the semi-dual the dual value is at
    most target_error * (max g - min g + max C) / 2 below the optimum.

    source_error, target_error: L1 errors of the marginals P 1 and P^T 1. primal: <P, C> + eps KL(P || a b^T), LAB
    units. dual: <f, a> + <g, b>, LAB units. gap: primal - dual; below 0 at most by rounding and target_error.
    """

    source_error: float
    target_error: float
    primal: float
    dual: float
    gap: float

    @property
    def marginal_error(self) -> float:
        """L1 error of both marginals."""
        return self.source_error + self.target_error


def certify(problem: Problem, g: ArrayLike) -> Certificate:
    """Return the certificate of potentials g, (l,) float64, LAB units, any gauge.

    Raises ProblemError when g is not float64, or none (`sinkhorn.start_on_support`).
    """
    known = np.zeros(problem.b.shape)
    known[problem.b > 0] = start_on_support(problem, numbers.reals(g, "g", "float64"))
    x, y = _known(problem.x, problem.a), _known(problem.y, problem.b)
    column = np.empty(len(problem.b))
    source_error, primal, dual = kernels.certify(x, problem.a, y, problem.b, problem.eps, known, column)
    return Certificate(source_error, arrays.l1(column, problem.b), primal, dual, primal - dual)


def _known(points: Array, weights: Array) -> Array:
    """Return centroids, those of weight zero on the support: NaN or an infinite distance times 0 would not be 0."""
    on = weights > 0
    return points if on.all() else np.where(on[:, None], points, points[on.argmax()])
