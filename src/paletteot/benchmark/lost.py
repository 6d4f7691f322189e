"""What stands for a contestant that gave no answer."""

from __future__ import annotations

import numpy as np

from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Start


class Lost:
    """A contestant, by name, that knows nothing: each of its problems is a failure."""

    summary, citation = "gave no answer", "none"

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self, problems: Problems) -> Start:
        """Return NaN, (batch, l), from which the referee falls back to the cold start."""
        return Start(np.full_like(problems.b, np.nan))
