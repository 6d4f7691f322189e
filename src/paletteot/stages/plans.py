"""Stage 4: the exact potentials of every pair, and the cold count of the evaluation pairs."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

import polars as pl

import paletteot.engine as engine
from paletteot.config.transport import PlansParams, Transport
from paletteot.dataset import labels, shards
from paletteot.dataset.load import Pairs, load_pairs, load_palettes
from paletteot.project import closure, paths

if TYPE_CHECKING:
    from paletteot.config.params import Params

CHUNK = 250


def stage(params: Params) -> None:
    """Read palettes and pairs, write sharded Parquet to data/plans."""
    pairs = load_pairs(paths.PAIRS, load_palettes(paths.PALETTES))
    settings = (params.transport, params.plans)
    key = engine.fingerprint(
        paths.PALETTES, paths.PAIRS, [one.model_dump() for one in settings],
        *closure.files(__name__),
    )  # fmt: skip
    folder = engine.partial_folder("plans", key)
    files = engine.run(
        partial(_chunk, *settings), engine.spans(len(pairs), CHUNK),
        folder=folder, workers=params.workers, label="plans",
    )  # fmt: skip
    shards.write(paths.PLANS, engine.collect(files), labels.table(pairs.palettes), params.plans.shard_rows)
    engine.forget(folder)


@lru_cache(maxsize=1)
def _pairs() -> Pairs:
    return load_pairs(paths.PAIRS, load_palettes(paths.PALETTES))


def _chunk(transport: Transport, plans: PlansParams, span: tuple[int, int]) -> pl.DataFrame:
    return labels.exact(_pairs()[slice(*span)], tolerance=plans.tolerance, **transport.model_dump())
