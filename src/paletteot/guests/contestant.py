"""A contestant from outside the package, in a process of its own."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path

import numpy as np

from paletteot.guests.child import READ_ONLY
from paletteot.guests.code import Code
from paletteot.guests.copies import Copy
from paletteot.guests.process import USUAL, Limits, Outsider
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Start

SLACK = 16
"""Times the bytes of a right answer that an answer may have, so that a wrong one can be described."""


MARGIN = 1.2, 0.02
"""Processor time may exceed wall time by this factor and these seconds: clocks differ a little."""


def parallel(seconds: float, spent: float | None) -> bool:
    """Return whether processor time is more than one processor has in that time."""
    factor, more = MARGIN
    return spent is not None and spent > factor * seconds + more


class Guest(Outsider):
    """A contestant in a process of its own.

    Its name is the one that it gives itself, or the one by which an installed package makes it known. Making it and
    asking it raise NoAnswerError when it fails to answer, and HungError when it takes too long; asked again after that,
    it begins anew.
    """

    def __init__(self, code: Code | Copy, weights: Path | None = None, limits: Limits = USUAL) -> None:
        super().__init__(code, "start", limits, weights=weights)
        self.name = (self.who.get("name") or "") if self.code.is_file else self.code.label
        self.summary, self.citation = self.who.get("summary") or "", self.who.get("citation") or ""

    def start(self, problems: Problems) -> Start:
        """Return what it answers, with whatever dtypes and shapes it has; raises NoAnswerError where there is none.

        Where its processes used more than one processor, the answer is held back as long as one would have taken, so
        that whoever times it counts that.
        """
        question = {field.name: np.asarray(getattr(problems, field.name)) for field in fields(problems)}
        words = {} if problems.x.flags.writeable else {READ_ONLY: ""}
        answer = self.ask(question, most=SLACK * (problems.b.nbytes + 16 * len(problems)), words=words)
        assert self.spent is not None
        if parallel(self.spent.seconds, self.spent.cpu_seconds):
            time.sleep(max((self.spent.cpu_seconds or 0.0) - self.spent.seconds, 0.0))
        if not {"g", "iterations"} <= answer.keys():
            raise self.failed("it sent something that is no answer: fields are missing")
        return Start(answer["g"], answer.get("omega"), answer["iterations"])
