"""The cold start: log v = 0."""

from __future__ import annotations

from paletteot.ot import sinkhorn
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Entry, Start


class Cold:
    """Start where Sinkhorn starts when nothing is known."""

    name = "cold"
    summary = "log v = 0, that is g = -eps log b"
    citation = "Sinkhorn and Knopp 1967; Cuturi 2013, Sinkhorn distances"

    def start(self, problems: Problems) -> Start:
        """Return g = -eps log b, (batch, l), LAB units; 0 where the weight is 0."""
        return Start(sinkhorn.cold(problems))


ENTRIES = (Entry.of(Cold, Cold),)
