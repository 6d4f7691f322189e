"""The reference iteration: Sinkhorn in float64, counted as docs/protocol.md says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from paletteot.errors import ProblemError
from paletteot.ot import kernels
from paletteot.ot.problem import Array, Problem

ATOL = 1e-4
MAX_ITERATIONS = 20_000


@dataclass(frozen=True)
class Run:
    """What a run of the reference iteration gave.

    g: (l,) float64 target potentials at the stop, LAB units, gauge sum_j b_j g_j = 0, 0 where the weight is 0.
    iterations: the count t; the cap where not converged. converged: whether the stop was reached.
    errors: (5,) L1 marginal error after 0, 1, 10, 100 iterations and at the stop.
    """

    g: Array
    iterations: int
    converged: bool
    errors: Array


def cold(problem: Problem) -> Array:
    """Return the cold start log v = 0 as potentials, (l,): g = -eps log b; 0 where the weight is 0."""
    g = np.zeros(len(problem.b))
    on = problem.b > 0
    g[on] = -problem.eps * np.log(problem.b[on])
    return g


def fix_gauge(g: Array, b: Array) -> Array:
    """Return g shifted to sum_j b_j g_j = 0 on the support, and 0 off it."""
    on = b > 0
    return np.where(on, g - b[on] @ g[on], 0.0)


def start_on_support(problem: Problem, g: ArrayLike | None) -> Array:
    """Return a copy of the potentials on the target's support.

    g: (l,) LAB units, None for a cold start. Raises ProblemError when it has another shape or is not finite.
    """
    start = cold(problem) if g is None else np.asarray(g, dtype=np.float64)
    if start.shape != problem.b.shape:
        raise ProblemError(f"g must have shape {problem.b.shape}, but has {start.shape}")
    start = start[problem.b > 0].copy()
    if not np.isfinite(start).all():
        raise ProblemError("g must be finite where the target weight is positive")
    return start


def reference(
    problem: Problem, g: ArrayLike | None = None, *, atol: float = ATOL, max_iterations: int = MAX_ITERATIONS
) -> Run:
    """Run the reference iteration from potentials g and count it.

    log u <- log a - logsumexp_j(-C/eps + log v), then log v <- log b - logsumexp_i(-C/eps + log u), until the first t
    with max_j |log v_t - log v_{t-1}| <= atol (docs/protocol.md, 2). On an absorbed kernel, with the same counts.

    g: (l,) initial target potentials in LAB units, any gauge; None for the cold start log v = 0.
    Raises ProblemError when g has another shape or is not finite on the support.
    """
    kept, start = problem.on_support(), start_on_support(problem, g)
    errors = np.empty(len(kernels.CHECKPOINTS) + 1)
    cost = kept.cost
    count, converged = kernels.iterate(cost, kept.a, kept.b, kept.eps, start, atol, max_iterations, errors)
    return Run(expand(start, problem.b), count, converged, errors)


def reference_log_domain(
    problem: Problem, g: ArrayLike | None = None, *, atol: float = ATOL, max_iterations: int = MAX_ITERATIONS
) -> tuple[int, bool, Array]:
    """Run the reference iteration literally, in the log domain; slow, the standard that `reference` is held to.

    Returns the count, whether the stop was reached, and the last change max_j |log v_t - log v_{t-1}| as an array (1,).
    """
    kept, start = problem.on_support(), start_on_support(problem, g)
    log_kernel = -kept.cost / kept.eps
    log_a, log_b = np.log(kept.a), np.log(kept.b)
    log_v = start / kept.eps + log_b
    change = np.inf
    for t in range(max_iterations):
        log_u = log_a - logsumexp(log_kernel + log_v, axis=1)
        new = log_b - logsumexp(log_kernel + log_u[:, None], axis=0)
        change = np.abs(new - log_v).max()
        log_v = new
        if change <= atol:
            return t, True, np.array([change])
    return max_iterations, False, np.array([change])


def source_potential(problem: Problem, g: ArrayLike) -> Array:
    """Return the row update f of g, (k,), LAB units; 0 where the source weight is 0."""
    kept, start = problem.on_support(), start_on_support(problem, g)
    f = np.empty(len(kept.a))
    kernels.row_update(kept.cost, kept.b, start, kept.eps, f)
    full = np.zeros(len(problem.a))
    full[problem.a > 0] = f
    return full


def plan(problem: Problem, g: ArrayLike) -> Array:
    """Rebuild the coupling from g, (k, l): one row update makes the source marginal exact.

    P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps). Raises ProblemError when g has another shape or is not finite.
    """
    f = source_potential(problem, g)
    potentials = np.where(problem.b > 0, np.asarray(g, dtype=np.float64), 0.0)
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
