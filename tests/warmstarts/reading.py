"""What contestants read, in small: untrained networks, and a tiny training split."""

from __future__ import annotations

from pathlib import Path

import torch

import paletteot.warmstarts as warmstarts
from paletteot.networks.dual_network import DualNetwork
from paletteot.networks.model import Network
from paletteot.networks.plan_network import PlanNetwork
from tests.dataset import made

OTHERS = {
    "plan_network_kept": "plan_network",
    "seed_checkpoint": "plan_network",
    "dual_network_accelerated": "dual_network_self",
}
"""Contestants that read what is trained under another's name."""


def file(name: str, folder: Path) -> Path | None:
    """Write what a contestant reads into a folder and return where it is; None where it reads nothing."""
    if not warmstarts.entries()[name].learned:
        return None
    if name == "nearest":
        return made.pipeline_folder(folder) / "plans"
    torch.manual_seed(0)
    trained = OTHERS.get(name, name)
    kind = warmstarts.entries()[trained].trained
    network: Network = DualNetwork(hidden=16) if kind == "dual" else PlanNetwork(hidden=16)
    network.name = trained
    network.save(path := folder / "weights.safetensors")
    return path
