"""Messages between atoms, weighted by how close they are: what the blocks of the dual network are made of."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

LARGEST = 30.0
"""Logarithm of the largest weight: potentials far from feasible must not overflow."""

NEWS = 2
"""Numbers that an atom hears of its own potential."""


def closeness(slack: Tensor, reach: float) -> Tensor:
    """Return exp(slack / reach), (m, n, n'); slack and reach in LAB units."""
    return torch.exp2((slack * (1.4426950408889634 / reach)).clamp_max_(LARGEST))


def messages(weights: Sequence[Tensor], values: Tensor, share: Tensor) -> Tensor:
    """Return averages of values over the other side, (m, n, hidden).

    weights: h of (m, n, n'), not negative; each averages its h-th part of values (m, n', hidden), every atom counted
    by its share (m, n').
    """
    parts = values.chunk(len(weights), -1)
    one = torch.ones_like(share)[..., None]
    found = []
    for weight, part in zip(weights, parts, strict=True):
        sums = torch.bmm(weight, torch.cat([part, one], -1) * share[..., None])
        found.append(sums[..., :-1] / (sums[..., -1:] + 1e-30))
    return torch.cat(found, -1)


class Exchange(nn.Module):
    """What an atom sends, how it takes what it is sent, and by how much it corrects its potential.

    hidden: size of a token. It hears NEWS numbers of its own potential.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(hidden)
        self.value = nn.Linear(hidden + NEWS, hidden)
        self.perceptron = nn.Sequential(
            nn.Linear(2 * hidden + NEWS, 2 * hidden), nn.GELU(), nn.Linear(2 * hidden, hidden)
        )
        self.step = nn.Linear(hidden, 1)
        nn.init.zeros_(self.step.weight)  # untrained, a block is a Sinkhorn iteration and no worse
        nn.init.zeros_(self.step.bias)

    def read(self, tokens: Tensor, news: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the atoms know, (m, n, hidden + NEWS), and what they send, (m, n, hidden); news: (m, n, NEWS)."""
        known = torch.cat([self.norm(tokens), news], -1)
        return known, self.value(known)

    def forward(self, tokens: Tensor, known: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Return new tokens (m, n, hidden) and corrections (m, n), LAB units."""
        tokens = tokens + self.perceptron(torch.cat([known, heard], -1))
        return tokens, self.step(tokens)[..., 0]
