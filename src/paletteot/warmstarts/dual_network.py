"""A network that predicts the target potential, for supports of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from paletteot.ot.problem import Problems
from paletteot.warmstarts.batches import Batch, centred, distances, log_weights, softmin
from paletteot.warmstarts.contract import Start
from paletteot.warmstarts.network import Network, chunks, to_gauge

HOTTEST = 40.0
"""Regularisation of the schedule's first iteration, LAB units."""

RANGES = (0.2, 16.0)
"""Smallest and largest range of attention, LAB units; heads lie between them geometrically."""

FLOOR = 0.01
"""Error, LAB units, below which the loss asks for no more: a tenth of the usual eps."""

DEEP = 0.5
"""Weight in the loss of each block's answer against the next block's."""


class DualNetwork(Network):
    """Correct the potentials of a short epsilon schedule.

    Each block makes one Sinkhorn iteration, tells the tokens of both palettes what it changed, lets each side attend
    over the other with the logits (potential - C)/range + log weight + q.k, and corrects both potentials. The geometry
    enters through distances alone, so a common isometry of the palettes and the order of atoms change nothing. Passes
    over the kernel: ``schedule`` + ``layers``.
    """

    name = "dual_network"
    ranges: Tensor

    def __init__(self, hidden: int = 32, layers: int = 3, heads: int = 4, schedule: int = 10) -> None:
        super().__init__()
        self.settings = {"hidden": hidden, "layers": layers, "heads": heads, "schedule": schedule}
        self.encoder = _Encoder(hidden, heads)
        self.reader = nn.Linear(len(_LAGS) + 1, hidden)
        self.blocks = nn.ModuleList(_Block(hidden, heads) for _ in range(layers))
        self.register_buffer("ranges", _ranges(heads), persistent=False)

    @property
    def passes(self) -> int:
        """Passes over the kernel in one prediction."""
        return self.settings["schedule"] + self.settings["layers"]

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the tokens of the source palettes (s, k, hidden) and of the target palettes (t, l, hidden)."""
        return self.encoder(batch.x, batch.a), self.encoder(batch.y, batch.b)

    def potentials(self, tokens: tuple[Tensor, Tensor], batch: Batch, eps: float) -> list[tuple[Tensor, Tensor]]:
        """Return f (m, k) and g (m, l) after each block, LAB units, any gauge; the last is the answer."""
        cost, (a, b) = batch.costs(), batch.weights()
        log_a, log_b = log_weights(a), log_weights(b)
        trail_f, trail_g = self._schedule(cost, log_a, log_b, eps)
        X = tokens[0].index_select(0, batch.source) + self.reader(_features(trail_f, a))
        Y = tokens[1].index_select(0, batch.target) + self.reader(_features(trail_g, b))
        across = cost.unsqueeze(1) / self.ranges
        back = cost.transpose(1, 2).contiguous().unsqueeze(1) / self.ranges
        f, g = trail_f[-1], trail_g[-1]
        answers = []
        for block in self.blocks:
            assert isinstance(block, _Block)
            with torch.no_grad():  # each block learns to correct what it is given, not to prepare the next
                f, g, old_f, old_g = softmin(cost, g, log_b, eps, 2), g, f.detach(), g.detach()
                g = softmin(cost, f, log_a, eps, 1)
                from_source = (f[:, None, None, :] / self.ranges + log_a[:, None, None, :]) - back
                from_target = (g[:, None, None, :] / self.ranges + log_b[:, None, None, :]) - across
                news_f, news_g = (_squash(centred(n - o, w)) for n, o, w in ((f, old_f, a), (g, old_g, b)))
            query_X, query_Y = block.read(X, news_f), block.read(Y, news_g)
            X, step_f = block(X, query_X, query_Y, from_target)
            Y, step_g = block(Y, query_Y, query_X, from_source)
            f, g = f + step_f, g + step_g
            answers.append((f, g))
        return answers

    def loss(self, batch: Batch, eps: float) -> Tensor:
        """Return the mean logarithm of the weighted root mean square error, LAB units, of both potentials.

        The logarithm, because iterations to a stop grow with the logarithm of the error. Every block's answer counts,
        the earlier the less. The swapped problem is the same problem: f is the label of its target.
        """
        assert batch.g is not None
        a, b = batch.weights()
        with torch.no_grad():
            true_f = softmin(batch.costs(), batch.g, log_weights(b), eps, 2)
        answers = self.potentials(self.encode(batch), batch, eps)
        shares = [DEEP**late for late in reversed(range(len(answers)))]
        losses = [(_log_error(f - true_f, a) + _log_error(g - batch.g, b)) / 2 for f, g in answers]
        return sum((s * l for s, l in zip(shares, losses, strict=True)), torch.zeros_like(losses[0])) / sum(shares)

    @torch.no_grad()
    def _schedule(self, cost: Tensor, log_a: Tensor, log_b: Tensor, eps: float) -> tuple[list[Tensor], list[Tensor]]:
        f, g = [], [torch.zeros_like(log_b)]
        count = self.settings["schedule"]
        for step in range(count):
            temperature = HOTTEST * (eps / HOTTEST) ** (step / (count - 1))
            f.append(softmin(cost, g[-1], log_b, temperature, 2))
            g.append(softmin(cost, f[-1], log_a, temperature, 1))
        return f, g[1:]


class DualStart:
    """Start from the network that predicts the target potential."""

    name = "dual_network"
    summary = "a learned correction of a ten-step epsilon schedule, by attention with distance bias"
    citation = "this project; compare Amos et al. 2022, Meta Optimal Transport"

    def __init__(self, network: DualNetwork) -> None:
        self.network = network

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Return the start of a file of weights; raises DataError where it is not whole."""
        return cls(DualNetwork.load(path))

    @torch.inference_mode()
    def start(self, problems: Problems) -> Start:
        """Return predicted potentials, (batch, l), LAB units, gauge sum_j b_j g_j = 0."""
        batch = Batch.of_problems(problems, next(self.network.parameters()).device)
        tokens = self.network.encode(batch)
        g = [self.network.potentials(tokens, batch.part(rows), problems.eps)[-1][1] for rows in chunks(problems)]
        return Start(to_gauge(g, problems), iterations=self.network.passes)


class _Encoder(nn.Module):
    """Tokens of a palette: weights, and who lies near whom."""

    ranges: Tensor

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(2, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.block = _Block(hidden, heads)
        self.register_buffer("ranges", _ranges(heads), persistent=False)

    def forward(self, x: Tensor, a: Tensor) -> Tensor:
        on = a > 0
        share = a * on.sum(-1, keepdim=True)
        tokens = self.first(torch.stack([share, torch.where(on, share, 1.0).log()], -1))
        mask = log_weights(a)[:, None, None, :] - distances(x, x).unsqueeze(1) / self.ranges
        read = self.block.read(tokens, torch.zeros_like(a))
        return self.block(tokens, read, read, mask)[0]  # type: ignore[no-any-return]


class _Block(nn.Module):
    """Attention with given biases, a perceptron, and a correction of the potential."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(hidden)
        self.news = nn.Linear(1, hidden, bias=False)
        self.query = nn.Linear(hidden, hidden)
        self.key_value = nn.Linear(hidden, 2 * hidden)
        self.out = nn.Linear(hidden, hidden)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(hidden), nn.Linear(hidden, 2 * hidden), nn.GELU(), nn.Linear(2 * hidden, hidden)
        )
        self.step = nn.Linear(hidden, 1)
        nn.init.zeros_(self.step.weight)  # untrained, a block is a Sinkhorn iteration and no worse
        nn.init.zeros_(self.step.bias)

    def read(self, tokens: Tensor, news: Tensor) -> Tensor:
        """Return normalised tokens (m, n, hidden) that know by how much (m, n) their potential was changed."""
        return self.norm(tokens) + self.news(news[..., None])  # type: ignore[no-any-return]

    def forward(self, tokens: Tensor, query: Tensor, key: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return new tokens (m, n, hidden) and corrections (m, n); key: (m, n', hidden), mask: (m, heads, n, n')."""
        q = self._split(self.query(query))
        k, v = (self._split(part) for part in self.key_value(key).chunk(2, -1))
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        tokens = tokens + self.out(seen.transpose(1, 2).flatten(2))
        tokens = tokens + self.perceptron(tokens)
        return tokens, self.step(tokens)[..., 0]

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


_LAGS = ((1, 1.0), (2, 3.0), (4, 10.0))
"""Iterations back, and the LAB units in which the change since then is given."""


def _features(trail: list[Tensor], weights: Tensor) -> Tensor:
    last = centred(trail[-1], weights)
    return torch.stack([last / 20, *((last - centred(trail[-1 - lag], weights)) / unit for lag, unit in _LAGS)], -1)


def _squash(change: Tensor) -> Tensor:
    return torch.asinh(3 * change)  # linear below the size of eps, logarithmic far above it


def _ranges(heads: int) -> Tensor:
    low, high = RANGES
    return torch.logspace(0, 1, heads, base=high / low)[:, None, None] * low


def _log_error(error: Tensor, weights: Tensor) -> Tensor:
    square = (centred(error, weights).square() * weights).sum(-1)
    return (square + FLOOR**2).log().mean() / 2
