"""Which pictures meet, and in which split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.config import Pairs, Split
from paletteot.dataset import schema
from paletteot.errors import ParamsError

LEAST_GROUPS = 2
"""An unseen side has at least this many photographs."""


def sides(ids: Sequence[str], groups: Sequence[str], params: Pairs) -> dict[str, str]:
    """Assign every picture to the side train, validation or test by its group.

    Groups are taken in a seeded order for validation, then for test, until each has at least two groups and its share
    of the pictures; the rest trains. Raises ParamsError when fewer than 5 groups are left to share out.
    """
    sizes = Counter(groups)
    if len(sizes) < 2 * LEAST_GROUPS + 1:
        least = 2 * LEAST_GROUPS + 1
        raise ParamsError(
            f"params.yaml: images must come from at least {least} photographs, but come from {len(sizes)}"
        )
    order = list(np.random.default_rng([params.seed, 0]).permutation(sorted(sizes)))
    side_of: dict[str, str] = {}
    for side in ("validation", "test"):
        chosen: list[str] = []
        while len(chosen) < LEAST_GROUPS or sum(sizes[group] for group in chosen) < params.unseen_share * len(ids):
            chosen.append(order.pop())
            if not order:
                raise ParamsError(
                    f"params.yaml: pairs.unseen_share of {params.unseen_share} leaves no group for training"
                )
        side_of |= dict.fromkeys(chosen, side)
    return {name: side_of.get(group, "train") for name, group in zip(ids, groups, strict=True)}


def draw(ids: Sequence[str], groups: Sequence[str], params: Pairs) -> pl.DataFrame:
    """Draw ordered pairs for the five splits: no pair twice, no picture with itself (docs/protocol.md, 3).

    ids, groups: of every picture, in any order. Returns the table PAIRS. Raises ParamsError, naming the field and the
    largest legal number, when a side has too few pictures.
    """
    side_of = sides(ids, groups, params)
    sizes = params.sizes()
    drawn: dict[Split, NDArray[np.str_]] = {}
    for number, (side, splits) in enumerate(SIDES.items()):
        members = np.array(sorted(name for name in ids if side_of[name] == side))
        n = len(members)
        wanted = sum(sizes[split] for split in splits)
        if wanted > n * (n - 1):
            fields = " + ".join(f"pairs.{split}" for split in splits)
            raise ParamsError(
                f"params.yaml: {fields} must be at most {n * (n - 1)}, all pairs of the {n} pictures for {side}, "
                f"but is {wanted}"
            )
        # Code c stands for the ordered pair (c // (n-1), c % (n-1)), the second counted without the first.
        codes = np.random.default_rng([params.seed, 1, number]).choice(n * (n - 1), wanted, replace=False)
        source, target = np.divmod(codes, n - 1)
        target += target >= source
        pairs = np.stack([members[source], members[target]], axis=1)
        ends = np.cumsum([sizes[split] for split in splits])[:-1]
        drawn |= dict(zip(splits, np.split(pairs, ends), strict=True))
    frame = pl.concat(
        [pl.DataFrame({"split": [split] * len(rows), "source": rows[:, 0], "target": rows[:, 1]})
         for split in sizes if len(rows := drawn[split])]
    )  # fmt: skip
    return frame.with_row_index("pair_id").cast(schema.dtypes(schema.PAIRS)).select(list(schema.PAIRS))


SIDES: dict[str, tuple[Split, ...]] = {
    "train": ("train", "validation_seen", "test_seen"),
    "validation": ("validation_unseen",),
    "test": ("test_unseen",),
}
"""Which splits draw from which side's pictures."""
