"""Messages between atoms, weighted by how close they are: what the blocks of the dual network are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

RANGES = (16.0, 4.0, 1.0, 0.2)
"""Slack f + g - C over which messages fade, LAB units; each a multiple of the next: a power needs no exponential."""

LARGEST = 30.0
"""Logarithm, to base 2, of the largest weight: potentials far from feasible must not overflow."""

_LOG2E = math.log2(math.e)

NEWS = 2
"""Numbers that an atom hears of its own potential."""


def closeness(slack: Tensor) -> list[Tensor]:
    """Return exp(slack / reach), (m, n, n'), for each reach of RANGES; slack (m, n, n') in LAB units."""
    found = [torch.exp2((slack * (_LOG2E / RANGES[0])).clamp_max_(LARGEST))]
    for wide, narrow in pairwise(RANGES):
        found.append(_power(found[-1], round(wide / narrow)).clamp_max_(2**LARGEST))
    return found


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


def _power(base: Tensor, exponent: int) -> Tensor:
    """Return a power, by squaring."""
    if exponent == 1:
        return base.clone()
    half = _power(base, exponent // 2)
    return half.square_() if exponent % 2 == 0 else half.square_().mul_(base)
