"""Stage 4: the exact potentials of every pair, and the cold count of the evaluation pairs."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import polars as pl

import paletteot.ot
from paletteot import config, engine
from paletteot.dataset import label, shards
from paletteot.dataset.load import Pairs, load_pairs, load_palettes
from paletteot.stages import common

CHUNK = 250


def stage(params: config.Params) -> None:
    """Read palettes and pairs, write sharded Parquet to data/plans."""
    pairs = load_pairs(common.PAIRS, load_palettes(common.PALETTES))
    settings = (params.transport, params.plans)
    key = engine.fingerprint(
        common.PALETTES, common.PAIRS, [one.model_dump() for one in settings],
        Path(paletteot.ot.__path__[0]), Path(label.__file__),
    )  # fmt: skip
    folder = engine.partial_folder("plans", key)
    files = engine.run(
        partial(_chunk, *settings), engine.spans(len(pairs), CHUNK),
        folder=folder, workers=params.workers, label="plans",
    )  # fmt: skip
    shards.write(common.PLANS, engine.collect(files), label.table(pairs.palettes), params.plans.shard_rows)
    engine.forget(folder)


@lru_cache(maxsize=1)
def _pairs() -> Pairs:
    return load_pairs(common.PAIRS, load_palettes(common.PALETTES))


def _chunk(transport: config.Transport, plans: config.Plans, span: tuple[int, int]) -> pl.DataFrame:
    return label.exact(_pairs()[slice(*span)], tolerance=plans.tolerance, **transport.model_dump())
