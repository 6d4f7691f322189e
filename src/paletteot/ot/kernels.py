"""Compiled loops: the reference iteration on an absorbed kernel.

The log-domain iteration of docs/protocol.md costs one exponential per entry and pass. Here the potentials reached so
far are absorbed into the kernel,

    K_ij = a_i b_j exp((f_i + g_j - C_ij) / eps),

and the iteration runs on scalings (r, s) of its rows and columns, f + eps log r and g + eps log s. In exact arithmetic
the iterates are those of the log domain; K is rebuilt before any scaling leaves the range in which float64 loses
nothing (Schmitzer 2019, "Stabilized sparse scaling algorithms", section 3.3).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from paletteot.ot.problem import Array

ABSORB_AT = np.exp(50.0)
"""Scalings beyond this, or below its inverse, are absorbed into the kernel."""

NEGLIGIBLE = 1e-200
"""Kernel entries below this are stored as 0: beside sums of at least exp(-50) they round away; subnormals are slow."""

CHECKPOINTS = (0, 1, 10, 100)
"""Iterations after which the marginal error is recorded, besides the stop."""


@njit(cache=True)
def row_update(cost: Array, b: Array, g: Array, eps: float, f: Array) -> None:  # pragma: no cover - compiled
    """Set f to the row update of g in the log domain: the source marginal becomes exact."""
    k, l = cost.shape
    for i in range(k):
        top = -np.inf
        for j in range(l):
            top = max(top, g[j] - cost[i, j])
        total = 0.0
        for j in range(l):
            total += b[j] * np.exp((g[j] - cost[i, j] - top) / eps)
        f[i] = -top - eps * np.log(total)


@njit(cache=True)
def column_update(cost: Array, a: Array, f: Array, eps: float, g: Array) -> None:  # pragma: no cover - compiled
    """Set g to the column update of f in the log domain: the target marginal becomes exact."""
    k, l = cost.shape
    top = np.full(l, -np.inf)
    total = np.zeros(l)
    for i in range(k):
        for j in range(l):
            top[j] = max(top[j], f[i] - cost[i, j])
    for i in range(k):
        for j in range(l):
            total[j] += a[i] * np.exp((f[i] - cost[i, j] - top[j]) / eps)
    for j in range(l):
        g[j] = -top[j] - eps * np.log(total[j])


@njit(cache=True)
def build_kernel(
    cost: Array, a: Array, b: Array, f: Array, g: Array, eps: float, kernel: Array
) -> None:  # pragma: no cover - compiled
    """Fill K_ij = a_i b_j exp((f_i + g_j - C_ij) / eps)."""
    k, l = cost.shape
    for i in range(k):
        for j in range(l):
            value = a[i] * b[j] * np.exp((f[i] + g[j] - cost[i, j]) / eps)
            kernel[i, j] = value if value > NEGLIGIBLE else 0.0


@njit(cache=True, fastmath={"reassoc", "contract"})
def fused_pass(kernel: Array, a: Array, s: Array, r: Array, column: Array) -> None:  # pragma: no cover - compiled
    """Set r = a / (K s) and column = K^T r in one pass over the kernel; each row is read once."""
    k, l = kernel.shape
    column[:] = 0.0
    for i in range(k):
        row = kernel[i]
        total = 0.0
        for j in range(l):
            total += row[j] * s[j]
        scale = a[i] / total
        r[i] = scale
        for j in range(l):
            column[j] += scale * row[j]


@njit(cache=True)
def iterate(
    cost: Array, a: Array, b: Array, eps: float, g: Array, atol: float, max_iterations: int, errors: Array
) -> tuple[int, bool]:  # pragma: no cover - compiled
    """Run the reference iteration from g, in place.

    errors: (5,) receives the L1 marginal error after CHECKPOINTS iterations and at the stop; a checkpoint beyond the
    stop gets the error of the stop. Returns the count t of docs/protocol.md and whether the stop was reached.
    """
    k, l = cost.shape
    f = np.empty(k)
    kernel = np.empty((k, l))
    r = np.ones(k)
    s = np.ones(l)
    column = np.empty(l)
    fresh = np.empty(l)
    lower, upper = np.exp(-atol), np.exp(atol)
    errors[:] = np.nan
    absorbed = False  # whether the kernel holds f and g, and s is a scaling of it
    count, converged = max_iterations, False
    for t in range(max_iterations):
        error, still = 0.0, True
        if absorbed:
            fused_pass(kernel, a, s, r, column)
            largest = 1.0
            for j in range(l):
                new = b[j] / column[j]
                step = new / s[j]
                still = still and lower <= step <= upper
                error += abs(s[j] * column[j] - b[j])
                fresh[j] = new
                largest = max(largest, new, 1.0 / new)
            for i in range(k):
                largest = max(largest, r[i], 1.0 / r[i])
            if largest < ABSORB_AT:
                s[:] = fresh
            else:  # this pass may have lost entries: undo it, absorb what was reached before
                g += eps * np.log(s)
                absorbed = False
        if not absorbed:
            # One iteration in the log domain: nothing underflows however far g is from the solution.
            error, still = 0.0, True
            row_update(cost, b, g, eps, f)
            fresh[:] = g
            column_update(cost, a, f, eps, g)
            for j in range(l):
                change = (g[j] - fresh[j]) / eps
                still = still and abs(change) <= atol
                error += b[j] * abs(np.expm1(-change))
            build_kernel(cost, a, b, f, g, eps, kernel)
            s[:] = 1.0
            absorbed = True
        if t == 0:
            errors[0] = error
        elif t == 1:
            errors[1] = error
        elif t == 10:
            errors[2] = error
        elif t == 100:
            errors[3] = error
        if still:
            count, converged = t, True
            break
    g += eps * np.log(s)
    row_update(cost, b, g, eps, f)
    build_kernel(cost, a, b, f, g, eps, kernel)
    error = 0.0
    for j in range(l):
        error += abs(kernel[:, j].sum() - b[j])
    errors[4] = error
    for c in range(4):
        if np.isnan(errors[c]):
            errors[c] = error
    return count, converged


@njit(cache=True, nogil=True)
def certify(
    x: Array, a: Array, y: Array, b: Array, eps: float, g: Array, column: Array
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Make one pass over the kernel of g; atoms of weight zero are passed over.

    column: (l,) receives the target marginal P^T 1 of the plan rebuilt from g. Returns the L1 error of its source
    marginal, its primal value <P, C> + eps KL(P || a b^T) and the dual value <f, a> + <g, b>.
    """
    k, l = len(a), len(b)
    cost, exponent, mass = np.empty(l), np.empty(l), np.empty(l)
    column[:] = 0.0
    source_error = transport = entropy = dual = 0.0
    for i in range(k):
        if a[i] == 0.0:
            continue
        top = -np.inf
        for j in range(l):
            d0, d1, d2 = x[i, 0] - y[j, 0], x[i, 1] - y[j, 1], x[i, 2] - y[j, 2]
            cost[j] = np.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
            exponent[j] = g[j] - cost[j]
            if b[j] > 0.0:
                top = max(top, exponent[j])
        total = 0.0
        for j in range(l):
            mass[j] = b[j] * np.exp((exponent[j] - top) / eps) if b[j] > 0.0 else 0.0
            total += mass[j]
        f = -top - eps * np.log(total)
        row = 0.0
        for j in range(l):
            p = a[i] * mass[j] / total
            row += p
            column[j] += p
            transport += p * cost[j]
            entropy += p * (f + exponent[j])  # eps log(P / (a b)) = f + g - C
        source_error += abs(row - a[i])
        dual += a[i] * f
    for j in range(l):
        if b[j] > 0.0:
            dual += b[j] * g[j]
    return source_error, transport + entropy, dual
