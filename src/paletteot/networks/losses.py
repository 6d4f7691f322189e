"""What the networks are trained to make small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from paletteot.config.train import Architecture
from paletteot.errors import ParamsError
from paletteot.networks.batches import Batch, centred, log_weights, softmin

if TYPE_CHECKING:
    from paletteot.networks.dual_network import DualNetwork
    from paletteot.networks.plan_network import PlanNetwork

FLOOR = 0.01
"""Error, LAB units, below which a loss asks for no more: a tenth of the usual eps."""

DEEP = 0.5
"""Weight of each block's answer against the next block's."""

UNROLLED = 3
"""Reference iterations inside the graph of the unrolled loss."""


def divergence(network: PlanNetwork, batch: Batch, eps: float) -> Tensor:
    """Return the KL divergence of the predicted from the true row-normalised plan, mean over source atoms."""
    assert batch.g is not None
    a, b = batch.weights()
    with torch.no_grad():
        truth = torch.log_softmax((batch.g[:, None, :] - batch.costs()) / eps + log_weights(b)[:, None, :], -1)
    queries, keys = network.encode(batch)
    guess = network.log_plan(queries.index_select(0, batch.source), keys.index_select(0, batch.target), b > 0)
    rows = functional.kl_div(guess, truth, reduction="none", log_target=True).sum(-1)
    return rows[a > 0].mean()


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


@dataclass(frozen=True)
class Loss:
    """What a network can be trained to make small.

    of: the mean loss of a network on a batch at eps. architecture: of the networks that it is for. labels: whether it
    needs potentials to learn from; without, a training may let any two palettes meet.
    """

    of: Callable[[Any, Batch, float], Tensor]
    architecture: Architecture
    labels: bool = True


LOSSES: Mapping[str, Loss] = {
    "divergence": Loss(divergence, "plan"),
    "labelled": Loss(labelled, "dual"),
    "self_supervised": Loss(self_supervised, "dual", labels=False),
    "unrolled": Loss(unrolled, "dual"),
}
"""Each loss, by the name that params.yaml gives it."""

JUDGES: Mapping[Architecture, Callable[[Any, Batch, float], Tensor]] = {"plan": divergence, "dual": labelled}
"""The loss with labels by which every network of an architecture is judged, whatever it is trained on."""


def named(loss: str, architecture: Architecture, field: str) -> Loss:
    """Return a loss by its name; raises ParamsError naming the field and the losses of the architecture."""
    legal = [name for name, one in LOSSES.items() if one.architecture == architecture]
    if loss not in legal:
        raise ParamsError(f"{field} must be one of {', '.join(legal)}, but is {loss!r}")
    return LOSSES[loss]


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
