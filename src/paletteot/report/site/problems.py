"""The explorer's data: each start's worst and best pairs, their palettes, and how every start came down on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from paletteot.benchmark.accelerations import counts as accelerated_counts
from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.protocol import BASE, TOLERANCES
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.statistics import ratios
from paletteot.dataset.load import Palettes
from paletteot.palettes import Palette
from paletteot.splits import RANKING
from paletteot.swatches import sheet

EACH = 5
"""Pairs of each kind that are shown for a start."""

SHARES = 10_000
"""Parts that a palette's weights are given in."""

ERRORS = {"error_0": 0, "error_1": 1, "error_10": 10, "error_100": 100}
"""Columns of the records and after how many iterations they were taken."""


def picks(medians: Mapping[str, Evaluation]) -> pl.DataFrame:
    """Return the extremes of each start, its worst first: start, kind, pair_id, iterations, cold and ratio.

    medians: the evaluation of each family's median seed, under Track A on the ranking split. The cold start's
    extremes are the pairs with most and fewest iterations; ties go to the lower pair_id.
    """
    cold = medians[BASE].split(RANKING).counts
    made = []
    for name, evaluation in medians.items():
        part = evaluation.split(RANKING)
        frame = pl.DataFrame(
            {
                "pair_id": part.iterations["pair_id"], "iterations": part.counts, "cold": cold,
                "ratio": ratios(part.counts, cold),
            }
        ).sort("cold" if name == BASE else "ratio", "pair_id")  # fmt: skip
        each = min(EACH, max(1, len(frame) // 2))
        for kind, some in (("worst", frame.tail(each).reverse()), ("best", frame.head(each))):
            made.append(some.select(pl.lit(name).alias("start"), pl.lit(kind).alias("kind"), pl.all()))
    return pl.concat(made)


def payload(
    picked: pl.DataFrame,
    medians: Mapping[str, Evaluation],
    board: pl.DataFrame,
    pairs: pl.DataFrame,
    palettes: Palettes,
) -> dict[str, Any]:
    """Return what the explorer draws.

    picked: of ``picks``. board: Track B's, for the acceleration of each start. pairs: pair_id, source, target.
    Of what is returned, starts: names. pairs: pair_id -> source, target and, of each start, [iterations, own passes,
    converged, [[passes, error]], passes to each of TOLERANCES]. palettes: image_id -> colours and weights.
    """
    ids = picked["pair_id"].unique().sort()
    known = pairs.filter(pl.col("pair_id").is_in(ids.implode())).sort("pair_id")
    runs = [_runs(evaluation, ids, _chosen(board, name)) for name, evaluation in medians.items()]
    names = sorted({*known["source"], *known["target"]})
    return {
        "starts": list(medians),
        "pairs": {
            str(pair): {"source": source, "target": target, "runs": [run[pair] for run in runs]}
            for pair, source, target in known.select("pair_id", "source", "target").iter_rows()
        },
        "palettes": swatches(palettes, names),
    }


def swatches(palettes: Palettes, names: Sequence[str]) -> dict[str, Any]:
    """Return the colours (#rrggbb without the #, in one string) and weights (in SHARES) of pictures, darkest first."""
    rows = {name: row for row, name in enumerate(palettes.ids)}
    made = {}
    for name in names:
        row = rows[name]
        colours = sheet(Palette(palettes.x[row], palettes.a[row], 0.0, 0), name).colours
        colours = tuple(sorted(colours, key=lambda one: one.lab))
        made[name] = {
            "photograph": palettes.photographs[row],
            "colours": "".join(one.hex[1:] for one in colours),
            "weights": [round(one.weight * SHARES) for one in colours],
        }
    return made


def _chosen(board: pl.DataFrame, family: str) -> str:
    rows = accelerated_board.headline(board).filter((pl.col("family") == family) & pl.col("chosen"))
    return str(rows["acceleration"][0]) if len(rows) else ""


def _runs(evaluation: Evaluation, ids: pl.Series, acceleration: str) -> dict[int, list[Any]]:
    part = evaluation.split(RANKING)
    wanted = pl.col("pair_id").is_in(ids.implode())
    fast = part.accelerated.filter(wanted & (pl.col("acceleration") == acceleration))
    counts = [accelerated_counts(fast, label).astype(int).tolist() for label in TOLERANCES]
    passes = dict(zip(fast["pair_id"], zip(*counts, strict=True), strict=True))
    made = {}
    for row in part.iterations.filter(wanted).iter_rows(named=True):
        run = [row["iterations"], row["init_iterations"], row["converged"], _curve(row)]
        made[row["pair_id"]] = [*run, list(passes.get(row["pair_id"], ()))]
    return made


def _curve(row: Mapping[str, Any]) -> list[list[float]]:
    own, stop = row["init_iterations"], row["iterations"]
    points = [(t, row[name]) for name, t in ERRORS.items() if t < stop] + [(stop, row["error_stop"])]
    return [[own + t, float(f"{error:.3g}")] for t, error in points]
