"""The best learned start against the best start that learned nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass

import polars as pl

from paletteot.benchmark.accelerations import counts
from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import TOLERANCES
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.sample import Sample
from paletteot.benchmark.statistics import Interval, ratios
from paletteot.splits import CHOICE, RANKING


@dataclass(frozen=True)
class Duel:
    """The best learned start against the rival: the best that learned nothing and makes passes over the kernel only.

    learned, rival: family, acceleration. ratios: paired, of the counts to each tolerance on the ranking split. sample:
    of its problems.
    """

    learned: tuple[str, str]
    rival: tuple[str, str]
    ratios: Mapping[str, Interval]
    sample: Sample


def meet(board: pl.DataFrame, evaluations: Mapping[str, Evaluation], bootstrap: Bootstrap) -> Duel | None:
    """Return the duel, both sides chosen on CHOICE; None where there is nobody on one side."""
    chosen = board.filter(pl.col("shown") & pl.col("chosen"))
    order = chosen.filter(pl.col("split") == CHOICE).sort(accelerated_board.SCORE, "family")
    sides = [
        order.filter("learned")["family"].to_list()[:1],
        order.filter(~pl.col("learned") & pl.col("kernel_only"))["family"].to_list()[:1],
    ]
    if not all(sides):
        return None
    names, frames = [], []
    for (name,) in sides:
        is_it = (pl.col("family") == name) & (pl.col("split") == RANKING)
        method, acceleration = chosen.filter(is_it).select("method", "acceleration").row(0)
        part = evaluations[method].split(RANKING).accelerated
        names.append((name, acceleration))
        frames.append(part.filter(pl.col("acceleration") == acceleration))
    one, other = frames
    found = {
        label: bootstrap.interval(ratios(counts(one, label), counts(other, label)), one["pair_id"])
        for label in TOLERANCES
    }
    return Duel(names[0], names[1], found, bootstrap.sample(one["pair_id"]))


def words(duel: Duel) -> str:
    """Return who met whom and what came out, as part of a sentence."""
    parts = [f"{duel.sample.interval(*astuple(ratio))} to {label}" for label, ratio in duel.ratios.items()]
    return (
        f"{' + '.join(duel.learned)} needs {' and '.join(parts)} of the iterations of {' + '.join(duel.rival)}, "
        f"the best start that learned nothing and makes passes over the kernel only; both chosen on {CHOICE}, "
        f"met on {duel.sample.words}"
    )
