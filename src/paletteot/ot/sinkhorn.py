"""The reference iteration: Sinkhorn in float64, counted as docs/protocol.md says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp

from paletteot.arithmetic import arrays
from paletteot.errors import ProblemError
from paletteot.ot import kernels, numbers
from paletteot.ot.problem import Array, Problem, Problems

ATOL = 1e-4
MAX_ITERATIONS = 20_000

OFFSET = 1e4
"""Distance of all of g from 0, LAB units, from which its gauge is taken out: a hundred times the gamut's size, so that
rounding of g stays far below eps. It is also the spread that the benchmark allows a start (`benchmark.starts`)."""

WIDE = 10
"""How many times what is to be expected at most a g may spread; beyond, no distances make it meaningful."""

SLACK = 2.0
"""How many times the error that its stop implies a run may leave, recomputed from its g, and count as converged."""

LARGEST_STOP = 100.0
"""A stop beyond this allows any error: L1 errors are at most 2."""

ROUNDING = 1e-12
"""L1 marginal error that recomputing may add."""


@dataclass(frozen=True)
class Run:
    """What a run of the reference iteration gave.

    g: (l,) float64 target potentials at the stop, LAB units, gauge sum_j b_j g_j = 0, 0 where the weight is 0.
    iterations: the count t; the cap where not converged. converged: whether the stop was reached, and the error at the
    stop is as small as that implies.
    errors: (5,) L1 marginal error after 0, 1, 10, 100 iterations and at the stop.
    """

    g: Array
    iterations: int
    converged: bool
    errors: Array


def cold(problem: Problem | Problems) -> Array:
    """Return the cold start log v = 0 as potentials, (l,) or (batch, l): g = -eps log b; 0 where the weight is 0."""
    return -problem.eps * arrays.log(np.where(problem.b > 0, problem.b, 1.0))


def fix_gauge(g: Array, b: Array) -> Array:
    """Return g shifted to sum_j b_j g_j = 0 on the support, and 0 off it."""
    on = b > 0
    return np.where(on, g - arrays.dot(b[on], g[on]), 0.0)


def start_on_support(problem: Problem, g: ArrayLike | None) -> Array:
    """Return a copy of the potentials on the target's support, without a gauge that would cost digits.

    g: (l,) LAB units, any gauge, None for a cold start. Where 0 lies further than OFFSET outside of its values, more
    than they spread, the largest is subtracted; the others keep every bit.
    Raises ProblemError when it has another shape, is not finite, or spreads further than `widest` allows.
    """
    return _split(problem, g)[0]


def widest(problem: Problem) -> float:
    """Return how far a g may spread over the support, LAB units: WIDE times what a start may be, and the problem.

    The problem's share is its largest distance, which no row or column update spreads beyond, and eps (100 + log of
    the largest over the smallest target weight): the scalings that an iteration may hold, and a cold start.
    """
    kept = problem.on_support()
    weights = float(np.log(kept.b.max()) - np.log(kept.b.min()))
    return WIDE * (OFFSET + float(kept.cost.max()) + kept.eps * (100 + weights))


def _split(problem: Problem, g: ArrayLike | None) -> tuple[Array, float]:
    """Return g on the support as `start_on_support` does, and what was subtracted from it."""
    start = cold(problem) if g is None else numbers.reals(g, "g")
    if start.shape != problem.b.shape:
        raise ProblemError(f"g must have shape {problem.b.shape}, but has {start.shape}")
    start = start[problem.b > 0].copy()
    if not np.isfinite(start).all():
        raise ProblemError("g must be finite where the target weight is positive")
    top, bottom = float(start.max()), float(start.min())
    spread = top - bottom  # infinite where float64 has no such number
    if spread > WIDE * OFFSET and not spread <= (legal := widest(problem)):
        raise ProblemError(
            f"g must spread over at most {legal:.3g} LAB units where the target weight is positive, "
            f"but spreads over {spread:.3g}"
        )
    if max(bottom, -top) <= OFFSET + spread:
        return start, 0.0
    start -= top  # exact: values that far from 0 are within a factor of two of each other
    return start, top


def reference(
    problem: Problem, g: ArrayLike | None = None, *, atol: float = ATOL, max_iterations: int = MAX_ITERATIONS
) -> Run:
    """Run the reference iteration from potentials g and count it.

    log u <- log a - logsumexp_j(-C/eps + log v), then log v <- log b - logsumexp_i(-C/eps + log u), until the first t
    with max_j |log v_t - log v_{t-1}| <= atol (docs/protocol.md, 2). On an absorbed kernel, with the same counts.

    g: (l,) initial target potentials in LAB units, any gauge; None for the cold start log v = 0.
    Raises ProblemError when g is none (`start_on_support`), atol is below 0 or max_iterations no whole number.
    """
    return _run(problem, g, np.array([_tolerance(atol)]), max_iterations)[0]


def reference_at(
    problem: Problem, g: ArrayLike | None = None, *, atols: Sequence[float], max_iterations: int = MAX_ITERATIONS
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Run the reference iteration once, to the last of several falling stops, and count it at each.

    Returns the counts (n,), the cap where a stop was not reached, and whether each was, (n,): those of `reference` with
    each of the atols (n,). Raises ProblemError as `reference` does, and where atols are not positive or do not fall.
    """
    _, counts, converged = _run(problem, g, numbers.falling(atols, "atols"), max_iterations)
    return counts, converged


def _tolerance(atol: float) -> float:
    tolerance = numbers.real(atol, "atol")
    if not tolerance >= 0:
        raise ProblemError(f"atol must be at least 0, but is {tolerance:g}")
    return tolerance


def _run(
    problem: Problem, g: ArrayLike | None, atols: Array, max_iterations: int
) -> tuple[Run, NDArray[np.int64], NDArray[np.bool_]]:
    cap = numbers.whole(max_iterations, "max_iterations")
    kept, start = problem.on_support(), start_on_support(problem, g)
    counts, errors = np.empty(len(atols), dtype=np.int64), np.empty(len(kernels.CHECKPOINTS) + 1)
    reached = kernels.iterate(kept.cost, kept.a, kept.b, kept.eps, start, atols, cap, counts, errors)
    # A change of log v by at most atol means an error of at most expm1(atol) before it, and no pass enlarges that.
    small = errors[-1] <= SLACK * np.expm1(np.minimum(atols, LARGEST_STOP)) + ROUNDING
    converged = (np.arange(len(atols)) < reached) & small
    counts[~converged] = cap
    return Run(expand(start, problem.b), int(counts[-1]), bool(converged[-1]), errors), counts, converged


def reference_log_domain(
    problem: Problem, g: ArrayLike | None = None, *, atol: float = ATOL, max_iterations: int = MAX_ITERATIONS
) -> tuple[int, bool, Array]:
    """Run the reference iteration literally, in the log domain; slow, the standard that `reference` is held to.

    Returns the count, whether the stop was reached, and the last change max_j |log v_t - log v_{t-1}| as an array (1,).
    """
    tolerance, cap = _tolerance(atol), numbers.whole(max_iterations, "max_iterations")
    kept, start = problem.on_support(), start_on_support(problem, g)
    log_kernel = -kept.cost / kept.eps
    log_a, log_b = np.log(kept.a), np.log(kept.b)
    log_v = start / kept.eps + log_b
    change = np.inf
    for t in range(cap):
        log_u = log_a - logsumexp(log_kernel + log_v, axis=1)
        new = log_b - logsumexp(log_kernel + log_u[:, None], axis=0)
        change = np.abs(new - log_v).max()
        log_v = new
        if change <= tolerance:
            return t, True, np.array([change])
    return cap, False, np.array([change])


def source_potential(problem: Problem, g: ArrayLike) -> Array:
    """Return the row update f of g, (k,), LAB units; 0 where the source weight is 0.

    Raises ProblemError when g is none (`start_on_support`).
    """
    start, offset = _split(problem, g)
    full = np.zeros(len(problem.a))
    full[problem.a > 0] = _row_update(problem.on_support(), start)
    if offset:
        full[problem.a > 0] -= offset  # f belongs to the g that was given
    return full


def _row_update(kept: Problem, start: Array) -> Array:
    f = np.empty(len(kept.a))
    kernels.row_update(kept.cost, kept.b, start, kept.eps, f)
    return f


def plan(problem: Problem, g: ArrayLike) -> Array:
    """Rebuild the coupling from g, (k, l), any gauge: one row update makes the source marginal exact.

    P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps). Raises ProblemError when g is none (`start_on_support`).
    """
    start = start_on_support(problem, g)
    f, potentials = np.zeros(len(problem.a)), np.zeros(len(problem.b))
    f[problem.a > 0] = _row_update(problem.on_support(), start)
    potentials[problem.b > 0] = start
    exponent = (f[:, None] + potentials[None, :] - problem.cost) / problem.eps
    mass = problem.a[:, None] * problem.b[None, :]
    return np.asarray(mass * np.exp(np.where(mass > 0, exponent, 0.0)))


def marginal_error(problem: Problem, g: ArrayLike) -> float:
    """Return the L1 error of both marginals of the plan rebuilt from g, recomputed in float64."""
    coupling = plan(problem, g)
    return float(np.abs(coupling.sum(1) - problem.a).sum() + np.abs(coupling.sum(0) - problem.b).sum())


def expand(g: Array, b: Array) -> Array:
    """Return potentials on the support of b, spread over all its atoms, in the gauge; 0 where the weight is 0."""
    full = np.zeros(len(b))
    full[b > 0] = g
    return fix_gauge(full, b)
