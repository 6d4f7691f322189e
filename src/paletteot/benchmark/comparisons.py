"""Who is better than whom: every pair of methods on the same problems, all pairs at once, and the ranks that follow.

Two methods are compared by the median over problems of log(count of one / count of the other). That is the ratio that
the boards show, taken between the two themselves; it does not move with how large a capped count might have become;
and it is below 0 just when one needs fewer on more than half of the problems. All intervals hold together with 95 %:
their half-width is one multiple of each pair's own bootstrap deviation, the 95 % quantile of the largest of all pairs
(single-step max-t: Romano and Wolf 2005; Hothorn, Bretz and Westfall 2008). A rank counts the methods that are better
beyond their interval (Mogstad, Romano, Shaikh and Wilhelm 2024), and never falls below that of a method with a smaller
ratio. Where photographs have no influence of their own, the bootstrap over them is too wide (Owen 2007), and ties are
too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paletteot.benchmark.statistics import Array, weighted_median

LEVEL = 0.95
"""With what probability all intervals hold together."""

LEAST = 0.5
"""What a count of 0 stands as in a logarithm: less than 1."""


@dataclass(frozen=True)
class Comparisons:
    """Of m methods, each against each: median log ratio of row to column, and the ends of its interval, (m, m)."""

    median: Array
    low: Array
    high: Array

    @property
    def better(self) -> NDArray[np.bool_]:
        """Whether the row is better than the column, (m, m)."""
        return np.asarray(self.high < 0)

    def ranks(self, scores: ArrayLike) -> list[int]:
        """Return the rank of each method: one more than the number of those that are better, in the order of scores.

        scores: (m,) what the board shows, less is better. Only who has a smaller score counts as better, and nobody
        ranks above such a one: a noisy method, which is told apart from nobody, ranks with those about it.
        """
        found = np.asarray(scores, dtype=np.float64)
        alone = 1 + (self.better & (found[:, None] < found)).sum(axis=0)
        order = np.argsort(found, kind="stable")
        ranks = np.empty(len(order), dtype=np.int64)
        ranks[order] = np.maximum.accumulate(alone[order])
        return [int(rank) for rank in ranks]

    @property
    def ties(self) -> list[list[int]]:
        """Of each method those that it is not told apart from."""
        apart = self.better | self.better.T | np.eye(len(self.median), dtype=bool)
        return [np.flatnonzero(~row).tolist() for row in apart]


def logarithms(counts: ArrayLike) -> Array:
    """Return the logarithms of counts, that of LEAST for a count of 0."""
    return np.log(np.maximum(np.asarray(counts, dtype=np.float64), LEAST))


def compare(logs: Array, weights: NDArray[np.int32]) -> Comparisons:
    """Compare methods pair by pair, each pair on the problems that both have.

    logs: (m, n) logarithms of what is counted, less is better; NaN where a method has not met a problem. weights:
    (draws, n), how often each problem counts in each draw, the same for all. Methods that share no problem tie.
    """
    m = len(logs)
    median, low, high = np.zeros((m, m)), np.zeros((m, m)), np.zeros((m, m))
    met, found, drawn = [], [], []
    for i, j in combinations(range(m), 2):
        known = np.isfinite(logs[i]) & np.isfinite(logs[j])
        if known.any():
            values = (logs[i] - logs[j])[known]
            met.append((i, j))
            found.append(np.median(values))
            drawn.append(weighted_median(values, weights if known.all() else np.ascontiguousarray(weights[:, known])))
        else:
            low[i, j], high[i, j] = low[j, i], high[j, i] = -np.inf, np.inf
    if met:
        rows, columns = np.array(met).T
        estimate = np.array(found)
        half = half_widths(np.array(drawn) - estimate[:, None])
        for sign, one, other in ((1, rows, columns), (-1, columns, rows)):
            median[one, other] = sign * estimate
            low[one, other], high[one, other] = sign * estimate - half, sign * estimate + half
    return Comparisons(median, low, high)


def half_widths(deviations: Array) -> Array:
    """Return the half-widths with which all intervals hold together, (pairs,).

    deviations: (pairs, draws) of each draw's statistic from the estimate; a draw with a NaN, which left a pair without
    problems, is not used. Infinite where no draw can be used.
    """
    usable = deviations[:, np.isfinite(deviations).all(axis=0)]
    if not usable.size:
        return np.full(len(deviations), np.inf)
    scale = np.sqrt(np.mean(usable**2, axis=1))
    largest = (np.abs(usable) / np.where(scale > 0, scale, 1)[:, None]).max(axis=0)
    return np.asarray(np.quantile(largest, LEVEL) * scale)
