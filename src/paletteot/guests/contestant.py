"""A contestant from outside the package, in a process of its own."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from paletteot.guests.child import READ_ONLY
from paletteot.guests.code import Code
from paletteot.guests.process import USUAL, Limits, Outsider
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Start

SLACK = 16
"""Times the bytes of a right answer that an answer may have, so that a wrong one can be described."""


class Guest(Outsider):
    """A contestant in a process of its own.

    Its name is the one that it gives itself, or the one by which an installed package makes it known. Making it and
    asking it raise NoAnswerError when it fails to answer, and HungError when it takes too long; asked again after that,
    it begins anew.
    """

    def __init__(self, code: Code, weights: Path | None = None, limits: Limits = USUAL) -> None:
        super().__init__(code, "start", limits, weights=weights)
        self.name = (self.who.get("name") or "") if code.place.endswith(".py") else code.label
        self.summary, self.citation = self.who.get("summary") or "", self.who.get("citation") or ""

    def start(self, problems: Problems) -> Start:
        """Return what it answers, with whatever dtypes and shapes it has; raises NoAnswerError where there is none."""
        question = {field.name: np.asarray(getattr(problems, field.name)) for field in fields(problems)}
        words = {} if problems.x.flags.writeable else {READ_ONLY: ""}
        answer = self.ask(question, most=SLACK * (problems.b.nbytes + 16 * len(problems)), words=words)
        if not {"g", "iterations"} <= answer.keys():
            raise self.failed("it sent something that is no answer: fields are missing")
        return Start(answer["g"], answer.get("omega"), answer["iterations"])
