"""Five-number summaries, and paired ratios with bootstrap intervals over photographs.

A run that reached the cap is right-censored: it is never dropped and stands as the cap in every statistic. A quantile
that touches censored runs is a lower bound, and ``censored`` says which of the five do. In a paired ratio

- a censored contestant counts as the cap (and its own passes): the worst that can be recorded on that problem, so no
  contestant gains on another by not converging;
- a censored cold start counts as the cap too: the saving is understated, never overstated;
- where both are censored the ratio is at least 1: no saving was shown, and the problem does not count as improved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paletteot.compiled import njit

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A median with the ends of its 95 % bootstrap interval."""

    median: float
    low: float
    high: float


def five_numbers(counts: ArrayLike) -> tuple[float, float, float, float, float]:
    """Return min, Q1, median, Q3 and max, quantiles by linear interpolation."""
    low, q1, median, q3, high = np.quantile(np.asarray(counts, dtype=np.float64), [0, 0.25, 0.5, 0.75, 1])
    return float(low), float(q1), float(median), float(q3), float(high)


def censored(problems: int, converged: int) -> tuple[bool, bool, bool, bool, bool]:
    """Return which of the five numbers of that many counts, all but ``converged`` at the cap, are lower bounds."""
    low, q1, median, q3, high = (np.ceil(q * (problems - 1)) >= converged for q in (0, 0.25, 0.5, 0.75, 1))
    return bool(low), bool(q1), bool(median), bool(q3), bool(high)


def ratios(counts: ArrayLike, cold: ArrayLike) -> Array:
    """Return counts / cold of each problem, (n,).

    counts: (n,), a contestant's iterations and its own passes. cold: (n,). Where the cold count is 0 nothing can be
    saved, and the ratio is 1 + counts.
    """
    ours, base = np.asarray(counts, dtype=np.float64), np.asarray(cold, dtype=np.float64)
    return np.where(base > 0, ours / np.maximum(base, 1), 1 + ours)


def improved_share(counts: ArrayLike, cold: ArrayLike) -> float:
    """Return the share of problems with strictly fewer counts than cold."""
    return float(np.mean(np.asarray(counts) < np.asarray(cold)))


def weighted_median(values: Array, weights: NDArray[np.int32]) -> Array:
    """Return the median of values under each row of weights.

    values: (n,). weights: (draws, n), non-negative integers as multiplicities; returns (draws,), the median of the
    values repeated that often, the mean of the middle two where their number is even. A row of zeros gives NaN.
    """
    return np.asarray(_weighted_median(values, np.argsort(values, kind="stable"), weights))


@njit(cache=True, nogil=True)
def _weighted_median(
    values: Array, order: NDArray[np.int64], weights: NDArray[np.int32]
) -> Array:  # pragma: no cover - compiled
    medians = np.full(len(weights), np.nan)
    for draw in range(len(weights)):
        row = weights[draw]
        total = 0
        for times in row:
            total += times
        if total == 0:
            continue
        place, reached = 0, row[order[0]]
        while reached < (total + 1) // 2:
            place += 1
            reached += row[order[place]]
        lower = values[order[place]]
        while reached < total // 2 + 1:
            place += 1
            reached += row[order[place]]
        medians[draw] = (lower + values[order[place]]) / 2
    return medians


def draw_groups(source: Sequence[str], target: Sequence[str], *, draws: int, seed: int) -> NDArray[np.int32]:
    """Return how often each pair counts in each draw of groups of photographs, (draws, n).

    Pairs that share a photograph are not independent, nor are pictures that were cut from one; groups of photographs
    are. Each draw takes as many groups as there are, with replacement, and a pair counts as often as the group of its
    source was drawn times that of its target (the pigeonhole bootstrap: McCullagh 2000, Owen 2007). Both sides are of
    one set of groups, so one draw serves both: a group that is drawn twice is there twice as source and as target
    (Davezies, D'Haultfoeuille and Guyonvarch 2021). A pair within one group is of that unit alone and counts as often
    as it was drawn, once for each copy: the square would, on average, count such pairs twice. source, target: (n,),
    group of each.
    """
    rng = np.random.default_rng(seed)
    groups, codes = np.unique(np.concatenate([source, target]), return_inverse=True)
    n, i, j = len(groups), codes[: len(source)], codes[len(source) :]
    within = i == j
    weights = np.empty((draws, len(source)), dtype=np.int32)
    for start in range(0, draws, 100):  # a hundred at a time keeps what is made on the way in a few megabytes
        times = rng.multinomial(n, np.full(n, 1 / n), size=min(100, draws - start))
        weights[start : start + 100] = times[:, i] * np.where(within, 1, times[:, j])
    return weights


def median_interval(values: Array, weights: NDArray[np.int32]) -> Interval:
    """Return the median and its 95 % interval over draws.

    values: (n,). weights: (draws, n), how often each counts in each draw. A draw that leaves no value is not used.
    """
    drawn = weighted_median(values, weights)
    low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
    return Interval(float(np.median(values)), float(low), float(high))
