"""What the manifest says of the pictures of a release: how many photographs they show, from where, and whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from paletteot.dataset import licences

Rows = list[dict[str, Any]]

SHARE_ALIKE = "CC BY-SA"
"""The class of licences that ask for the same licence where pixels, or what adapts them, are passed on."""

_KINDS = {
    "public domain or CC0": ("public domain", "CC0-", "PDDL-", "Unlicense"),
    SHARE_ALIKE: ("CC-BY-SA-",),
    "CC BY": ("CC-BY-1", "CC-BY-2", "CC-BY-3", "CC-BY-4"),
}
"""Classes of licences, and how the names of those in each begin."""


@dataclass(frozen=True)
class Pictures:
    """Counts of pictures, photographs and groups, and tables of them.

    source: the kind, of `params.yaml`. sources, kinds, licences: rows of name, photographs and pictures, by where the
    photographs are from, by class of licence, and by licence. listed: each photograph with its pictures, licence and
    attribution. open: whether palettes of all of them may be passed on. graded: whether colours were changed.
    share_alike: the licences, if any, that ask for the same licence where pixels are passed on.
    """

    source: str
    count: int
    photographs: int
    groups: int
    sources: Rows
    kinds: Rows
    licences: Rows
    listed: Rows
    open: bool
    graded: bool
    share_alike: list[str]


def kind_of(licence: str) -> str:
    """Return the class of a licence; of one that is in none, the licence."""
    return next((name for name, starts in _KINDS.items() if licence.startswith(starts)), licence)


def of(images: pl.DataFrame, params: Mapping[str, Any]) -> Pictures:
    """Return what the table of images says; params: the section `images` that made them."""
    named = images.with_columns(kind=pl.col("licence").map_elements(kind_of, return_dtype=pl.String))
    return Pictures(
        source=params["source"],
        count=len(images),
        photographs=images["photograph"].n_unique(),
        groups=images["group"].n_unique(),
        sources=_counts(named, "source"),
        kinds=_counts(named, "kind"),
        licences=_counts(named, "licence"),
        listed=_listed(images),
        open=set(images["licence"]) <= licences.PASSED_ON,
        graded=bool(params["grading"]),
        share_alike=sorted(set(named.filter(pl.col("kind") == SHARE_ALIKE)["licence"])),
    )


def sides(plans: Mapping[str, pl.DataFrame], images: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Return of each split how many pairs, pictures and photographs it has, and pairs of one photograph with itself."""
    photograph = dict(images.select("image_id", "photograph").iter_rows())
    found = {}
    for split, frame in plans.items():
        source, target = (frame[side].replace_strict(photograph, default=None) for side in ("source", "target"))
        found[split] = {
            "pairs": len(frame),
            "pictures": pl.concat([frame["source"], frame["target"].alias("source")]).n_unique(),
            "photographs": pl.concat([source, target.alias("source")]).n_unique(),
            "same": int((source == target).sum()),
        }
    return found


def _counts(images: pl.DataFrame, column: str) -> Rows:
    counted = images.group_by(pl.col(column).alias("name")).agg(
        photographs=pl.col("photograph").n_unique(), pictures=pl.len()
    )
    return counted.sort("name").to_dicts()


def _listed(images: pl.DataFrame) -> Rows:
    by = images.group_by("photograph").agg(pl.len().alias("count"), pl.col("licence", "attribution").first())
    return by.sort("photograph").to_dicts()
