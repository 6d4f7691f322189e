"""A solver in a process of its own: one thread, one processor, awake only while it is asked and timed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paletteot.benchmark import specimens
from paletteot.guests.code import Code
from paletteot.guests.contestant import SLACK
from paletteot.guests.process import Limits, Outsider
from paletteot.ot.problem import Problem
from paletteot.warmstarts.contract import NoAnswerError

MARGIN = 1.2, 0.02
"""Processor time may exceed wall time by this factor and these seconds: clocks differ a little."""


@dataclass(frozen=True)
class Answer:
    """What a solver answered.

    g: whatever it returned. converged: what it says, None where it says nothing. seconds: from asking to the answer.
    cpu_seconds: processor time of its process meanwhile, None where it cannot be seen. parallel: whether it was seen to
    use more than one processor.
    """

    g: NDArray[Any]
    converged: bool | None
    seconds: float
    cpu_seconds: float | None
    parallel: bool


class Solver(Outsider):
    """A function ``solve(x, a, y, b, eps, tolerance)`` in a process of its own, timed from outside.

    practice: problems of no consequence that a new process meets first, so that no time holds a compilation. Making and
    asking it raise NoAnswerError and HungError as `Outsider` does. Between questions its processes are stopped: what
    they would do then takes nothing from another solver, and gains nothing.
    """

    def __init__(self, code: Code, limits: Limits, *, practice: Sequence[Problem], tolerance: float) -> None:
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
        self._signal(signal.SIGSTOP)
        return who

    def solve(self, problem: Problem) -> Answer:
        """Return what it answers to a problem without atoms of weight zero."""
        if not self.alive:
            self.begin()
        self._signal(signal.SIGCONT)
        cpu, wall = cpu_seconds(self.pid), time.perf_counter()
        try:
            answer = self._ask(problem, None)
            seconds, then = time.perf_counter() - wall, cpu_seconds(self.pid)
        finally:
            if self.alive:
                self._signal(signal.SIGSTOP)
        if "g" not in answer:
            raise self.failed("it sent something that is no answer: g is missing")
        claim = bool(answer["converged"].any()) if "converged" in answer else None
        spent = None if cpu is None or then is None else then - cpu
        return Answer(answer["g"], claim, seconds, spent, parallel(seconds, spent) or self._strayed())

    def _ask(self, problem: Problem, seconds: float | None) -> dict[str, NDArray[Any]]:
        numbers = {"eps": np.array(problem.eps), "tolerance": np.array(self.tolerance)}
        question = {"x": problem.x, "a": problem.a, "y": problem.y, "b": problem.b, **numbers}
        return self.ask(question, most=SLACK * problem.b.nbytes, seconds=seconds)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def _strayed(self) -> bool:
        """Return whether a thread of its process may run elsewhere than on its processor."""
        return self.cpu is not None and any(
            where not in ({self.cpu}, None) for where in map(_processors, Path(f"/proc/{self.pid}/task").glob("*"))
        )


def practice(shapes: Sequence[tuple[int, int]], eps: float) -> list[Problem]:
    """Return a problem of no consequence of each shape (k, l)."""
    made = [specimens.problem(0, k, l) for k, l in shapes]
    return [Problem(one.x, one.a, one.y, one.b, eps) for one in made]


def parallel(seconds: float, spent: float | None) -> bool:
    """Return whether processor time is more than one processor has in that time."""
    factor, more = MARGIN
    return spent is not None and spent > factor * seconds + more


def processor() -> int | None:
    """Return the processor that solvers run on, None where the system cannot keep a process on one."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else None


def cpu_seconds(pid: int) -> float | None:
    """Return the processor time that all threads of a process have used; None where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return time.clock_gettime((~pid << 3) | 2)  # the number that clock_getcpuclockid(3) has for a process
    except OSError:  # it has ended
        return None


def _processors(task: Path) -> set[int] | None:
    """Return the processors that a thread may run on, None where it has ended."""
    try:
        return os.sched_getaffinity(int(task.name))
    except ProcessLookupError:
        return None
