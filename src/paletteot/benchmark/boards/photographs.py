"""Track B by photograph: how far the saving of a start depends on what is in the pictures."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from paletteot.benchmark.accelerations import PLAIN, RELAXED, counts
from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.statistics import Array, ratios
from paletteot.splits import RANKING


def rows(board: pl.DataFrame, evaluations: Mapping[str, Evaluation], bootstrap: Bootstrap) -> pl.DataFrame:
    """Return family, acceleration, photograph, problems and ratio: of each start a row for each photograph.

    board: Track B's; of it what was chosen, on the ranking split, in its order. evaluations: of each method. The ratio
    is the median, over the pairs that the photograph takes part in, of the paired ratio to plain Sinkhorn from cold to
    the error that ranks.
    """
    base = evaluations[BASE].split(RANKING).accelerated.filter(pl.col("acceleration") == PLAIN)
    made = []
    for family, method, acceleration in (
        accelerated_board.headline(board)
        .filter(pl.col("acceleration") != PLAIN)
        .select("family", "method", "acceleration")
        .iter_rows()
    ):
        frame = evaluations[method].split(RANKING).accelerated.filter(pl.col("acceleration") == acceleration)
        whole = base.head(len(frame)) if acceleration in RELAXED else base
        found = ratios(*(counts(one, accelerated_board.LOOSE) for one in (frame, whole)))
        part = by_photograph(found, bootstrap.sides(frame["pair_id"]))
        made.append(part.select(pl.lit(family).alias("family"), pl.lit(acceleration).alias("acceleration"), pl.all()))
    return pl.concat(made) if made else pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))


COLUMNS = ("family", "acceleration", "photograph", "problems", "ratio")


def by_photograph(values: Array, sides: pl.DataFrame) -> pl.DataFrame:
    """Return photograph, problems and ratio, the median of the values of its pairs, the least first.

    values: (n,). sides: source_photograph and target_photograph of each pair; one within a photograph counts once.
    """
    pairs = sides.select("source_photograph", "target_photograph").with_columns(value=pl.Series(values))
    other = pairs.filter(pl.col("source_photograph") != pl.col("target_photograph"))
    both = pl.concat(
        [
            pairs.select("value", photograph="source_photograph"),
            other.select("value", photograph="target_photograph"),
        ]
    )
    made = both.group_by("photograph").agg(problems=pl.len().cast(pl.Int64), ratio=pl.col("value").median())
    return made.sort("ratio", "photograph")
