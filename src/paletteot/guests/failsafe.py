"""What stands for an answer that does not come."""

from __future__ import annotations

import sys

import numpy as np

from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import NoAnswerError, Start, WarmStart


class Failsafe:
    """A contestant, and NaN for the problems of a batch that it gives no answer to.

    The referee begins those from cold and counts them as failures. What it did instead is said on standard error.
    """

    def __init__(self, contestant: WarmStart) -> None:
        self.contestant = contestant
        self.name, self.summary, self.citation = contestant.name, contestant.summary, contestant.citation

    def start(self, problems: Problems) -> Start:
        """Return what the contestant answers, or NaN, (batch, l)."""
        try:
            return self.contestant.start(problems)
        except NoAnswerError as error:
            print(f"{len(problems)} problem(s) are failures: {error}", file=sys.stderr)
            return Start(np.full_like(problems.b, np.nan))
