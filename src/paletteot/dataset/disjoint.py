"""What must hold between rows: pairs once, in order, and no group on two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import polars as pl

from paletteot.dataset.load import Palettes
from paletteot.splits import SPLITS

Place = tuple[str, int, str]


def faults(shards: Mapping[str, pl.DataFrame], palettes: Palettes) -> Iterator[Place]:
    """Check the pairs of all shards together.

    shards: pair_id, split, source and target of each file, files in order. Gives file, row and what is wrong.
    """
    pairs = pl.concat([frame.with_row_index("row").with_columns(file=pl.lit(name)) for name, frame in shards.items()])
    yield from _order(pairs)
    yield from _twice(pairs)
    yield from _sides(pairs, dict(zip(palettes.ids, palettes.groups, strict=True)))


def _order(pairs: pl.DataFrame) -> Iterator[Place]:
    """Pair numbers rise within a split: a row out of place was swapped or moved."""
    before = pl.col("pair_id").shift(1).over("split")
    wrong = pairs.filter(pl.col("pair_id") <= before)
    for file, row, number in wrong.select("file", "row", "pair_id").iter_rows():
        yield file, row, f"pair_id must be above that of the row before it in its split, but is {number}"


def _twice(pairs: pl.DataFrame) -> Iterator[Place]:
    for key, words in ((["pair_id"], "pair_id"), (["source", "target"], "the pair")):
        first = pl.struct(key).is_first_distinct()
        again = pairs.filter(~first).join(pairs.filter(first), on=key, how="left", suffix="_first")
        for file, row, other, place in again.select("file", "row", "file_first", "row_first").iter_rows():
            yield file, row, f"{words} must occur once, but is that of {other} row {place} too"


def _sides(pairs: pl.DataFrame, group: Mapping[str, str]) -> Iterator[Place]:
    """No group is on two sides; a row is wrong when its group belongs to another side by most rows."""
    met: dict[str, Counter[str]] = {}
    rows = pairs.select("file", "row", "split", "source", "target").rows()
    for _, _, split, *pictures in rows:
        for picture in pictures:
            if picture in group:
                met.setdefault(group[picture], Counter())[_side(split)] += 1
    home = {name: sides.most_common(1)[0][0] for name, sides in met.items()}
    if all(len(sides) == 1 for sides in met.values()):
        return
    for file, row, split, *pictures in rows:
        homes = {picture: home[group[picture]] for picture in pictures if picture in group}
        if stray := next((picture for picture in homes if homes[picture] != _side(split)), None):
            what = f"picture {stray!r} of group {group[stray]!r} is on the side {homes[stray]}, not on that of {split}"
            yield file, row, what


def _side(split: str) -> str:
    return next((one.side for name, one in SPLITS.items() if name == split), split)
