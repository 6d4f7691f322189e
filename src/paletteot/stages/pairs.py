"""Stage 3: which pictures meet, and in which split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import paletteot.pairs as pairs
from paletteot.dataset import schema
from paletteot.project import paths
from paletteot.tables import read_parquet, write_parquet

if TYPE_CHECKING:
    from paletteot.config.params import Params


def stage(params: Params) -> None:
    """Read ids, groups and photographs from data/palettes.parquet, write data/pairs.parquet."""
    pictures = read_parquet(paths.PALETTES, schema.palettes(params.palettes.k))
    ids, groups, photographs = (pictures[name].to_list() for name in ("image_id", "group", "photograph"))
    drawn = pairs.draw(ids, groups, photographs, params.pairs)
    write_parquet(paths.PAIRS, drawn, schema.PAIRS)
