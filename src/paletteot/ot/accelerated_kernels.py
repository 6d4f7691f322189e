"""Compiled loops: relaxed and Anderson-accelerated iterations on the absorbed kernel of `kernels`.

Both hold scalings as logarithms, so that a step is undone by going back to an earlier one. The error after t
iterations is known in the next pass, which is not counted: it belongs to iteration t + 1 when there is one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paletteot.arithmetic import lanes
from paletteot.arithmetic.vector import exp, expm1, log
from paletteot.compiled import njit
from paletteot.ot.kernels import (
    add_rows,
    build_kernel,
    column_update,
    fused_pass,
    l1_error,
    out_of_range,
    row_sums,
    row_update,
)
from paletteot.ot.problem import Array

RANGE = 72 * 0.6931471805599453
"""Largest logarithm of a scaling that is not absorbed, and largest change of log v that an extrapolation may make."""

WORSE = 5.0
"""A step that multiplies the error by more than this is undone."""

FAR = 0.3
"""Anderson: a difference of log v larger than this (root mean square under b) tells nothing of the map near the
solution, which is not linear that far; it is used only while it is one of the newest NEAR."""

NEAR = 2

PIVOT = 1e-12
"""Anderson: square of the sine to the newer differences below which a difference counts as dependent on them."""

SHRINK = 0.8
"""Relaxation: what is left of omega - 1 after a step was undone; regained each time that the error has halved."""

PATIENCE = 500
"""Far from the solution both can cycle, or stand still where plain iterations drift on. Relaxation: after as many
iterations that do not lower the error omega shrinks too. Anderson: after as many that have not halved it the iteration
is plain until they have."""

BLOCK = 16
"""Rows of the kernel that stay in the fastest cache between K s and K^T r."""


@njit(cache=True, nogil=True, error_model="numpy")
def anderson(
    cost: Array,
    a: Array,
    b: Array,
    eps: float,
    g: Array,
    memory: int,
    tolerances: Array,
    max_iterations: int,
    counts: NDArray[np.int64],
) -> tuple[float, int]:  # pragma: no cover - compiled
    """Run Anderson acceleration (type II) of the map log v -> log v from g, in place; memory 0 is the plain iteration.

    counts: (n,) receives the iterations to each of the tolerances (n,), falling, of the L1 marginal error. Returns the
    error at the end and the number of steps undone. Least squares in the norm weighted by b, in which the linearised
    map is symmetric (Walker and Ni 2011, "Anderson acceleration for fixed-point iterations", section 2).
    """
    k, l = cost.shape
    f, kernel, r = np.empty(k), np.empty((k, l)), np.empty(k)
    z, s, column, image = np.zeros(l), np.ones(l), np.empty(l), np.empty(l)
    residual, old_residual, old_image = np.empty(l), np.empty(l), np.zeros(l)
    root = np.sqrt(b)
    steps, images = np.empty((memory, l)), np.empty((memory, l))  # differences of weighted residuals, of images
    gram, factor = np.empty((memory, memory)), np.empty((memory, memory))
    gamma, lengths = np.empty(memory), np.empty(memory)
    held, newest, undone, reached, since = 0, -1, 0, 0, 0
    absorbed = known = extrapolated = False  # known: old_image and old_residual are those of the last pass
    error = last_error = halved = np.inf
    counts[:] = max_iterations
    for t in range(max_iterations + 1):
        if absorbed:
            absorbed = _pass(kernel, a, b, z, s, r, column, image)
        if absorbed:
            error = l1_error(s, column, b)
        else:  # in the log domain; the new potentials are absorbed, and everything is told from them
            _shift(g, z, eps)
            error = _log_domain(cost, a, b, eps, g, f, image, kernel)
            old_image -= z + image
            z[:] = -image
            image[:] = 0.0
            absorbed = True
        while reached < len(tolerances) and error <= tolerances[reached]:
            counts[reached] = t
            reached += 1
        if reached == len(tolerances) or t == max_iterations:
            break
        if extrapolated and not error <= WORSE * last_error:
            z[:] = old_image  # the plain step from where the bad one began
            undone += 1
            held, newest = 0, -1
            known = extrapolated = False
            continue
        for j in range(l):
            residual[j] = (image[j] - z[j]) * root[j]
        if known and memory > 0:
            newest = (newest + 1) % memory
            held = min(held + 1, memory)
            for j in range(l):
                steps[newest, j] = residual[j] - old_residual[j]
                images[newest, j] = image[j] - old_image[j]
            lengths[newest] = _length(images[newest], b)
            row_sums(steps, steps[newest], 0, held, gram[newest])
            for i in range(held):
                gram[i, newest] = gram[newest, i]
        old_residual[:] = residual
        old_image[:] = image
        last_error = error
        since += 1
        if error <= 0.5 * halved:
            halved = error
            since = 0
        known = since <= PATIENCE
        if not known:
            held, newest = 0, -1
        z[:] = image
        used = _least_squares(gram, steps, lengths, residual, newest, held, factor, gamma)
        for i in range(used):
            p = (newest - i) % memory
            for j in range(l):
                z[j] -= gamma[i] * images[p, j]
        extrapolated = used > 0
        if extrapolated and _beyond(z, image) > 0:
            z[:] = image
            held, newest = 0, -1
            known = extrapolated = False
    _shift(g, z, eps)
    return error, undone


@njit(cache=True, nogil=True, error_model="numpy")
def relaxed(
    cost: Array,
    a: Array,
    b: Array,
    eps: float,
    g: Array,
    omega: float,
    tolerances: Array,
    max_iterations: int,
    counts: NDArray[np.int64],
) -> tuple[float, int]:  # pragma: no cover - compiled
    """Run the relaxed iteration from g, in place, the first iteration plain; counts and results as `anderson`.

    log u <- (1 - omega) log u + omega (row update), the same for v (Lehmann et al. 2021, "A note on overrelaxation in
    the Sinkhorn algorithm"). Steps that multiply the least error so far by more than WORSE are undone: the iteration
    goes back there, makes a plain step and goes on with a smaller omega; so it does, but from where it is, when they
    have not lowered it for PATIENCE iterations.
    """
    k, l = cost.shape
    f, kernel, change = np.empty(k), np.empty((k, l)), np.empty(l)
    y, r, z, s, column = np.zeros(k), np.ones(k), np.zeros(l), np.ones(l), b.copy()
    best_g = g.copy()
    best = halved = error = np.inf
    current, strength = omega, 1.0
    undone = reached = since = 0
    plain = True  # whether the next iteration is a plain one in the log domain; z is 0 then
    counts[:] = max_iterations
    for t in range(max_iterations + 1):
        if plain:
            error = _log_domain(cost, a, b, eps, g, f, change, kernel)
            z[:] = -change  # back to where the error is that of, should the run end here
        else:
            error = l1_error(s, column, b)
            error += _relaxed_rows(kernel, a, s, current, y, r, column)
        while reached < len(tolerances) and error <= tolerances[reached]:
            counts[reached] = t
            reached += 1
        if reached == len(tolerances) or t == max_iterations:
            break
        if plain:
            y[:], z[:], r[:], s[:] = 0.0, 0.0, 1.0, 1.0
            column[:] = b
            plain = False
            continue
        since += 1
        if error <= best:
            best = error
            since = 0
            if error < 0.5 * halved:
                halved = error
                strength = min(1.0, strength / SHRINK)
                current = 1.0 + strength * (omega - 1.0)
            best_g[:] = g
            _shift(best_g, z, eps)
        elif since > PATIENCE or not error <= WORSE * best:
            _shift(g, z, eps)  # the error may stand still while the potentials are on their way: they are kept
            if not error <= WORSE * best:
                g[:] = best_g
            since = 0
            best = np.inf  # relaxed r and s may have erred less than s and its own row update: judge anew
            z[:] = 0.0
            strength *= SHRINK
            current = 1.0 + strength * (omega - 1.0)
            undone += 1
            plain = True
            continue
        _relaxed_columns(b, column, current, z, s)
        if out_of_range(s) + out_of_range(r) > 0:
            _shift(g, z, eps)
            z[:] = 0.0
            plain = True
    _shift(g, z, eps)
    return error, undone


@njit(cache=True, nogil=True, error_model="numpy")
def _pass(
    kernel: Array, a: Array, b: Array, z: Array, s: Array, r: Array, column: Array, image: Array
) -> bool:  # pragma: no cover - compiled
    """Set s = exp z, image = log(b / K^T (a / K s)); return whether nothing was lost on the way."""
    l = len(b)
    for j in range(l):
        s[j] = exp(z[j])
    fused_pass(kernel, a, s, r, column)
    for j in range(l):
        image[j] = b[j] / column[j]
    lost = out_of_range(s) + out_of_range(r) + out_of_range(image)
    for j in range(l):
        image[j] = log(image[j])
    return lost == 0


@njit(cache=True, nogil=True, error_model="numpy")
def _log_domain(
    cost: Array, a: Array, b: Array, eps: float, g: Array, f: Array, change: Array, kernel: Array
) -> float:  # pragma: no cover - compiled
    """Make a plain iteration of g and absorb it; nothing underflows however far g is from the solution.

    change: (l,) receives that of log v. Returns the error before it.
    """
    l = len(b)
    change[:] = g
    row_update(cost, b, g, eps, f)
    column_update(cost, a, f, eps, g)
    build_kernel(cost, a, b, f, g, eps, kernel)
    error = 0.0
    for j in range(l):
        change[j] = (g[j] - change[j]) / eps
        error += b[j] * abs(expm1(-change[j]))
    return error


@njit(cache=True, nogil=True)
def _shift(g: Array, z: Array, eps: float) -> None:  # pragma: no cover - compiled
    for j in range(len(g)):
        g[j] += eps * z[j]


@njit(cache=True, nogil=True)
def _beyond(z: Array, image: Array) -> int:  # pragma: no cover - compiled
    count = 0
    for j in range(len(z)):
        count += 0 if abs(z[j] - image[j]) < RANGE else 1
    return count


@njit(cache=True, nogil=True)
def _length(difference: Array, b: Array) -> float:  # pragma: no cover - compiled
    return np.sqrt(lanes.dot3(b, difference, difference))  # type: ignore[no-any-return]


@njit(cache=True, nogil=True, error_model="numpy")
def _least_squares(
    gram: Array, steps: Array, lengths: Array, residual: Array, newest: int, held: int, factor: Array, gamma: Array
) -> int:  # pragma: no cover - compiled
    """Minimise |residual - steps^T gamma| over the newest differences; return how many of them took part.

    Cholesky of the normal equations, scaled to a diagonal of one, from the newest difference backwards: it ends at the
    first that reaches too far or depends on the newer ones. gamma: by age, 0 is the newest.
    """
    memory = len(gram)
    used = 0
    for i in range(held):
        p = (newest - i) % memory
        if i >= NEAR and lengths[p] > FAR:
            break
        scale = 1 / np.sqrt(gram[p, p])
        rest = 1.0
        for j in range(i):
            q = (newest - j) % memory
            value = gram[p, q] * scale / np.sqrt(gram[q, q])
            for m in range(j):
                value -= factor[i, m] * factor[j, m]
            value /= factor[j, j]
            factor[i, j] = value
            rest -= value * value
        if not rest > PIVOT:
            break
        factor[i, i] = np.sqrt(rest)
        value = lanes.dot(steps[p], residual) * scale
        for m in range(i):
            value -= factor[i, m] * gamma[m]
        gamma[i] = value / factor[i, i]
        used += 1
    for i in range(used - 1, -1, -1):
        gamma[i] /= factor[i, i]
        for m in range(i):
            gamma[m] -= factor[i, m] * gamma[i]
        p = (newest - i) % memory
        gamma[i] /= np.sqrt(gram[p, p])
    return used


@njit(cache=True, nogil=True, error_model="numpy")
def _relaxed_rows(
    kernel: Array, a: Array, s: Array, omega: float, y: Array, r: Array, column: Array
) -> float:  # pragma: no cover - compiled
    """Relax the row scalings r = exp y and set column = K^T r; return the source's error before."""
    k = len(a)
    mass = np.empty(BLOCK)
    column[:] = 0.0
    error = 0.0
    for first in range(0, k, BLOCK):
        last = min(first + BLOCK, k)
        row_sums(kernel, s, first, last, mass)
        for i in range(first, last):
            error += abs(r[i] * mass[i - first] - a[i])
            y[i] = (1.0 - omega) * y[i] + omega * log(a[i] / mass[i - first])
            r[i] = exp(y[i])
        add_rows(kernel, r, first, last, column)
    return error


@njit(cache=True, nogil=True, error_model="numpy")
def _relaxed_columns(b: Array, column: Array, omega: float, z: Array, s: Array) -> None:  # pragma: no cover - compiled
    for j in range(len(b)):
        z[j] = (1.0 - omega) * z[j] + omega * log(b[j] / column[j])
        s[j] = exp(z[j])
