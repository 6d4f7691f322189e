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
from numpy.typing import NDArray

from paletteot.arithmetic import lanes
from paletteot.arithmetic.vector import exp, expm1, log, log_of_any
from paletteot.compiled import njit
from paletteot.ot.problem import Array

LARGEST = 2.0**72
"""Scalings beyond this, or below its inverse, are absorbed into the kernel."""

SMALLEST = 1 / LARGEST

NEGLIGIBLE = 1e-200
"""Kernel entries below this are stored as 0: beside sums of at least 2^-72 they round away; subnormals are slow."""

EMPTIED = 1e-250
"""Share of its weight below which the mass of a column may have been rounded to nothing."""

CHECKPOINTS = (0, 1, 10, 100)
"""Iterations after which the marginal error is recorded, besides the stop."""


@njit(cache=True, nogil=True, error_model="numpy")
def row_update(cost: Array, b: Array, g: Array, eps: float, f: Array) -> None:  # pragma: no cover - compiled
    """Set f to the row update of g in the log domain: the source marginal becomes exact."""
    k, l = cost.shape
    mass = np.empty(l)
    for i in range(k):
        top = -np.inf
        for j in range(l):
            top = max(top, g[j] - cost[i, j])
        for j in range(l):
            mass[j] = b[j] * exp((g[j] - cost[i, j] - top) / eps)
        f[i] = -top - eps * log_of_any(lanes.total(mass))


@njit(cache=True, nogil=True, error_model="numpy")
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
            total[j] += a[i] * exp((f[i] - cost[i, j] - top[j]) / eps)
    for j in range(l):
        g[j] = -top[j] - eps * log_of_any(total[j])


@njit(cache=True, nogil=True, error_model="numpy")
def full_update(
    cost: Array, a: Array, b: Array, g: Array, eps: float, f: Array, mass: Array, column: Array
) -> None:  # pragma: no cover - compiled
    """Set f to the row update of g, then g to the column update of f, with one exponential for each entry.

    mass, column: (l,) scratch. Columns that g had all but emptied, whose sums may have lost entries, are done anew.
    """
    k, l = cost.shape
    column[:] = 0.0
    for i in range(k):
        top = -np.inf
        for j in range(l):
            top = max(top, g[j] - cost[i, j])
        for j in range(l):
            mass[j] = b[j] * exp((g[j] - cost[i, j] - top) / eps)
        total = lanes.total(mass)
        f[i] = -top - eps * log_of_any(total)
        for j in range(l):
            column[j] += a[i] / total * mass[j]
    lost = 0
    for j in range(l):
        lost += 0 if column[j] > EMPTIED * b[j] else 1
    if lost > 0:
        column_update(cost, a, f, eps, g)
    else:
        for j in range(l):
            g[j] -= eps * log(column[j] / b[j])


@njit(cache=True, nogil=True, error_model="numpy")
def target_error(cost: Array, a: Array, b: Array, eps: float, g: Array) -> float:  # pragma: no cover - compiled
    """Return the L1 error of the target marginal after one row update of g, in the log domain; NaN where g is."""
    k, l = cost.shape
    mass, column = np.empty(l), np.zeros(l)
    for i in range(k):
        top = -np.inf
        for j in range(l):
            top = max(top, g[j] - cost[i, j])
        for j in range(l):
            mass[j] = b[j] * exp((g[j] - cost[i, j] - top) / eps)
        share = a[i] / lanes.total(mass)
        for j in range(l):
            column[j] += share * mass[j]
    error = 0.0
    for j in range(l):
        error += abs(column[j] - b[j]) if np.isfinite(g[j]) else np.nan
    return error


@njit(cache=True, nogil=True, error_model="numpy")
def build_kernel(
    cost: Array, a: Array, b: Array, f: Array, g: Array, eps: float, kernel: Array
) -> None:  # pragma: no cover - compiled
    """Fill K_ij = a_i b_j exp((f_i + g_j - C_ij) / eps)."""
    k, l = cost.shape
    for i in range(k):
        for j in range(l):
            value = a[i] * b[j] * exp((f[i] + g[j] - cost[i, j]) / eps)
            kernel[i, j] = value if value > NEGLIGIBLE else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def fused_pass(kernel: Array, a: Array, s: Array, r: Array, column: Array) -> None:  # pragma: no cover - compiled
    """Set r = a / (K s) and column = K^T r in one pass over the kernel; each row is read from memory once.

    Four rows at a time, so that s and column are read a quarter as often.
    """
    k, l = kernel.shape
    column[:] = 0.0
    whole = k - k % 4
    for i in range(0, whole, 4):
        k0, k1, k2, k3 = kernel[i], kernel[i + 1], kernel[i + 2], kernel[i + 3]
        t0, t1, t2, t3 = lanes.four_dots(kernel, i, s)
        r0, r1, r2, r3 = a[i] / t0, a[i + 1] / t1, a[i + 2] / t2, a[i + 3] / t3
        r[i], r[i + 1], r[i + 2], r[i + 3] = r0, r1, r2, r3
        for j in range(l):
            column[j] += (r0 * k0[j] + r1 * k1[j]) + (r2 * k2[j] + r3 * k3[j])
    for i in range(whole, k):
        row = kernel[i]
        scale = a[i] / lanes.dot(row, s)
        r[i] = scale
        for j in range(l):
            column[j] += scale * row[j]


@njit(cache=True, nogil=True)
def row_sums(kernel: Array, s: Array, first: int, last: int, sums: Array) -> None:  # pragma: no cover - compiled
    """Set sums = K s for the rows from first to before last."""
    whole = last - (last - first) % 4
    for i in range(first, whole, 4):
        place = i - first
        sums[place], sums[place + 1], sums[place + 2], sums[place + 3] = lanes.four_dots(kernel, i, s)
    for i in range(whole, last):
        sums[i - first] = lanes.dot(kernel[i], s)


@njit(cache=True, nogil=True)
def add_rows(kernel: Array, r: Array, first: int, last: int, column: Array) -> None:  # pragma: no cover - compiled
    """Add K^T r of the rows from first to before last to column."""
    whole = last - (last - first) % 4
    for i in range(first, whole, 4):
        k0, k1, k2, k3 = kernel[i], kernel[i + 1], kernel[i + 2], kernel[i + 3]
        r0, r1, r2, r3 = r[i], r[i + 1], r[i + 2], r[i + 3]
        for j in range(len(column)):
            column[j] += (r0 * k0[j] + r1 * k1[j]) + (r2 * k2[j] + r3 * k3[j])
    for i in range(whole, last):
        row = kernel[i]
        for j in range(len(column)):
            column[j] += r[i] * row[j]


@njit(cache=True, nogil=True, error_model="numpy")
def out_of_range(scaling: Array) -> int:  # pragma: no cover - compiled
    """Return how many scalings are beyond LARGEST, below SMALLEST or NaN."""
    count = 0
    for j in range(len(scaling)):
        count += 0 if SMALLEST < scaling[j] < LARGEST else 1
    return count


@njit(cache=True, nogil=True)
def l1_error(s: Array, column: Array, b: Array) -> float:  # pragma: no cover - compiled
    """Return sum_j |s_j column_j - b_j|."""
    return lanes.scaled_l1(s, column, b)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(
    b: Array, column: Array, s: Array, lower: float, upper: float, fresh: Array
) -> int:  # pragma: no cover - compiled
    """Set fresh = b / column; return how many scalings moved by more than the tolerance."""
    moved = 0
    for j in range(len(b)):
        fresh[j] = b[j] / column[j]
        moved += 0 if lower <= fresh[j] / s[j] <= upper else 1
    return moved


@njit(cache=True, nogil=True, error_model="numpy")
def shift(g: Array, s: Array, eps: float) -> None:  # pragma: no cover - compiled
    """Add eps log s to g."""
    for j in range(len(g)):
        g[j] += eps * log(s[j])


@njit(cache=True, nogil=True, error_model="numpy")
def _moved(before: Array, after: Array, lower: float, upper: float) -> int:  # pragma: no cover - compiled
    """Return how many scalings have changed by a factor outside [lower, upper]; one that is NaN has."""
    moved = 0
    for j in range(len(before)):
        moved += 0 if lower <= after[j] / before[j] <= upper else 1
    return moved


@njit(cache=True, nogil=True, error_model="numpy")
def _shifted(before: Array, after: Array, eps: float, atol: float) -> int:  # pragma: no cover - compiled
    """Return how many potentials have changed by more than eps times atol; one that is NaN has."""
    moved = 0
    for j in range(len(before)):
        moved += 0 if abs((after[j] - before[j]) / eps) <= atol else 1
    return moved


@njit(cache=True, nogil=True, error_model="numpy")
def iterate(
    cost: Array,
    a: Array,
    b: Array,
    eps: float,
    g: Array,
    atols: Array,
    max_iterations: int,
    counts: NDArray[np.int64],
    errors: Array,
) -> int:  # pragma: no cover - compiled
    """Run the reference iteration from g, in place, to the last of the falling stops atols (n,).

    counts: (n,) receives the count t of docs/protocol.md at each stop, the cap where it was not reached. errors: (5,)
    receives the L1 marginal error after CHECKPOINTS iterations and at the end; a checkpoint beyond the end gets the
    error of the end. Returns how many stops were reached.
    """
    k, l = cost.shape
    f = np.empty(k)
    kernel = np.empty((k, l))
    r = np.ones(k)
    s = np.ones(l)
    column = np.empty(l)
    fresh = np.empty(l)
    stops, reached = len(atols), 0
    lower, upper = exp(-atols[0]), exp(atols[0])
    errors[:] = np.nan
    counts[:] = max_iterations
    absorbed = False  # whether the kernel holds f and g, and s is a scaling of it
    for t in range(max_iterations):
        error, moved = 0.0, 0
        if absorbed:
            fused_pass(kernel, a, s, r, column)
            moved = _advance(b, column, s, lower, upper, fresh)
            if out_of_range(fresh) + out_of_range(r) == 0:
                if t == 0 or t == 1 or t == 10 or t == 100:
                    error = l1_error(s, column, b)
                while moved == 0:
                    counts[reached] = t
                    reached += 1
                    if reached == stops:
                        break
                    lower, upper = exp(-atols[reached]), exp(atols[reached])
                    moved = _moved(s, fresh, lower, upper)
                s, fresh = fresh, s
            else:  # this pass may have lost entries: undo it, absorb what was reached before
                shift(g, s, eps)
                absorbed = False
        if not absorbed:
            # One iteration in the log domain: nothing underflows however far g is from the solution.
            error, moved = 0.0, 0
            row_update(cost, b, g, eps, f)
            fresh[:] = g
            column_update(cost, a, f, eps, g)
            for j in range(l):
                change = (g[j] - fresh[j]) / eps
                moved += 0 if abs(change) <= atols[reached] else 1
                error += b[j] * abs(expm1(-change))
            while moved == 0:
                counts[reached] = t
                reached += 1
                if reached == stops:
                    break
                lower, upper = exp(-atols[reached]), exp(atols[reached])
                moved = _shifted(fresh, g, eps, atols[reached])
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
        if reached == stops:
            break
    shift(g, s, eps)
    row_update(cost, b, g, eps, f)
    build_kernel(cost, a, b, f, g, eps, kernel)
    error = 0.0
    for j in range(l):
        error += abs(kernel[:, j].sum() - b[j])
    errors[4] = error
    for c in range(4):
        if np.isnan(errors[c]):
            errors[c] = error
    return reached


@njit(cache=True, nogil=True, error_model="numpy")
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
            mass[j] = b[j] * exp((exponent[j] - top) / eps)
            total += mass[j]
        f = -top - eps * log_of_any(total)
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
