"""The potentials of the most similar training pair."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
from scipy.spatial import KDTree

from paletteot.dataset.load import Pairs, load_palettes, load_plans
from paletteot.ot.gaussian import moments, root
from paletteot.ot.problem import Array, Problem, Problems
from paletteot.ot.sinkhorn import source_potential
from paletteot.warmstarts.contract import Entry, Start

PASSES = 2
"""Passes over a kernel: f of the known pair from its g, and g of the asked pair from that f."""


class Nearest:
    """Look the potentials up in the training split.

    A common translation changes no plan, so pairs are compared by the difference of their palettes' means and by the
    square roots of their covariances, whose distance bounds that of centred Gaussian fits (Wasserstein) from above. The
    known pair is translated to the mean of the asked source, and its f extended to the asked target atoms by a column
    update, g(y) = -eps log sum_i a_i exp((f_i - |x_i - y|) / eps), which is defined everywhere (Pooladian and
    Niles-Weed 2021, Entropic estimation of optimal transport maps).
    """

    name = "nearest"
    summary = "potentials of the training pair with the nearest means and covariances, extended to the atoms at hand"
    citation = "Cover and Hart 1967, Nearest neighbor pattern classification"

    def __init__(self, train: Pairs) -> None:
        self.palettes, self.g = train.palettes, train.g
        self.source, self.target = train.source, train.target
        self.mean, spread = fits(self.palettes.x, self.palettes.a)
        i, j = self.source, self.target
        self.tree = KDTree(np.hstack([self.mean[j] - self.mean[i], spread[i], spread[j]]))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Return the start that knows the training split of a folder of plans; its palettes lie beside the folder.

        Raises DataError when a shard or the palettes are missing or not whole.
        """
        return cls(load_plans(path, load_palettes(path.parent / "palettes.parquet"), "train"))

    def start(self, problems: Problems) -> Start:
        """Return potentials from the nearest training pairs, (batch, l), LAB units; 0 where the weight is 0."""
        (source, spread_x), (target, spread_y) = fits(problems.x, problems.a), fits(problems.y, problems.b)
        _, nearest = self.tree.query(np.hstack([target - source, spread_x, spread_y]))
        g = np.empty_like(problems.b)
        for row, pair in enumerate(nearest):
            i, j, p = self.source[pair], self.target[pair], self.palettes
            known = Problem(p.x[i], p.a[i], p.x[j], p.a[j], problems.eps)
            f = source_potential(known, self.g[pair])
            moved = known.x + (source[row] - self.mean[i])
            asked = Problem(moved, known.a, problems.y[row], problems.b[row], problems.eps)
            g[row] = source_potential(asked.swapped(), f)
        return Start(g, iterations=PASSES)


def fits(x: Array, a: Array) -> tuple[Array, Array]:
    """Return means (n, 3) and square roots of covariances (n, 9), LAB units, of palettes x (n, k, 3), a (n, k)."""
    mean, covariance = moments(x, a)
    return mean, root(covariance).reshape(len(x), 9)


ENTRIES = (Entry.of(Nearest, Nearest.from_file, learned=True),)
