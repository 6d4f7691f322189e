"""What proves a label: recomputed from the palettes and g in one pass over the kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from paletteot.errors import ProblemError
from paletteot.ot import kernels
from paletteot.ot.problem import Problem


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


def certify(problem: Problem, g: ArrayLike) -> Certificate:
    """Return the certificate of potentials g, (l,) float64, LAB units, any gauge.

    Raises ProblemError when g has another shape, is not float64 or not finite on the support.
    """
    potentials = np.ascontiguousarray(g)
    if potentials.dtype != np.float64:
        raise ProblemError(f"g must be float64, but is {potentials.dtype}")
    if potentials.shape != problem.b.shape:
        raise ProblemError(f"g must have shape {problem.b.shape}, but has {potentials.shape}")
    if not np.isfinite(potentials[problem.b > 0]).all():
        raise ProblemError("g must be finite where the target weight is positive")
    column = np.empty(len(problem.b))
    source_error, primal, dual = kernels.certify(
        problem.x, problem.a, problem.y, problem.b, problem.eps, potentials, column
    )
    return Certificate(source_error, float(np.abs(column - problem.b).sum()), primal, dual, primal - dual)
