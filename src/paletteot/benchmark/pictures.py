"""Medians with intervals over pictures, the same pictures drawn for every contestant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from paletteot.benchmark.statistics import Array, Interval, median_interval
from paletteot.errors import DataError


@dataclass(frozen=True)
class Pictures:
    """Which pictures each pair is of, and how often they are drawn.

    pairs: pair_id, source and target of every pair. draws, seed: of the bootstrap.
    """

    pairs: pl.DataFrame
    draws: int
    seed: int

    def interval(self, values: Array, pair_ids: pl.Series) -> Interval:
        """Return the median of values, (n,), with its 95 % interval; raises DataError where a pair is not known."""
        met = pair_ids.to_frame("pair_id").join(self.pairs, on="pair_id", how="left", maintain_order="left")
        unknown = met.filter(pl.col("source").is_null())["pair_id"]
        if len(unknown):
            raise DataError(
                f"data/pairs.parquet: pair_id must name every pair that was evaluated, but lacks {unknown[0]}"
            )
        # A generator of its own for each call: intervals of different contestants can be compared.
        rng = np.random.default_rng(self.seed)
        return median_interval(values, met["source"].to_list(), met["target"].to_list(), draws=self.draws, rng=rng)
