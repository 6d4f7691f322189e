"""Compiled loops of Newton's method on the semi-dual: value, plan, and the direction by Cholesky.

LAPACK and BLAS choose their order of summation by the CPU; labels that need Newton would be other ones elsewhere.
"""

from __future__ import annotations

import numpy as np

from paletteot.arithmetic import lanes
from paletteot.arithmetic.vector import exp, log_of_any
from paletteot.compiled import njit
from paletteot.ot.kernels import row_sums
from paletteot.ot.problem import Array


@njit(cache=True, nogil=True, error_model="numpy")
def semi_dual(
    cost: Array, a: Array, b: Array, eps: float, g: Array, coupling: Array, column: Array
) -> float:  # pragma: no cover - compiled
    """Set the plan with exact source marginal that g implies and its target marginal; return the semi-dual value.

    coupling: (k, l) and column: (l,) receive them.
    """
    k, l = cost.shape
    transport = 0.0
    column[:] = 0.0
    for i in range(k):
        mass = coupling[i]
        top = -np.inf
        for j in range(l):
            top = max(top, g[j] - cost[i, j])
        for j in range(l):
            mass[j] = b[j] * exp((g[j] - cost[i, j] - top) / eps)
        total = lanes.total(mass)
        transport += a[i] * (eps * log_of_any(total) + top)
        share = a[i] / total
        for j in range(l):
            mass[j] *= share
            column[j] += mass[j]
    return lanes.dot(b, g) - transport  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def direction(
    coupling: Array, column: Array, a: Array, b: Array, gradient: Array, eps: float, found: Array
) -> bool:  # pragma: no cover - compiled
    """Solve (diag(c) - P^T diag(1/a) P) d = eps (b - c) for the d of mean zero; return False where it is singular.

    Scaled by c^-1/2 on both sides: its eigenvalues are then 1 - s^2 with s the singular values of the scaled plan.
    found: (l,) receives d.
    """
    k, l = coupling.shape
    root, scaled, matrix = np.empty(l), np.empty((l, k)), np.empty((l, l))
    for j in range(l):
        # A column that g has emptied would otherwise make the matrix singular.
        root[j] = np.sqrt(max(column[j], 1e-3 * b[j]))
    for i in range(k):
        weight = np.sqrt(a[i])
        for j in range(l):
            scaled[j, i] = coupling[i, j] / weight / root[j]
    for j in range(l):
        row_sums(scaled, scaled[j], 0, j + 1, matrix[j])
        for m in range(j + 1):
            matrix[j, m] = root[j] * root[m] - matrix[j, m]  # lifts the constant direction, whose scaled form is root
        matrix[j, j] += 1.0 + 1e-13
        found[j] = eps * gradient[j] / root[j]
    for j in range(l):
        for m in range(j):
            matrix[j, m] = (matrix[j, m] - lanes.dot(matrix[j, :m], matrix[m, :m])) / matrix[m, m]
        rest = matrix[j, j] - lanes.dot(matrix[j, :j], matrix[j, :j])
        if not 0.0 < rest < np.inf:
            return False
        matrix[j, j] = np.sqrt(rest)
        found[j] = (found[j] - lanes.dot(matrix[j, :j], found[:j])) / matrix[j, j]
    for j in range(l - 1, -1, -1):
        found[j] /= matrix[j, j]
        for m in range(j):
            found[m] -= found[j] * matrix[j, m]
        found[j] /= root[j]
    return True
