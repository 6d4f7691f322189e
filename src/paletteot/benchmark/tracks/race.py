"""Track C for solvers: each in a process of its own, one at a time, in a shuffled and repeated order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack

import numpy as np
import polars as pl

from paletteot.benchmark import schema, specimens
from paletteot.dataset.load import Pairs
from paletteot.errors import ProblemError
from paletteot.guests.code import Code
from paletteot.guests.copies import Copy
from paletteot.guests.process import Limits
from paletteot.guests.solver import Answer, Solver
from paletteot.ot.certificate import certify
from paletteot.ot.problem import Problem
from paletteot.tables import dtypes
from paletteot.warmstarts.contract import HungError, NoAnswerError

TOLERANCES = (1e-4, 1e-9)
"""L1 marginal errors that are asked for."""

COLUMNS = {**dtypes(schema.SOLVES), **dtypes(schema.SOLVES_SECONDS)}


def race(
    codes: Sequence[Code | Copy], pairs: Pairs, *,
    repeats: int, seed: int, limits: Limits, tolerances: Sequence[float] = TOLERANCES,
) -> Iterable[pl.DataFrame]:  # fmt: skip
    """Give every problem to every solver; yield the rows of each round, the columns of SOLVES and of SOLVES_SECONDS.

    A round is one repeat at one tolerance. Each has processes of its own, so no process meets a problem twice; each
    shuffles the problems, and for each problem the solvers, so a drift of the machine meets all alike.
    """
    batch = pairs.problems()
    problems = [batch[row].on_support() for row in range(len(pairs))]
    keys = list(pairs.frame.select("pair_id", "split").iter_rows(named=True))
    easy = practice(sorted({(len(one.a), len(one.b)) for one in problems}), batch.eps)
    rng, order = np.random.default_rng(seed), 0
    for repeat in range(repeats):
        for tolerance in tolerances:
            rows = []
            with ExitStack() as closing:
                solvers = [_made(code, limits, easy, tolerance, closing) for code in codes]
                for row in rng.permutation(len(problems)):
                    for place in rng.permutation(len(codes)):
                        found = _run(solvers[place], problems[row], tolerance)
                        key = {"method": codes[place].label, "tolerance": tolerance, **keys[row], "repeat": repeat}
                        rows.append({**key, "order": order, **found})
                        order += 1
            yield pl.DataFrame(rows, schema=COLUMNS)


def practice(shapes: Sequence[tuple[int, int]], eps: float) -> list[Problem]:
    """Return a problem of no consequence of each shape (k, l)."""
    made = [specimens.problem(0, k, l) for k, l in shapes]
    return [Problem(one.x, one.a, one.y, one.b, eps) for one in made]


def judge(problem: Problem, answer: Answer, tolerance: float) -> tuple[float | None, str]:
    """Return the error of an answer, both marginals of the plan recomputed in float64, and what kind of failure it is.

    f is one row update of g in the log domain. Nothing counts but that error: a claim that it denies is a failure.
    """
    g = answer.g
    if g.dtype != np.float64 or g.shape != problem.b.shape:
        return None, "illegal"
    if not np.isfinite(g).all():
        return None, "not finite"
    try:
        with np.errstate(all="ignore"):
            found = certify(problem, g)
        error = found.source_error + found.target_error
    except ProblemError:  # a spread beyond what distances can give
        error = np.inf
    if not error <= tolerance:
        return error if np.isfinite(error) else None, "false claim" if answer.converged else "missed"
    return error, "parallel" if answer.parallel else ""


def _made(
    code: Code | Copy, limits: Limits, easy: Sequence[Problem], tolerance: float, closing: ExitStack
) -> Solver | NoAnswerError:
    try:
        solver = Solver(code, limits, practice=easy, tolerance=tolerance)
    except NoAnswerError as error:
        return error
    closing.callback(solver.close)
    return solver


def _run(solver: Solver | NoAnswerError, problem: Problem, tolerance: float) -> dict[str, object]:
    before, cpu = time.perf_counter(), None
    error, told = None, ""
    try:
        if isinstance(solver, NoAnswerError):
            raise solver
        answer = solver.solve(problem)
    except NoAnswerError as none:
        seconds, told = time.perf_counter() - before, none.what
        failure = "hang" if isinstance(none, HungError) else "crash"
    else:
        seconds, cpu = answer.seconds, answer.cpu_seconds
        error, failure = judge(problem, answer, tolerance)
        if failure == "illegal":
            found = f"{answer.g.dtype} of shape {answer.g.shape}"
            told = f"solve must return g as float64 of shape {problem.b.shape}, but returned {found}"
    return {
        "error": error, "reached": not failure, "failure": failure, "told": told, "seconds": seconds,
        "cpu_seconds": cpu,
    }  # fmt: skip
