"""Plain Sinkhorn from cold under Track B, which every ratio is taken to."""

from __future__ import annotations

import numpy as np
import polars as pl

from paletteot.benchmark.protocol import BASE, PLAIN
from paletteot.benchmark.tracks.accelerated import track_b
from paletteot.benchmark.tracks.asking import ask
from paletteot.dataset.load import Pairs
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Start


class Cold:
    """The cold start, as the protocol has it."""

    name, summary, citation = BASE, "log v = 0", "docs/protocol.md"

    def start(self, problems: Problems) -> Start:
        """Return the potentials of log v = 0, (batch, l)."""
        return Start(np.stack([sinkhorn.cold(problems[row]) for row in range(len(problems))]))


def plain(pairs: Pairs, *, eps: float, max_iterations: int) -> pl.DataFrame:
    """Return the rows of Track B of plain Sinkhorn from cold, with PLAIN for their acceleration."""
    return track_b(ask(Cold(), pairs, eps), [PLAIN], max_iterations=max_iterations)
