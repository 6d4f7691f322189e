"""A batch of problems as tensors."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from paletteot.errors import ProblemError
from paletteot.ot.problem import WEIGHT_TOLERANCE, Problem, Problems
from paletteot.ot.sinkhorn import OFFSET, WIDE, widest


@dataclass(frozen=True)
class Stack:
    """Problems as float64 tensors on one device; atoms of weight zero are padding and never contribute.

    x: (n, k, 3), y: (n, l, 3) CIELAB centroids. a: (n, k), b: (n, l) weights summing to one. eps: LAB units.
    Raises ProblemError when the tensors are not palettes or eps is not positive.
    """

    x: Tensor
    a: Tensor
    y: Tensor
    b: Tensor
    eps: float = 0.1

    def __post_init__(self) -> None:
        if not (isfinite(self.eps) and self.eps > 0):
            raise ProblemError(f"eps must be a positive number of LAB units, but is {self.eps!r}")
        for points, weights, name in ((self.x, self.a, "source"), (self.y, self.b, "target")):
            _check(points, weights, f"{name} palettes")
        if len(self.x) != len(self.y) or self.x.device != self.y.device:
            raise ProblemError("source and target palettes must be as many, on one device")

    @classmethod
    def of(cls, problems: Problems, device: torch.device | str = "cpu") -> Stack:
        """Return problems as tensors on a device."""
        x, a, y, b = (torch.tensor(array, device=device) for array in (problems.x, problems.a, problems.y, problems.b))
        return cls(x, a, y, b, problems.eps)

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device | str) -> Stack:
        """Return the batch on a device."""
        x, a, y, b = (part.to(device) for part in (self.x, self.a, self.y, self.b))
        return Stack(x, a, y, b, self.eps)

    @property
    def cost(self) -> Tensor:
        """Euclidean distances between the supports, (n, k, l), LAB units."""
        x, y = (torch.where(w[..., None] > 0, p, 0.0) for p, w in ((self.x, self.a), (self.y, self.b)))
        return torch.cdist(
            x, y, compute_mode="donot_use_mm_for_euclid_dist"
        )  # by products it would lose half the digits

    def start(self, g: Tensor | ArrayLike | None) -> Tensor:
        """Return a copy of initial potentials, (n, l), on the batch's device, 0 off the support; None: log v = 0.

        The gauge is taken out where it would cost digits, as `sinkhorn.start_on_support` does. Raises ProblemError when
        they have another shape, are not finite on the support, or spread there further than `sinkhorn.widest` allows.
        """
        on = self.b > 0
        if g is None:
            return torch.where(on, -self.eps * self.b.log(), 0.0)
        given = torch.as_tensor(g, dtype=torch.float64, device=self.b.device)
        if given.shape != self.b.shape:
            raise ProblemError(f"g must have shape {tuple(self.b.shape)}, but has {tuple(given.shape)}")
        wrong = (on & ~given.isfinite()).any(1)
        if wrong.any():
            first = int(wrong.nonzero()[0])
            raise ProblemError(f"g must be finite where the target weight is positive, but is not in problem {first}")
        spread = self._spread(given)[1]
        for row in (spread > WIDE * OFFSET).nonzero()[:, 0].tolist():
            if not float(spread[row]) <= (legal := self._widest(row)):
                raise ProblemError(
                    f"g must spread over at most {legal:.3g} LAB units where the target weight is positive, "
                    f"but spreads over {float(spread[row]):.3g} in problem {row}"
                )
        return self._settle(given)

    def _spread(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the largest value on the support, the spread and how far 0 lies outside of the values, (n,) each."""
        on = self.b > 0
        top = torch.where(on, g, -torch.inf).amax(1)
        bottom = torch.where(on, g, torch.inf).amin(1)
        return top, top - bottom, torch.maximum(bottom, -top)

    def _settle(self, g: Tensor) -> Tensor:
        """Return g, (n, l), 0 off the support, less its largest value where 0 lies too far outside of its values."""
        top, spread, outside = self._spread(g)
        far = outside > OFFSET + spread
        return torch.where(self.b > 0, torch.where(far[:, None], g - top[:, None], g), 0.0)

    def _widest(self, row: int) -> float:
        x, a, y, b = (part[row].cpu().numpy() for part in (self.x, self.a, self.y, self.b))
        return widest(Problem(x, a, y, b, self.eps))

    def fix_gauge(self, g: Tensor) -> Tensor:
        """Return g, (n, l), shifted to sum_j b_j g_j = 0, and 0 off the support."""
        return torch.where(self.b > 0, g - (self.b * g).sum(1, keepdim=True), 0.0)

    def plan(self, g: Tensor) -> Tensor:
        """Rebuild the couplings, (n, k, l), from g, (n, l): one row update makes the source marginals exact."""
        g = self._settle(g)
        logits = ((g[:, None, :] - self.cost) / self.eps).add_(self.b.log()[:, None, :])
        return logits.softmax(2).mul_(self.a[:, :, None])

    def marginal_error(self, g: Tensor) -> Tensor:
        """Return the L1 errors, (n,), of both marginals of the plans rebuilt from g, (n, l)."""
        coupling = self.plan(g)
        return (coupling.sum(2) - self.a).abs().sum(1) + (coupling.sum(1) - self.b).abs().sum(1)


def _check(points: Tensor, weights: Tensor, name: str) -> None:
    if points.dtype != torch.float64 or weights.dtype != torch.float64:
        raise ProblemError(f"{name} must be float64, but are {points.dtype} and {weights.dtype}")
    if points.ndim != 3 or points.shape[2] != 3 or points.shape[1] == 0 or points.shape[:2] != weights.shape:
        raise ProblemError(
            f"{name} must have shapes (n, k, 3) and (n, k) with k >= 1, but have "
            f"{tuple(points.shape)} and {tuple(weights.shape)}"
        )
    checks = (
        ("weights must be finite and at least 0", weights.isfinite() & (weights >= 0)),
        ("centroids must be finite", points.isfinite().all(2) | (weights == 0)),
        ("weights must sum to 1", (weights.sum(1, keepdim=True) - 1).abs() <= WEIGHT_TOLERANCE),
    )
    for rule, held in checks:
        if not held.all():
            raise ProblemError(f"{name}: {rule}, but do not in problem {int((~held).any(1).nonzero()[0])}")
