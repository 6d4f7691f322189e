"""A few Sinkhorn iterations with falling regularisation."""

from __future__ import annotations

import numpy as np

from paletteot.ot import accelerated
from paletteot.ot.problem import Problems
from paletteot.ot.schedule import HOTTEST, schedule
from paletteot.warmstarts.contract import Start


class EpsilonSchedule:
    """Make single Sinkhorn iterations while eps falls geometrically to the problem's."""

    citation = "Kosowsky and Yuille 1994, The invisible hand algorithm; Schmitzer 2019, Stabilized sparse scaling"

    def __init__(self, iterations: int, hottest: int = HOTTEST) -> None:
        self.iterations, self.hottest = iterations, hottest
        self.name = f"epsilon_schedule_{iterations}"
        self.summary = f"{iterations} Sinkhorn iterations while eps falls geometrically from {hottest:g} LAB"

    def start(self, problems: Problems) -> Start:
        """Return g of the last iteration, (batch, l), LAB units; every iteration is a pass over the kernel."""
        g = [schedule(problems[row], self.iterations, self.hottest) for row in range(len(problems))]
        return Start(np.stack(g), iterations=self.iterations)


class AcceleratedSchedule(EpsilonSchedule):
    """The same, and Anderson-accelerated passes after it, which are counted."""

    def __init__(self, iterations: int, hottest: int = HOTTEST) -> None:
        super().__init__(iterations, hottest)
        self.name = "epsilon_schedule_accelerated"
        self.summary += ", then Anderson-accelerated passes inside the start, all counted"

    def start(self, problems: Problems) -> Start:
        """Return potentials after accelerated passes, (batch, l), LAB units, gauge sum_j b_j g_j = 0."""
        g, passes = accelerated.polish(problems, super().start(problems).g)
        return Start(g, iterations=passes + self.iterations)
