"""Medians with intervals over bootstrap, and comparisons, the same pictures drawn for every contestant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.benchmark.comparisons import Comparisons, compare
from paletteot.benchmark.statistics import Array, Interval, draw_pictures, median_interval
from paletteot.errors import DataError


@dataclass(frozen=True)
class Bootstrap:
    """Which pictures each pair is of, and how often they are drawn.

    pairs: pair_id, source and target of every pair. draws, seed: of the bootstrap.
    """

    pairs: pl.DataFrame
    draws: int
    seed: int

    def interval(self, values: Array, pair_ids: pl.Series) -> Interval:
        """Return the median of values, (n,), with its 95 % interval; raises DataError where a pair is not known."""
        return median_interval(values, self._weights(pair_ids))

    def compare(self, methods: Sequence[tuple[pl.Series, Array]]) -> Comparisons:
        """Compare methods by what is counted, less is better; raises DataError where a pair is not known.

        methods: of each the pair_id of its problems and the logarithms of its counts, (n,).
        """
        every = pl.concat([pair_ids for pair_ids, _ in methods]).unique().sort()
        logs = np.full((len(methods), len(every)), np.nan)
        for row, (pair_ids, found) in enumerate(methods):
            logs[row, every.search_sorted(pair_ids).to_numpy()] = found
        return compare(logs, self._weights(every))

    def _weights(self, pair_ids: pl.Series) -> NDArray[np.int32]:
        met = pair_ids.to_frame("pair_id").join(self.pairs, on="pair_id", how="left", maintain_order="left")
        unknown = met.filter(pl.col("source").is_null())["pair_id"]
        if len(unknown):
            raise DataError(
                f"data/pairs.parquet: pair_id must name every pair that was evaluated, but lacks {unknown[0]}"
            )
        return _drawn(tuple(met["source"]), tuple(met["target"]), self.draws, self.seed)


@lru_cache(maxsize=4)
def _drawn(source: tuple[str, ...], target: tuple[str, ...], draws: int, seed: int) -> NDArray[np.int32]:
    """Draw once for all contestants that were judged on the same pairs: 20 MB for 5 000 pairs and 1 000 draws."""
    return draw_pictures(source, target, draws=draws, seed=seed)
