"""A split as a torch Dataset, in float64 throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from paletteot.dataset.load import Palettes
from paletteot.ot.problem import Array


@dataclass(frozen=True)
class Tensors(Dataset[dict[str, Tensor]]):
    """Palettes once, and the pairs among them; an item is one pair.

    x: (n, k, 3), a: (n, k): supports and weights of all palettes, LAB units. source, target: (m,) int64 rows among
    them. g: (m, k) target potentials, LAB units. eps: (m,), LAB units. All but the rows are float64.
    """

    x: Tensor
    a: Tensor
    source: Tensor
    target: Tensor
    g: Tensor
    eps: Tensor

    @classmethod
    def of(cls, palettes: Palettes, source: NDArray[np.int64], target: NDArray[np.int64], g: Array, eps: Array) -> Self:
        """Return tensors that share no memory with the arrays."""
        return cls(*(torch.tensor(array) for array in (palettes.x, palettes.a, source, target, g, eps)))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, row: int) -> dict[str, Tensor]:
        """Return x, a, y, b, g and eps of a pair."""
        i, j = self.source[row], self.target[row]
        return {
            "x": self.x[i], "a": self.a[i], "y": self.x[j], "b": self.a[j], "g": self.g[row], "eps": self.eps[row],
        }  # fmt: skip
