"""The dual network's second output: how far to relax each problem."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from paletteot.dataset.load import Pairs
from paletteot.networks.batches import Batch, log_weights, softmin
from paletteot.networks.dual_network import DualNetwork
from paletteot.ot.problem import Array

PAIRS = 4000
"""Training pairs that the output is fitted on, from the first."""

POWER = 200
"""Power iterations for the second singular value of a label's plan."""

RIDGE = 1e-3
SMALLEST = 1e-12
"""Keeps the regression solvable where all summaries are alike."""

LEAST_GAP = 1e-6


@torch.no_grad()
def fit_relaxation(network: DualNetwork, pairs: Pairs, g: Array, eps: float, device: torch.device) -> None:
    """Fit the readout of omega to the omega of fastest relaxation, by ridge regression of its logit on the summaries.

    pairs: labelled by g, (n, l), LAB units. omega* = 2 / (1 + sqrt(1 - s2^2)) with s2 the second singular value of the
    scaled plan (docs/protocol.md, 5; Lehmann et al. 2021). The rest of the network stays as it is.
    """
    summaries, wanted = [], []
    for start in range(0, min(PAIRS, len(pairs)), 64):
        rows = np.arange(start, min(start + 64, PAIRS, len(pairs)))
        batch = Batch.of_pairs(pairs, g, rows, device)
        summaries.append(network.predict(network.encode(batch), batch, eps)[1])
        gap = (1 - second_singular_value(batch, eps).square()).clamp_min(LEAST_GAP).sqrt()
        wanted.append(torch.logit(2 / (1 + gap) - 1, eps=1e-4))
    seen = torch.cat(summaries).double()
    target = torch.cat(wanted).double()
    middle, mean = seen.mean(0), target.mean()
    centred = seen - middle
    gram = centred.T @ centred / len(seen)
    gram += (RIDGE * torch.diag(gram).mean() + SMALLEST) * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    weight = torch.linalg.solve(gram, centred.T @ (target - mean) / len(seen))
    network.relaxation.weight.copy_(weight[None])
    network.relaxation.bias.copy_((mean - weight @ middle)[None])


def second_singular_value(batch: Batch, eps: float) -> Tensor:
    """Return that of diag(a)^-1/2 P diag(b)^-1/2, (m,), for the plans P of a batch's labels, by power iteration."""
    assert batch.g is not None
    a, b = batch.weights()
    log_a, log_b, cost = log_weights(a), log_weights(b), batch.costs()
    f = softmin(cost, batch.g, log_b, eps, 2)
    slack = (f[:, :, None] + batch.g[:, None, :] - cost) / eps
    scaled = torch.where(
        (a > 0)[:, :, None] & (b > 0)[:, None, :], slack + (log_a[:, :, None] + log_b[:, None, :]) / 2, -torch.inf
    ).exp()
    top = b.sqrt()[..., None]
    vector = torch.where(top > 0, torch.cos(torch.arange(b.shape[1], device=b.device) * 2.4)[None, :, None], 0.0)
    size = torch.ones_like(vector[:, :1])
    for _ in range(POWER):
        vector = vector - top * (top * vector).sum(1, keepdim=True)
        vector = vector / vector.norm(dim=1, keepdim=True).clamp_min(1e-30)
        vector = torch.bmm(scaled.transpose(1, 2), torch.bmm(scaled, vector))
        size = vector.norm(dim=1, keepdim=True)
    return size[:, 0, 0].clamp(0, 1).sqrt()
