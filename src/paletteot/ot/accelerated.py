"""Track B's iterations: plain, relaxed and Anderson-accelerated Sinkhorn to given marginal errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paletteot.errors import ProblemError
from paletteot.ot import accelerated_kernels, kernels, numbers
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.ot.sinkhorn import MAX_ITERATIONS, ROUNDING, expand, plan, start_on_support

TOLERANCES = (1e-5, 1e-9)
"""L1 marginal errors, both sides together, that Track B counts to (docs/protocol.md, 4)."""

MEMORY = 20
"""Largest memory of Anderson acceleration."""

POLISHED = 1e-9
"""L1 marginal error that `polish` goes to: small enough for atoms of small weight too, which the stop looks at."""

PATIENCE = 2000
"""Most passes that `polish` makes."""

HONEST = 2.0
"""How many times a tolerance the error that certifies the potentials may be: the absorbed kernel leaves out its
smallest entries, and a relaxed run ends at other scalings than the row update of its g."""

SMALLEST = 1e-12
"""Square of a second singular value that is rounding: a plan of rank one."""

OMEGA = 1.8
"""The constant relaxation."""


@dataclass(frozen=True)
class Descent:
    """What a run to given marginal errors gave.

    g: (l,) float64 potentials at the end, LAB units, gauge sum_j b_j g_j = 0, 0 where the weight is 0.
    iterations: (n,) until the L1 marginal error, both sides together, was at most each tolerance; the cap where it was
    not. converged: (n,), where the error that certifies g is small too (HONEST). error: the one reached, on the
    absorbed kernel. undone: steps that the safeguard undid; their passes are counted.
    """

    g: Array
    iterations: NDArray[np.int64]
    converged: NDArray[np.bool_]
    error: float
    undone: int


def plain(
    problem: Problem, g: ArrayLike | None = None, *,
    tolerances: Sequence[float] = TOLERANCES, max_iterations: int = MAX_ITERATIONS,
) -> Descent:  # fmt: skip
    """Run plain Sinkhorn from potentials g, (l,), LAB units; None for a cold start.

    Raises ProblemError when g is none (`sinkhorn.start_on_support`), the tolerances do not fall, or max_iterations is
    no whole number.
    """
    return _descend(accelerated_kernels.anderson, 0, problem, g, tolerances, max_iterations)


def anderson(
    problem: Problem, g: ArrayLike | None = None, *, memory: int = 10,
    tolerances: Sequence[float] = TOLERANCES, max_iterations: int = MAX_ITERATIONS, judged: bool = True,
) -> Descent:  # fmt: skip
    """Run Sinkhorn with Anderson acceleration of log v (type II, Walker and Ni 2011), as `plain`.

    memory: differences kept, 1 to MEMORY. judged: whether what the run claims is recomputed; not where its caller does
    that. Raises ProblemError as `plain` does, and for another memory.
    """
    kept = numbers.whole(memory, "memory", 1, MEMORY)
    return _descend(accelerated_kernels.anderson, kept, problem, g, tolerances, max_iterations, judged=judged)


def relaxed(
    problem: Problem, g: ArrayLike | None = None, *, omega: float = OMEGA,
    tolerances: Sequence[float] = TOLERANCES, max_iterations: int = MAX_ITERATIONS,
) -> Descent:  # fmt: skip
    """Run overrelaxed Sinkhorn, the first iteration plain, as `plain`.

    log u <- (1 - omega) log u + omega (log a - logsumexp(...)), the same for v (Thibault et al. 2017).
    Raises ProblemError as `plain` does, and for an omega outside (0, 2).
    """
    weight = numbers.real(omega, "omega", "between 0 and 2")
    if not 0 < weight < 2:
        raise ProblemError(f"omega must be between 0 and 2, but is {omega}")
    return _descend(accelerated_kernels.relaxed, weight, problem, g, tolerances, max_iterations)


def best_omega(s2: float) -> float:
    """Return the omega of fastest relaxation for the second singular value s2 of the scaled plan.

    2 / (1 + sqrt(1 - s2^2)) (Lehmann et al. 2021, equation 17; Young 1954).
    """
    return 2 / (1 + sqrt(max(1 - s2 * s2, 0.0)))


def implied_omega(problem: Problem, g: ArrayLike, passes: int = 10) -> float:
    """Return the omega that the plan of g implies, by power iterations on diag(b)^-1/2 P^T diag(a)^-1 P diag(b)^-1/2.

    g: (l,) LAB units. passes: iterations, each one pass over the kernel. From below, since the power iteration is.
    """
    kept = problem.on_support()
    coupling = plan(kept, start_on_support(problem, g))
    c = np.maximum(coupling.sum(0), 1e-300)
    scaled = coupling / np.sqrt(kept.a)[:, None] / np.sqrt(c)
    top = np.sqrt(c)
    top /= np.linalg.norm(top)
    vector = np.cos(np.arange(len(c)) * 2.399963)  # any fixed vector; the golden angle makes one without a pattern
    square = 0.0
    for _ in range(numbers.whole(passes, "passes")):
        vector -= top * (top @ vector)
        vector /= np.linalg.norm(vector) or 1.0
        vector = scaled.T @ (scaled @ vector)
        square = float(np.linalg.norm(vector))
        if square < SMALLEST:
            break
    return best_omega(sqrt(min(square, 1.0)))


def polish(problems: Problems, g: Array, *, tolerance: float = POLISHED) -> tuple[Array, NDArray[np.int64]]:
    """Return potentials after Anderson-accelerated passes to an L1 marginal error, and those passes.

    problems: a batch. g: (batch, l) where to begin, LAB units. Returns (batch, l) and (batch,): the iterations, and the
    pass that told that they are enough.
    """
    runs = [
        anderson(problems[row], g[row], memory=MEMORY, tolerances=(tolerance,), max_iterations=PATIENCE)
        for row in range(len(problems))
    ]
    return np.stack([run.g for run in runs]), np.array([run.iterations[0] + 1 for run in runs], dtype=np.int64)


def _descend(
    loop: Callable[..., tuple[float, int]], setting: float, problem: Problem, g: ArrayLike | None,
    tolerances: Sequence[float], max_iterations: int, *, judged: bool = True,
) -> Descent:  # fmt: skip
    """Run a compiled loop; a tolerance that it claims, but that its potentials do not bear out, is not reached."""
    wanted, cap = numbers.falling(tolerances, "tolerances"), numbers.whole(max_iterations, "max_iterations")
    kept, end, counts = problem.on_support(), start_on_support(problem, g), np.empty(len(wanted), dtype=np.int64)
    cost = kept.cost
    error, undone = loop(cost, kept.a, kept.b, kept.eps, end, setting, wanted, cap, counts)
    g, reached = expand(end, problem.b), error <= wanted
    if judged and reached.any():
        left = kernels.target_error(cost, kept.a, kept.b, kept.eps, g[problem.b > 0])
        reached &= left <= HONEST * wanted + ROUNDING
        counts[~reached] = cap
    return Descent(g, counts, reached, error, undone)
