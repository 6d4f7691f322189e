"""Closed-form potentials between Gaussian fits of the two palettes."""

from __future__ import annotations

from paletteot.ot.gaussian import potentials
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Entry, Start


class Gaussian:
    """Integrate the direction of transport between Gaussian fits (`paletteot.ot.gaussian`); no pass over the kernel."""

    name = "gaussian"
    summary = "optimal map between Gaussian fits, its directions integrated to a potential of the distance"
    citation = "Thornton and Cuturi 2022, Rethinking initialization of the Sinkhorn algorithm"

    def start(self, problems: Problems) -> Start:
        """Return g, (batch, l), LAB units; 0 at the target's mean and where the weight is 0."""
        return Start(potentials(problems.x, problems.a, problems.y, problems.b))


ENTRIES = (Entry.of(Gaussian, Gaussian),)
