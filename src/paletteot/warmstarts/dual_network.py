"""Starts from the networks that predict the target potential."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from paletteot.ot import accelerated
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Entry, Start

if TYPE_CHECKING:
    from paletteot.networks.dual_network import DualNetwork

NETWORK = "network that predicts g from two palettes"
BEST = "dual_network_self"
"""The network whose weights the accelerated start reads."""


class DualStart:
    """Start from a network that predicts the target potential.

    name: the network's where none is given. summary: what is special about it.
    """

    citation = "PaletteOT; after Amos et al. 2022, Meta Optimal Transport, with potentials on free supports"

    def __init__(self, network: DualNetwork, name: str = "", summary: str = NETWORK) -> None:
        self.network, self.name, self.summary = network, name or network.name, summary

    def start(self, problems: Problems) -> Start:
        """Return predicted potentials, (batch, l), LAB units, gauge sum_j b_j g_j = 0, and a relaxation for each."""
        import torch

        from paletteot.networks.batches import Batch
        from paletteot.networks.model import chunks, to_gauge

        with torch.inference_mode():
            batch = Batch.of_problems(problems, next(self.network.parameters()).device)
            tokens = self.network.encode(batch)
            answers = [self.network.predict(tokens, batch.part(rows), problems.eps) for rows in chunks(problems)]
            omega = torch.cat([self.network.omega(summary) for _, summary in answers]).double().cpu().numpy()
        return Start(
            to_gauge([g for g, _ in answers], problems), omega=np.asarray(omega), iterations=self.network.passes
        )


class AcceleratedDualStart(DualStart):
    """The same, and Anderson-accelerated passes after it, which are counted."""

    def start(self, problems: Problems) -> Start:
        """Return potentials after accelerated passes, (batch, l), LAB units, gauge sum_j b_j g_j = 0."""
        first = super().start(problems)
        g, passes = accelerated.polish(problems, first.g)
        return Start(g, iterations=passes + self.network.passes)


def entry(name: str, summary: str, start: type[DualStart] = DualStart, weights: str | None = None) -> Entry:
    """Return the entry of a start; weights: the network that it reads, None for one that is trained under its name."""
    make = partial(_read, start, name, summary, weights or name)
    return Entry(make, name, summary, start.citation, learned=True, trained=None if weights else "dual")


def _read(start: type[DualStart], name: str, summary: str, weights: str, path: Path) -> DualStart:
    from paletteot.networks.dual_network import DualNetwork

    return start(DualNetwork.load(path, weights), name, summary)


ENTRIES = (
    entry("dual_network", f"{NETWORK}, trained on exact labels"),
    entry(BEST, f"{NETWORK}, trained without labels on the semi-dual objective"),
    entry("dual_network_unrolled", f"{NETWORK}, trained through reference iterations after it"),
    entry(
        "dual_network_accelerated",
        f"{BEST}, then Anderson-accelerated passes inside the start, all counted",
        AcceleratedDualStart,
        BEST,
    ),
)
