"""The seed's model: attention of source tokens over target tokens is the plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from paletteot.errors import DataError
from paletteot.networks.batches import OFF, Batch, log_weights
from paletteot.networks.model import Network

HEADS = 4
"""The seed's file does not tell; of 1 to 32 heads and 11 scalings of the input, four and none bring its checkpoint
nearest to true plans (KL divergence 2.82, the next 2.89, on palettes of its sample pictures)."""

SMALLEST = 1e-12
"""Where the seed clamps a plan before its logarithm."""

RIDGE = 1e-12
"""Added to a Laplacian whose eigenvalues lie in [0, 1]: parts of a plan that hardly meet stay solvable."""


class PlanNetwork(Network):
    """Predict the row-normalised plan, the seed's layers exactly.

    Tokens are raw (L, a, b, weight). Only the query and key projections of ``attention`` matter; the rest keeps the
    seed's checkpoint loadable.
    """

    name = "plan_network"

    def __init__(self, hidden: int = 256, heads: int = HEADS) -> None:
        super().__init__()
        self.settings = {"hidden": hidden, "heads": heads}
        self.heads = heads
        self.source_enc = _encoder(hidden)
        self.target_enc = _encoder(hidden)
        self.attention = nn.MultiheadAttention(hidden, heads, batch_first=True)

    @classmethod
    def from_checkpoint(cls, path: Path) -> Self:
        """Return the network of the seed's own checkpoint, a state dict that torch saved, ready to predict.

        Nothing in the file is executed. Raises DataError with one line when it is missing, cut short, no such file of
        torch's, or the state of another network.
        """
        network = cls()
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file") from None
        except Exception as error:  # a file that only pretends can make the unpickler raise anything
            raise DataError(f"{path}: not a checkpoint of weights alone: {_line(error)}") from None
        try:
            network.load_state_dict(state, strict=True)
        except (RuntimeError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: not the seed's network: {_line(error)}") from None
        return network.eval()

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return queries (s, heads, k, width) and keys (t, heads, l, width), each palette once."""
        query, key, _ = self.attention.in_proj_weight.chunk(3)
        query_bias, key_bias, _ = self.attention.in_proj_bias.chunk(3)
        sources = self.source_enc(torch.cat([batch.x, batch.a[..., None]], -1))
        targets = self.target_enc(torch.cat([batch.y, batch.b[..., None]], -1))
        return self._split(functional.linear(sources, query, query_bias)), self._split(
            functional.linear(targets, key, key_bias)
        )

    def log_plan(self, queries: Tensor, keys: Tensor, on: Tensor) -> Tensor:
        """Return the logarithm of the row-stochastic plan, (m, k, l), averaged over heads; OFF where not ``on``.

        on: (m, l) bool. queries: (m, heads, k, width), keys: (m, heads, l, width).
        """
        logits = torch.matmul(queries / math.sqrt(queries.shape[-1]), keys.transpose(-1, -2))
        logits = logits + torch.where(on, 0.0, OFF)[:, None, None, :]
        return (torch.softmax(logits, -1).mean(1) + torch.finfo(logits.dtype).tiny).log()

    def _split(self, tokens: Tensor) -> Tensor:
        return tokens.view(*tokens.shape[:2], self.heads, -1).transpose(1, 2)


def seed_potentials(log_plan: Tensor, cost: Tensor, a: Tensor, b: Tensor, eps: float) -> Tensor:
    """Turn row-normalised plans into target potentials as the seed does, (m, l), LAB units, any gauge.

    P = a_i times the row, clamped at 1e-12, is u_i K_ij v_j: subtract log K, average over rows unweighted, and
    g = eps (log v - log b). The seed's evaluation multiplied by the source weights along the wrong axis; this does not.
    log_plan, cost: (m, k, l); a: (m, k); b: (m, l). Atoms of weight zero take no part.
    """
    plan = log_plan + log_weights(a)[:, :, None]
    ratio = plan.clamp_min(math.log(SMALLEST)) + cost / eps
    on = (a > 0).to(cost.dtype)[:, :, None]
    log_v = (ratio * on).sum(1) / on.sum(1)
    return eps * (log_v - log_weights(b))


def kept_potentials(log_plan: Tensor, cost: Tensor, a: Tensor, b: Tensor, eps: float) -> Tensor:
    """Turn row-normalised plans into target potentials and lose nothing, (m, l) float64, LAB units, any gauge.

    A plan of potentials f and g has f_i + g_j = M_ij with M = C + eps log(P / (a b^T)). Of a plan that has none, take
    the f and g that minimise sum_ij P_ij (f_i + g_j - M_ij)^2: what the plan moves counts, and what it does not move,
    where a network's log P means nothing, does not. The normal equations are a Laplacian of the bipartite graph P;
    with f eliminated, scaled by its diagonal c = P^T 1,

        (I - S^T S) c^1/2 g = c^-1/2 (P o M)^T 1 - S^T r^-1/2 (P o M) 1,   S = r^-1/2 P c^-1/2,   r = P 1,

    singular along the constant only, as Newton's matrix in `paletteot.ot.newton`. Of the true plan this is the true g.
    log_plan, cost: (m, k, l); a: (m, k); b: (m, l). Atoms of weight zero take no part. No pass over the kernel.
    """
    a, b = a.double(), b.double()
    on = (a > 0)[:, :, None] & (b > 0)[:, None, :]
    log_mass = log_weights(a)[:, :, None] + log_weights(b)[:, None, :]
    log_plan = torch.where(on, log_plan.double() + log_weights(a)[:, :, None], OFF)
    plan = log_plan.exp()
    moment = plan * (cost.double() + eps * (log_plan - log_mass))
    to_row, to_column = (_inverse_root(plan.sum(axis)) for axis in (2, 1))
    scaled = to_row[:, :, None] * plan * to_column[:, None, :]
    constant = functional.normalize(plan.sum(1).sqrt(), dim=1)
    rhs = to_column * moment.sum(1) - (scaled * (to_row * moment.sum(2))[:, :, None]).sum(1)
    matrix = torch.diag_embed(torch.full_like(b, 1 + RIDGE)) - scaled.mT @ scaled
    matrix += constant[:, :, None] * constant[:, None, :]  # lifts the constant direction
    return to_column * torch.cholesky_solve(rhs[..., None], torch.linalg.cholesky(matrix))[..., 0]


CONVERSIONS: Mapping[str, Callable[[Tensor, Tensor, Tensor, Tensor, float], Tensor]] = {
    "seed": seed_potentials,
    "kept": kept_potentials,
}
"""Ways from a plan to a potential, by name."""


def _inverse_root(sums: Tensor) -> Tensor:
    return torch.where(sums > 0, sums, torch.inf).rsqrt()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _encoder(hidden: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(4, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden)
    )
