"""What the variants of the dual network are trained to make small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from paletteot.networks.batches import Batch, centred, log_weights, softmin

if TYPE_CHECKING:
    from paletteot.networks.dual_network import DualNetwork

FLOOR = 0.01
"""Error, LAB units, below which a loss asks for no more: a tenth of the usual eps."""

DEEP = 0.5
"""Weight of each block's answer against the next block's."""

UNROLLED = 3
"""Reference iterations inside the graph of the unrolled loss."""


def labelled(network: DualNetwork, batch: Batch, eps: float) -> Tensor:
    """Return the mean logarithm of the weighted root mean square error, LAB units, of both potentials.

    The logarithm, because iterations to a stop grow with the logarithm of the error. Every block's answer counts, the
    earlier the less. The swapped problem is the same problem: f is the label of its target.
    """
    return _labelled(network.potentials(network.encode(batch), batch, eps), _true_f(batch, eps), batch)


def self_supervised(network: DualNetwork, batch: Batch, eps: float) -> Tensor:
    """Return minus the mean semi-dual value of every block's g, LAB units; needs no labels.

    <b, g> + <a, f> with f the row update of g (Amos et al. 2022, Meta Optimal Transport, section 4; Cuturi and Peyre
    2018, equation 3.2).
    """
    a, b = batch.weights()
    cost, log_a, log_b = batch.costs(), log_weights(a), log_weights(b)
    answers = network.potentials(network.encode(batch), batch, eps)
    shares = [DEEP**late for late in reversed(range(len(answers)))]
    total = torch.zeros(())
    for share, (f, g) in zip(shares, answers, strict=True):
        # The potential of either side, and by its update the other's: the problem and its mirror image.
        target = (b * g).sum(-1) + (a * smooth_softmin(cost, g, log_b, eps, 2)).sum(-1)
        source = (a * f).sum(-1) + (b * smooth_softmin(cost, f, log_a, eps, 1)).sum(-1)
        total = total - share * (target + source).mean() / 2
    return total / sum(shares)


def unrolled(network: DualNetwork, batch: Batch, eps: float) -> Tensor:
    """Return the mean of `labelled` and of the logarithm of the error after UNROLLED reference iterations in the graph.

    What Sinkhorn repairs by itself costs nothing in the second part.
    """
    assert batch.g is not None
    a, b = batch.weights()
    cost, log_a, log_b = batch.costs(), log_weights(a), log_weights(b)
    true_f = _true_f(batch, eps)
    answers = network.potentials(network.encode(batch), batch, eps)
    direct = _labelled(answers, true_f, batch)
    g = answers[-1][1]
    for _ in range(UNROLLED):
        f = smooth_softmin(cost, g, log_b, eps, 2)
        g = smooth_softmin(cost, f, log_a, eps, 1)
    return (direct + _log_error(g - batch.g, b)) / 2


LOSSES: Mapping[str, Callable[[DualNetwork, Batch, float], Tensor]] = {
    "dual_network": labelled,
    "dual_network_self": self_supervised,
    "dual_network_unrolled": unrolled,
}
"""Name of each variant: its loss."""

LABEL_FREE = ("dual_network_self",)
"""Variants whose loss needs no labels: they may meet any two palettes."""


def smooth_softmin(cost: Tensor, potential: Tensor, log_weight: Tensor, eps: float, dim: int) -> Tensor:
    """Return `batches.softmin`, with gradients."""
    exponent = (potential / eps + log_weight).unsqueeze(3 - dim) - cost / eps
    return -eps * torch.logsumexp(exponent, dim)


def _labelled(answers: Sequence[tuple[Tensor, Tensor]], true_f: Tensor, batch: Batch) -> Tensor:
    assert batch.g is not None
    a, b = batch.weights()
    shares = [DEEP**late for late in reversed(range(len(answers)))]
    losses = [(_log_error(f - true_f, a) + _log_error(g - batch.g, b)) / 2 for f, g in answers]
    return sum((s * l for s, l in zip(shares, losses, strict=True)), torch.zeros_like(losses[0])) / sum(shares)


def _true_f(batch: Batch, eps: float) -> Tensor:
    assert batch.g is not None
    with torch.no_grad():
        return softmin(batch.costs(), batch.g, log_weights(batch.weights()[1]), eps, 2)


def _log_error(error: Tensor, weights: Tensor) -> Tensor:
    square = (centred(error, weights).square() * weights).sum(-1)
    return (square + FLOOR**2).log().mean() / 2
