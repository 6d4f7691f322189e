"""Starts from the network that predicts the target potential."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import torch

from paletteot.networks.batches import Batch
from paletteot.networks.dual_network import DualNetwork
from paletteot.networks.model import chunks, to_gauge
from paletteot.ot import accelerated
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Start

SUMMARIES = {
    "dual_network": "network that predicts g from two palettes, trained on exact labels",
    "dual_network_self": "network that predicts g from two palettes, trained without labels on the semi-dual objective",
    "dual_network_unrolled": "network that predicts g from two palettes, trained through reference iterations after it",
}
"""What the leaderboard says of each variant."""


class DualStart:
    """Start from the network that predicts the target potential."""

    citation = "PaletteOT; after Amos et al. 2022, Meta Optimal Transport, with potentials on free supports"

    def __init__(self, network: DualNetwork) -> None:
        self.network = network
        self.name = network.name
        self.summary = SUMMARIES[self.name]

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Return the start of a file of weights; raises DataError where it is not whole."""
        return cls(DualNetwork.load(path))

    @torch.inference_mode()
    def start(self, problems: Problems) -> Start:
        """Return predicted potentials, (batch, l), LAB units, gauge sum_j b_j g_j = 0, and a relaxation for each."""
        batch = Batch.of_problems(problems, next(self.network.parameters()).device)
        tokens = self.network.encode(batch)
        answers = [self.network.predict(tokens, batch.part(rows), problems.eps) for rows in chunks(problems)]
        omega = torch.cat([self.network.omega(summary) for _, summary in answers]).double().cpu().numpy()
        return Start(
            to_gauge([g for g, _ in answers], problems), omega=np.asarray(omega), iterations=self.network.passes
        )


class AcceleratedDualStart(DualStart):
    """The same, and Anderson-accelerated passes after it, which are counted."""

    def __init__(self, network: DualNetwork) -> None:
        super().__init__(network)
        self.name = "dual_network_accelerated"
        self.summary = f"{network.name}, then Anderson-accelerated passes inside the start, all counted"

    def start(self, problems: Problems) -> Start:
        """Return potentials after accelerated passes, (batch, l), LAB units, gauge sum_j b_j g_j = 0."""
        first = super().start(problems)
        g, passes = accelerated.polish(problems, first.g)
        return Start(g, iterations=passes + self.network.passes)
