"""A solver in a process of its own: one thread, one processor, awake only while it is asked and timed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paletteot.guests.code import Code
from paletteot.guests.contestant import SLACK, parallel
from paletteot.guests.copies import Copy
from paletteot.guests.process import Limits, Outsider
from paletteot.ot.problem import Problem
from paletteot.warmstarts.contract import NoAnswerError


@dataclass(frozen=True)
class Answer:
    """What a solver answered.

    g: whatever it returned. converged: what it says, None where it says nothing. seconds: from asking to the answer.
    cpu_seconds: processor time of its processes meanwhile, None where it cannot be seen. parallel: whether they were
    seen to use more than one processor.
    """

    g: NDArray[Any]
    converged: bool | None
    seconds: float
    cpu_seconds: float | None
    parallel: bool


class Solver(Outsider):
    """A function ``solve(x, a, y, b, eps, tolerance)`` in a process of its own, timed from outside.

    practice: problems of no consequence that a new process meets first, so that no time holds a compilation. Making and
    asking it raise NoAnswerError and HungError as `Outsider` does.
    """

    def __init__(self, code: Code | Copy, limits: Limits, *, practice: Sequence[Problem], tolerance: float) -> None:
        self.practice, self.tolerance = practice, tolerance
        super().__init__(code, "solve", limits, cpu=processor())

    def begin(self) -> Mapping[str, str | None]:
        """Start the process and let it practise; where that fails it is not asked to again."""
        who = super().begin()
        practice, self.practice = self.practice, ()
        try:
            for problem in practice:
                self._ask(problem, self.limits.startup)
        except NoAnswerError:
            if not self.alive:
                super().begin()
        else:
            self.practice = practice
        return who

    def solve(self, problem: Problem) -> Answer:
        """Return what it answers to a problem without atoms of weight zero."""
        answer, spent = self._ask(problem, None), self.spent
        assert spent is not None
        if "g" not in answer:
            raise self.failed("it sent something that is no answer: g is missing")
        claim = bool(answer["converged"].any()) if "converged" in answer else None
        seconds, used = spent.seconds, spent.cpu_seconds
        return Answer(answer["g"], claim, seconds, used, parallel(seconds, used) or spent.strayed)

    def _ask(self, problem: Problem, seconds: float | None) -> dict[str, NDArray[Any]]:
        numbers = {"eps": np.array(problem.eps), "tolerance": np.array(self.tolerance)}
        question = {"x": problem.x, "a": problem.a, "y": problem.y, "b": problem.b, **numbers}
        return self.ask(question, most=SLACK * problem.b.nbytes, seconds=seconds)


def processor() -> int | None:
    """Return the processor that solvers run on, None where the system cannot keep a process on one."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else None
