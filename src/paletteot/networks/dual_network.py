"""A network that predicts the target potential, for supports of any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from paletteot.networks.batches import Batch, centred, log_weights, softmin
from paletteot.networks.messages import Exchange, closeness, messages
from paletteot.networks.model import Network
from paletteot.ot import gaussian

TEMPERATURES = (2.4, 1.0, 0.45, 0.2, 0.1)
"""Regularisation of each block's pass over the kernel, LAB units, never below the problem's."""


class DualNetwork(Network):
    """Let messages between the atoms correct a few Sinkhorn iterations of falling regularisation.

    It begins from the potentials between Gaussian fits, which cost no pass over the kernel. Each block makes one
    iteration, tells every atom by how much its potential moved, lets each palette send messages to the other, weighted
    by the plan that the potentials imply at several temperatures, and corrects both potentials.
    Geometry enters through distances alone, so a common isometry of the palettes and the order of atoms change nothing.
    The weights of the messages hold no parameters: they cost one exponential for both directions, and no gradient.
    """

    name = "dual_network"

    def __init__(self, hidden: int = 32, temperatures: Sequence[float] = TEMPERATURES) -> None:
        super().__init__()
        self.settings = {"hidden": hidden, "temperatures": list(temperatures)}
        self.temperatures = tuple(temperatures)
        self.first = nn.Sequential(nn.Linear(2, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.reader = nn.Linear(1, hidden)
        self.blocks = nn.ModuleList(Exchange(hidden) for _ in temperatures)
        self.relaxation = nn.Linear(2 * hidden, 1)

    @property
    def passes(self) -> int:
        """Passes over the kernel in one prediction."""
        return len(self.temperatures)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the tokens of the source palettes (s, k, hidden) and of the target palettes (t, l, hidden)."""
        return self._encode(batch.a), self._encode(batch.b)

    def potentials(self, tokens: tuple[Tensor, Tensor], batch: Batch, eps: float) -> list[tuple[Tensor, Tensor]]:
        """Return f (m, k) and g (m, l) after each block, LAB units, any gauge; the last is the answer."""
        return self._forward(tokens, batch, eps)[0]

    def omega(self, summary: Tensor) -> Tensor:
        """Return the relaxation (m,), between 1 and 2, for what `summaries` gives."""
        return 1 + torch.sigmoid(self.relaxation(summary)[..., 0])

    def predict(self, tokens: tuple[Tensor, Tensor], batch: Batch, eps: float) -> tuple[Tensor, Tensor]:
        """Return g (m, l), LAB units, any gauge, and summaries (m, 2 hidden) of the problems."""
        answers, X, Y = self._forward(tokens, batch, eps)
        a, b = batch.weights()
        return answers[-1][1], torch.cat([(X * a[..., None]).sum(1), (Y * b[..., None]).sum(1)], -1)

    def _encode(self, a: Tensor) -> Tensor:
        on = a > 0
        share = a * on.sum(-1, keepdim=True)
        tokens: Tensor = self.first(torch.stack([share, torch.where(on, share, 1.0).log()], -1))
        return tokens

    def _forward(
        self, tokens: tuple[Tensor, Tensor], batch: Batch, eps: float
    ) -> tuple[list[tuple[Tensor, Tensor]], Tensor, Tensor]:
        cost, (a, b) = batch.costs(), batch.weights()
        log_a, log_b = log_weights(a), log_weights(b)
        f, g = _gaussian(batch)
        X = tokens[0].index_select(0, batch.source) + self.reader(centred(f, a)[..., None] / 20)
        Y = tokens[1].index_select(0, batch.target) + self.reader(centred(g, b)[..., None] / 20)
        answers = []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Exchange)
            last = number == len(self.blocks) - 1
            temperature = eps if last else max(self.temperatures[number], eps)
            with torch.no_grad():  # each block learns to correct what it is given, not to prepare the next
                old_f, old_g = f.detach(), g.detach()
                f, g = _iteration(cost, old_g, log_a, log_b, temperature)
                weights = closeness(f[:, :, None] + g[:, None, :] - cost)
                news_f, news_g = _news(centred(f - old_f, a)), _news(centred(g - old_g, b))
            read_X, values_X = block.read(X, news_f)
            read_Y, values_Y = block.read(Y, news_g)
            X, step_f = block(X, read_X, messages(weights, values_Y, b))
            Y, step_g = block(Y, read_Y, messages([one.transpose(1, 2) for one in weights], values_X, a))
            scale = max(1.0, temperature)
            f, g = f + scale * step_f, g + scale * step_g
            answers.append((f, g))
        return answers, X, Y


def _gaussian(batch: Batch) -> tuple[Tensor, Tensor]:
    """Return f (m, k) and g (m, l) between Gaussian fits; in float64, which Apple's GPUs have not."""
    where = "cpu" if batch.x.device.type == "mps" else batch.x.device
    x, a = (one[batch.source].to(where, torch.float64) for one in (batch.x, batch.a))
    y, b = (one[batch.target].to(where, torch.float64) for one in (batch.y, batch.b))
    f, g = gaussian.potentials(y, b, x, a), gaussian.potentials(x, a, y, b)
    return f.to(batch.x), g.to(batch.x)


def _iteration(cost: Tensor, g: Tensor, log_a: Tensor, log_b: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    f = softmin(cost, g, log_b, eps, 2)
    return f, softmin(cost, f, log_a, eps, 1)


def _news(change: Tensor) -> Tensor:
    """Return a change of potentials as NEWS features: linear below the size of eps, logarithmic far above it."""
    return torch.stack([torch.asinh(3 * change), torch.asinh(change)], -1)
