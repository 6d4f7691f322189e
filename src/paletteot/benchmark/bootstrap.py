"""Medians with intervals over photographs, and comparisons, the same photographs drawn for every contestant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.benchmark.comparisons import Comparisons, compare
from paletteot.benchmark.sample import Sample
from paletteot.benchmark.statistics import Array, Interval, draw_groups, median_interval
from paletteot.errors import DataError


@dataclass(frozen=True)
class Bootstrap:
    """Which pictures each pair is of, what these show, and how often photographs are drawn.

    pairs: pair_id, source and target of every pair, and more. pictures: image_id, photograph and group of every picture
    (``Palettes.pictures``); a group, a photograph with its like, is drawn as one. draws, seed: of the bootstrap.
    """

    pairs: pl.DataFrame
    pictures: pl.DataFrame
    draws: int
    seed: int

    def interval(self, values: Array, pair_ids: pl.Series) -> Interval:
        """Return the median of values, (n,), with its 95 % interval.

        Raises DataError where a pair or its picture is not known.
        """
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

    def sample(self, pair_ids: pl.Series) -> Sample:
        """Return how many problems these are, of how many photographs; raises DataError where a pair is not known."""
        met = self.sides(pair_ids)
        distinct = (len({*met[f"source_{one}"], *met[f"target_{one}"]}) for one in ("photograph", "group"))
        return Sample(len(pair_ids), *distinct)

    def sides(self, pair_ids: pl.Series) -> pl.DataFrame:
        """Return source, target, and photograph and group of both, of each pair, in the order given.

        Raises DataError where a pair is not known, or one of its pictures is not.
        """
        met = pair_ids.to_frame("pair_id").join(self._known, on="pair_id", how="left", maintain_order="left")
        if len(unknown := met.filter(pl.col("source").is_null())["pair_id"]):
            raise DataError(
                f"data/pairs.parquet: pair_id must name every pair that was evaluated, but lacks {unknown[0]}"
            )
        for side in ("source", "target"):
            if len(lost := met.filter(pl.col(f"{side}_group").is_null())[side]):
                raise DataError(
                    f"data/palettes.parquet: image_id must name every picture that was evaluated, but lacks {lost[0]!r}"
                )
        return met

    @cached_property
    def _known(self) -> pl.DataFrame:
        made = self.pairs.select("pair_id", "source", "target")
        for side in ("source", "target"):
            named = self.pictures.select(
                pl.col("image_id").alias(side), pl.col("photograph", "group").name.prefix(f"{side}_")
            )
            made = made.join(named, on=side, how="left", maintain_order="left")
        return made

    def _weights(self, pair_ids: pl.Series) -> NDArray[np.int32]:
        met = self.sides(pair_ids)
        return _drawn(tuple(met["source_group"]), tuple(met["target_group"]), self.draws, self.seed)


@lru_cache(maxsize=4)
def _drawn(source: tuple[str, ...], target: tuple[str, ...], draws: int, seed: int) -> NDArray[np.int32]:
    """Draw once for all contestants that were judged on the same pairs: 20 MB for 5 000 pairs and 1 000 draws."""
    return draw_groups(source, target, draws=draws, seed=seed)
