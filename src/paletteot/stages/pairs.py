"""Stage 3: which pictures meet, and in which split."""

from __future__ import annotations

from paletteot import config, pairs
from paletteot.dataset import schema
from paletteot.files import read_parquet, write_parquet
from paletteot.stages import common


def stage(params: config.Params) -> None:
    """Read ids and groups from data/palettes.parquet, write data/pairs.parquet."""
    pictures = read_parquet(common.PALETTES, schema.palettes(params.palettes.k))
    drawn = pairs.draw(pictures["image_id"].to_list(), pictures["group"].to_list(), params.pairs)
    write_parquet(common.PAIRS, drawn, schema.PAIRS)
