"""The splits of the data set: one table that every room reads (docs/protocol.md, 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

Judged = Literal["validation_seen", "validation_unseen", "test_seen", "test_unseen"]
"""Splits whose pairs have cold counts, and on which contestants are judged."""
Split = Literal["train", Judged]
Side = Literal["train", "validation", "test"]


class SplitKind(NamedTuple):
    """What a split is.

    side: whose pictures it draws from. words: which these are, for people.
    """

    side: Side
    words: str


SPLITS: Mapping[Split, SplitKind] = {
    "train": SplitKind("train", "training pictures"),
    "validation_seen": SplitKind("train", "training pictures, new pairs"),
    "validation_unseen": SplitKind("validation", "pictures of photographs kept for validation"),
    "test_seen": SplitKind("train", "training pictures, new pairs"),
    "test_unseen": SplitKind("test", "pictures of photographs kept for the test; this split ranks"),
}
"""Every split, in the order of their pair numbers."""

EVALUATED: tuple[Judged, ...] = get_args(Judged)

RANKING: Split = "test_unseen"
"""The split that ranks."""

CHOICE: Split = "validation_unseen"
"""What is chosen, a training's epoch, an acceleration or the rival, is chosen here and shown on the ranking split."""

VALIDATION: tuple[Split, ...] = ("validation_seen", CHOICE)
"""The splits that a training looks at."""

BOARDS: tuple[Split, ...] = (RANKING, "test_seen")
"""The splits that boards of starts and of Newton show."""


def on_side(side: str) -> list[Split]:
    """Return the splits that draw from the pictures of a side."""
    return [name for name, one in SPLITS.items() if one.side == side]
