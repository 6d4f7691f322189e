"""The optimiser of the networks: AdamW, and Muon for the matrices of hidden layers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

WEIGHT_DECAY = 1e-4

SMALLEST_MATRIX = 8
"""Rows and columns from which on a parameter counts as a matrix of a hidden layer."""


class Optimiser:
    """AdamW, and Muon for the matrices of hidden layers where there is a learning rate for them.

    Muon makes every singular value of a step alike (Jordan et al. 2024, Muon: an optimizer for hidden layers in neural
    networks). learning_rate: AdamW's. matrix_rate: Muon's; None leaves every parameter to AdamW.
    """

    def __init__(self, network: nn.Module, learning_rate: float, matrix_rate: float | None) -> None:
        parameters = list(network.parameters())
        hidden = [one for one in parameters if one.ndim == 2 and min(one.shape) >= SMALLEST_MATRIX]
        matrices = {id(one) for one in hidden} if matrix_rate is not None else set()
        rest = [one for one in parameters if id(one) not in matrices]
        self._parts: list[tuple[torch.optim.Optimizer, float]] = [
            (torch.optim.AdamW(rest, learning_rate, weight_decay=WEIGHT_DECAY), learning_rate)
        ]
        if matrix_rate is not None and hidden:
            muon = torch.optim.Muon(hidden, matrix_rate, weight_decay=WEIGHT_DECAY, adjust_lr_fn="original")
            self._parts.append((muon, matrix_rate))

    def step(self, rate: float) -> None:
        """Take a step at a share of the learning rates, and forget the gradients."""
        for part, highest in self._parts:
            for group in part.param_groups:
                group["lr"] = highest * rate
            part.step()
            part.zero_grad()

    def state_dict(self) -> list[dict[str, Any]]:
        """Return the state of both optimisers."""
        return [part.state_dict() for part, _ in self._parts]

    def load_state_dict(self, state: list[dict[str, Any]]) -> None:
        """Go on from a state."""
        for (part, _), one in zip(self._parts, state, strict=True):
            part.load_state_dict(one)
