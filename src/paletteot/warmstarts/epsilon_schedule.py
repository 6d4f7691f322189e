"""A few Sinkhorn iterations with falling regularisation."""

from __future__ import annotations

from functools import partial

import numpy as np

from paletteot.ot import accelerated
from paletteot.ot.gaussian import potentials
from paletteot.ot.kernels import full_update
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.ot.schedule import HOTTEST, schedule
from paletteot.ot.sinkhorn import expand
from paletteot.warmstarts.contract import Entry, Start


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


class GaussianSchedule:
    """The same from the potentials between Gaussian fits, which allow a low first eps."""

    citation = "Thornton and Cuturi 2022, Rethinking initialization of Sinkhorn; Schmitzer 2019"

    def __init__(self, iterations: int, hottest: float) -> None:
        self.iterations, self.hottest = iterations, hottest
        self.name = f"gaussian_schedule_{iterations}"
        self.summary = f"gaussian, then {iterations} Sinkhorn iterations while eps falls from {hottest:g} LAB"

    def start(self, problems: Problems) -> Start:
        """Return g of the last iteration, (batch, l), LAB units; every iteration is a pass over the kernel."""
        first = potentials(problems.x, problems.a, problems.y, problems.b)
        g = [self._cool(problems[row], first[row]) for row in range(len(problems))]
        return Start(np.stack(g), iterations=self.iterations)

    def _cool(self, problem: Problem, first: Array) -> Array:
        kept = problem.on_support()
        g = first[problem.b > 0]
        f, mass, column = np.empty(len(kept.a)), np.empty(len(g)), np.empty(len(g))
        for eps in np.geomspace(max(self.hottest, kept.eps), kept.eps, self.iterations):
            full_update(kept.cost, kept.a, kept.b, g, float(eps), f, mass, column)
        return expand(g, problem.b)


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


ENTRIES = tuple(
    Entry.of(make(), make)
    for make in (
        partial(EpsilonSchedule, 10),
        partial(EpsilonSchedule, 13, 10),
        partial(EpsilonSchedule, 40),
        partial(GaussianSchedule, 6, 2.4),
        partial(AcceleratedSchedule, 10),
    )
)
