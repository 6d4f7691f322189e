"""Pairs of palettes as tensors, every palette once, the order in which training meets them, and the soft minimum."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paletteot.dataset.load import Pairs, Palettes
from paletteot.ot.problem import Problems

OFF = -1e9
"""log of a weight of zero: finite, so that differences and products of it are no NaN; its exponential is 0."""

_LOG2E = math.log2(math.e)


@dataclass(frozen=True)
class Batch:
    """Problems between s source and t target palettes, float32.

    x: (s, k, 3), a: (s, k), y: (t, l, 3), b: (t, l): each palette once, supports in LAB units, 0 off the support.
    source, target: (m,) int64 rows of the m problems among them. g: (m, l) potentials to learn, LAB units, or None.
    """

    x: Tensor
    a: Tensor
    y: Tensor
    b: Tensor
    source: Tensor
    target: Tensor
    g: Tensor | None = None

    def __len__(self) -> int:
        return len(self.source)

    @classmethod
    def of_problems(cls, problems: Problems, device: torch.device) -> Batch:
        """Return problems as a batch without labels."""
        _, first_source, source = np.unique(problems.source, return_index=True, return_inverse=True)
        _, first_target, target = np.unique(problems.target, return_index=True, return_inverse=True)
        x, a = problems.x[first_source], problems.a[first_source]
        y, b = problems.y[first_target], problems.b[first_target]
        return cls(*_tensors(x, a, device), *_tensors(y, b, device), _rows(source, device), _rows(target, device))

    @classmethod
    def of_pairs(cls, pairs: Pairs, g: NDArray[np.float64], rows: NDArray[np.int64], device: torch.device) -> Batch:
        """Return some rows of labelled pairs as a batch; g: (n, l) labels of all pairs, LAB units."""
        sources, source = np.unique(pairs.source[rows], return_inverse=True)
        targets, target = np.unique(pairs.target[rows], return_inverse=True)
        x, a, y, b = (part[i] for i in (sources, targets) for part in (pairs.palettes.x, pairs.palettes.a))
        labels = torch.as_tensor(g[rows], dtype=torch.float32, device=device)
        return cls(
            *_tensors(x, a, device), *_tensors(y, b, device), _rows(source, device), _rows(target, device), labels
        )

    @classmethod
    def between(
        cls, palettes: Palettes, sources: NDArray[np.int64], targets: NDArray[np.int64], device: torch.device
    ) -> Batch:
        """Return the problems from each palette to its neighbour in the other list, without labels.

        sources, targets: (m,) rows of the palettes.
        """
        rows = torch.arange(len(sources), device=device)
        x, a, y, b = (part[i] for i in (sources, targets) for part in (palettes.x, palettes.a))
        return cls(*_tensors(x, a, device), *_tensors(y, b, device), rows, rows)

    def part(self, rows: slice) -> Batch:
        """Return some of the problems, between the same palettes."""
        return Batch(
            self.x, self.a, self.y, self.b, self.source[rows], self.target[rows],
            None if self.g is None else self.g[rows],
        )  # fmt: skip

    def costs(self) -> Tensor:
        """Return the distances between the supports of each problem, (m, k, l), LAB units."""
        return distances(self.x[self.source], self.y[self.target])

    def weights(self) -> tuple[Tensor, Tensor]:
        """Return the weights a (m, k) and b (m, l) of each problem."""
        return self.a[self.source], self.b[self.target]


def distances(x: Tensor, y: Tensor) -> Tensor:
    """Return Euclidean distances, (..., k, l), between supports (..., k, 3) and (..., l, 3)."""
    # Never |x|^2 - 2 x.y + |y|^2, which in float32 loses the digits that 1/eps multiplies.
    square = sum((x[..., :, None, axis] - y[..., None, :, axis]).square() for axis in range(3))
    assert isinstance(square, Tensor)
    return square.sqrt()


def log_weights(weights: Tensor) -> Tensor:
    """Return the logarithm of weights, OFF where they are 0."""
    return weights.log().clamp_min(OFF)


def softmin(cost: Tensor, potential: Tensor, log_weight: Tensor, eps: float, dim: int) -> Tensor:
    """Return -eps log sum w exp((potential - cost) / eps) over one side: the other side's Sinkhorn update.

    cost: (m, k, l). dim: 2 sums over targets, with potential and log_weight (m, l), and gives f (m, k); 1 sums over
    sources, (m, k), and gives g (m, l). LAB units. To base 2, whose exponential is the quicker one.
    """
    scale = _LOG2E / eps
    exponent = torch.add((potential * scale + log_weight * _LOG2E).unsqueeze(3 - dim), cost, alpha=-scale)
    top = exponent.amax(dim, keepdim=True)
    total = exponent.sub_(top).exp2_().sum(dim)
    return -(total.log2() + top.squeeze(dim)) / scale


def centred(potential: Tensor, weights: Tensor) -> Tensor:
    """Return potentials (m, n) shifted to a weighted mean of 0, and 0 where the weight is 0."""
    on = torch.where(weights > 0, potential, 0.0)
    return torch.where(weights > 0, on - (on * weights).sum(-1, keepdim=True), 0.0)


def epoch(
    source: NDArray[np.int64], target: NDArray[np.int64], block: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Visit every pair once, in batches that share palettes.

    source, target: (n,) labels of palettes. Bootstrap are shuffled into blocks of at most ``block``; a batch holds the
    pairs (their rows, int64) from one block to another, so that few palettes are encoded for many pairs.
    """
    names, place = np.unique(np.concatenate([source, target]), return_inverse=True)
    blocks = -(-len(names) // block)
    of = rng.permutation(len(names)) % blocks
    cell = of[place[: len(source)]] * blocks + of[place[len(source) :]]
    order = np.argsort(cell, kind="stable")
    batches = np.split(order, np.flatnonzero(np.diff(cell[order])) + 1)
    for number in rng.permutation(len(batches)):
        yield batches[number]


def meetings(
    source: NDArray[np.int64], target: NDArray[np.int64], size: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Pair any two palettes of some pairs, without end: sources and targets, (size,) rows each."""
    known = np.unique(np.concatenate([source, target]))
    while True:
        yield rng.choice(known, size), rng.choice(known, size)


def _tensors(points: NDArray[np.float64], weights: NDArray[np.float64], device: torch.device) -> tuple[Tensor, Tensor]:
    points = np.where(weights[..., None] > 0, points, 0.0)  # where there is no atom anything may stand, NaN too
    return tuple(torch.as_tensor(array, dtype=torch.float32, device=device) for array in (points, weights))  # type: ignore[return-value]


def _rows(rows: NDArray[np.int64], device: torch.device) -> Tensor:
    return torch.as_tensor(rows, dtype=torch.int64, device=device)
