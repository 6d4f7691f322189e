"""Exact duals of the unregularised problem: the rival that learned nothing."""

from __future__ import annotations

import numpy as np

from paletteot.ot.newton import lp_duals
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Entry, Start


class LPDuals:
    """Start from the duals of the linear programme, eps = 0, by network simplex."""

    name = "lp_duals"
    summary = "exact duals of the unregularised problem (network simplex, CPU only)"
    citation = "Bonneel et al. 2011, Displacement interpolation using Lagrangian mass transport; POT's implementation"

    def start(self, problems: Problems) -> Start:
        """Return linear-programming duals on the target, (batch, l), LAB units."""
        return Start(np.stack([lp_duals(problems[row]) for row in range(len(problems))]))


ENTRIES = (Entry.of(LPDuals, LPDuals, kernel_only=False),)
