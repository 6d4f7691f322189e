"""Starts from the seed's network, which predicts the plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from paletteot.errors import DataError
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import Entry, Start

if TYPE_CHECKING:
    from paletteot.networks.plan_network import PlanNetwork

NETWORK = "plan_network"
"""The contestant whose weights all of these read."""


class PlanStart:
    """Start from the seed's network and the seed's own conversion of its plan."""

    name = NETWORK
    summary = "the seed's attention network and its own conversion from plan to potential"
    citation = "the seed project of this benchmark (MIT licence)"
    conversion = "seed"

    def __init__(self, network: PlanNetwork) -> None:
        self.network = network

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Return the start of a file of weights; raises DataError where it is not whole."""
        from paletteot.networks.plan_network import PlanNetwork

        return cls(PlanNetwork.load(path, NETWORK))

    def start(self, problems: Problems) -> Start:
        """Return potentials of the predicted plans, (batch, l), LAB units, gauge sum_j b_j g_j = 0."""
        import torch

        from paletteot.networks.batches import Batch
        from paletteot.networks.model import chunks, to_gauge
        from paletteot.networks.plan_network import CONVERSIONS

        g = []
        with torch.inference_mode():
            batch = Batch.of_problems(problems, next(self.network.parameters()).device)
            queries, keys = self.network.encode(batch)
            for rows in chunks(problems):
                part = batch.part(rows)
                a, b = part.weights()
                log_plan = self.network.log_plan(queries[part.source], keys[part.target], b > 0)
                g.append(CONVERSIONS[self.conversion](log_plan, part.costs(), a, b, problems.eps))
        return Start(to_gauge(g, problems))


class KeptPlanStart(PlanStart):
    """Start from the weights of ``plan_network`` and the conversion that keeps what its plan knows."""

    name = "plan_network_kept"
    summary = "the same network; potentials by least squares weighted with its plan, which keep what it knows"
    conversion = "kept"


class SeedCheckpoint(PlanStart):
    """Start from the network that the seed published, by its own conversion."""

    name = "seed_checkpoint"
    summary = "the seed's published weights and its own conversion from plan to potential"

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Return the start of an imported checkpoint; raises DataError where it is missing or not whole."""
        if not path.is_file():
            raise DataError(f"{path}: no such file; `paletteot import-seed-checkpoint FILE` makes it")
        return super().from_file(path)


ENTRIES = (
    Entry.of(PlanStart, PlanStart.from_file, learned=True, trained="plan"),
    Entry.of(KeptPlanStart, KeptPlanStart.from_file, learned=True),
    Entry.of(SeedCheckpoint, SeedCheckpoint.from_file, learned=True),
)
