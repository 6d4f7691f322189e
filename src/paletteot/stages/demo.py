"""Stage 9: a few pairs of pictures, their colours moved by the network alone, from warm and from cold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from paletteot.config.transfer import DemoParams
from paletteot.dataset import schema
from paletteot.demo import example, facts, sheet
from paletteot.demo.facts import Fact
from paletteot.errors import ParamsError
from paletteot.files import replacing
from paletteot.images import manifest
from paletteot.project import paths
from paletteot.splits import RANKING
from paletteot.tables import read_parquet

if TYPE_CHECKING:
    from paletteot.config.params import Params

OUT = Path("data/demo")
FIRST = 5
"""Pairs that are shown where none are named."""


def stage(params: Params) -> None:
    """Read the pictures of the pairs, write data/demo."""
    pictures = {row["image_id"]: row for row in manifest.read(paths.MANIFEST, paths.IMAGES).iter_rows(named=True)}
    chosen = pairs(params.demo, set(pictures))
    with replacing(OUT) as fresh:
        fresh.mkdir()
        made = [_put(fresh, number, pictures[a], pictures[b]) for number, (a, b) in enumerate(chosen, 1)]
        facts.write(fresh, made)


def pairs(asked: DemoParams, there: set[str]) -> list[tuple[str, str]]:
    """Return A and B of each example; raises ParamsError for a picture that is not of the test_unseen side."""
    met = read_parquet(paths.PAIRS, schema.PAIRS).filter(pl.col("split") == RANKING)
    if not asked.pairs:
        return met.select("source", "target").head(FIRST).rows()
    legal = (set(met["source"]) | set(met["target"])) & there
    for name in (name for pair in asked.pairs for name in pair):
        if name not in legal:
            raise ParamsError(f"params.yaml: demo.pairs must be pictures of {RANKING}, but one is {name!r}")
    return list(asked.pairs)


def _put(folder: Path, number: int, a: dict[str, Any], b: dict[str, Any]) -> Fact:
    made = example.make(manifest.load_pixels(paths.IMAGES, a), manifest.load_pixels(paths.IMAGES, b))
    names = {
        "sheet": f"demo_{number}.jpg",
        "before": f"before_{number}.jpg",
        "after": f"after_{number}.jpg",
        "gives": f"gives_{number}.jpg",
    }
    notes = [f"{side}: {one['attribution']}, {one['licence']}" for side, one in (("A", a), ("B", b))]
    (folder / names["sheet"]).write_bytes(sheet.draw(made, notes))
    (folder / names["before"]).write_bytes(sheet.small(made.a))
    (folder / names["after"]).write_bytes(sheet.small(made.warm))
    (folder / names["gives"]).write_bytes(sheet.small(made.b, sheet.SMALLER))
    counts = made.counts
    return Fact(
        **names, source=a["image_id"], target=b["image_id"],
        source_attribution=a["attribution"], target_attribution=b["attribution"],
        source_licence=a["licence"], target_licence=b["licence"],
        width=made.a.shape[1], height=made.a.shape[0],
        iterations=counts.iterations if counts else None, own=counts.own if counts else None,
        cold=counts.cold_iterations if counts else None, largest=round(float(made.delta.max()), 6),
    )  # fmt: skip
