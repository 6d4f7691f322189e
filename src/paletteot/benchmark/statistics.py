"""Five-number summaries, paired ratios with bootstrap intervals over pictures, and ranks that ties share.

A run that reached the cap is right-censored: it is never dropped and stands as the cap in every statistic. A quantile
that touches censored runs is a lower bound, and ``censored`` says which of the five do. In a paired ratio

- a censored contestant counts as the cap (and its own passes): the worst that can be recorded on that problem, so no
  contestant gains on another by not converging;
- a censored cold start counts as the cap too: the saving is understated, never overstated;
- where both are censored the ratio is at least 1: no saving was shown, and the problem does not count as improved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


def weighted_median(values: Array, weights: NDArray[np.int64]) -> Array:
    """Return the median of values under each row of weights.

    values: (n,). weights: (draws, n), non-negative integers as multiplicities; returns (draws,), the median of the
    values repeated that often, the mean of the middle two where their number is even. A row of zeros gives NaN.
    """
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    reached = np.cumsum(weights[:, order], axis=1)
    total = reached[:, -1]
    middle = np.empty((2, len(weights)))
    for place, wanted in enumerate([np.floor((total + 1) / 2), np.ceil((total + 1) / 2)]):
        first = (reached < wanted[:, None]).sum(axis=1)
        middle[place] = ranked[np.minimum(first, len(ranked) - 1)]
    return np.where(total > 0, middle.mean(axis=0), np.nan)


def median_interval(
    values: Array, source: Sequence[str], target: Sequence[str], *, draws: int, rng: np.random.Generator
) -> Interval:
    """Return the median and its 95 % interval, resampled by picture.

    Pairs that share a picture are not independent, pictures are: each draw takes as many pictures as there are, with
    replacement, and a pair counts as often as its source was drawn times its target was drawn (the pigeonhole
    bootstrap, Owen 2007). values: (n,). source, target: picture of each. A draw that leaves no pair is not used.
    """
    pictures, codes = np.unique(np.concatenate([source, target]), return_inverse=True)
    n = len(pictures)
    i, j = codes[: len(values)], codes[len(values) :]
    medians = []
    for start in range(0, draws, 100):  # a hundred at a time keeps the weights in a few megabytes
        times = rng.multinomial(n, np.full(n, 1 / n), size=min(100, draws - start))
        medians.append(weighted_median(values, times[:, i] * times[:, j]))
    drawn = np.concatenate(medians)
    low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
    return Interval(float(np.median(values)), float(low), float(high))


def ranks(intervals: Mapping[str, Interval]) -> dict[str, int]:
    """Return the rank of each method: one more than the methods whose whole interval lies below its own.

    Methods whose intervals overlap share a rank, unless something between them tells them apart.
    """
    return {
        name: 1 + sum(other.high < interval.low for other in intervals.values()) for name, interval in intervals.items()
    }
