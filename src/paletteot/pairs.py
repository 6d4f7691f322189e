"""Which pictures meet, and in which split."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.config.pairs import PairsParams
from paletteot.dataset import schema
from paletteot.errors import DataError, ParamsError
from paletteot.splits import Side, Split, on_side

LEAST_GROUPS = 2
"""An unseen side has at least this many photographs."""

ORDERS = 100
"""Seeded orders of the groups that are tried; the one that keeps most pictures for training is taken."""


def sides(
    ids: Sequence[str], groups: Sequence[str], photographs: Sequence[str], params: PairsParams
) -> dict[str, str]:  # fmt: skip
    """Assign every picture to the side train, validation or test by its group.

    Each unseen side gets at least two groups and at least its share of the pictures, of the photographs and of the
    groups, the rest trains. Among seeded orders of the groups, cut where validation and then test have enough, the one
    that leaves most pictures for training is taken. ids, groups, photographs: of every picture, in any order; no
    photograph is in two groups. Raises ParamsError when there are fewer than 5 groups or the share leaves none for
    training, and DataError when a picture is named twice.
    """
    if twice := [name for name, times in Counter(ids).items() if times > 1]:
        raise DataError(f"palettes: image_id must be unique, but {min(twice)} occurs {Counter(ids)[min(twice)]} times")
    sizes = Counter(groups)
    if len(sizes) < (least := 2 * LEAST_GROUPS + 1):
        raise ParamsError(
            f"params.yaml: images.source and images.count must give pictures of at least {least} groups "
            f"(photographs), but give {len(sizes)}"
        )
    names = sorted(sizes)
    shown = Counter(group for _, group in set(zip(photographs, groups, strict=True)))
    counts = np.array([[sizes[name], shown[name], 1] for name in names])
    rng = np.random.default_rng([params.seed, 0])
    orders = [rng.permutation(len(names)) for _ in range(ORDERS)]
    cut = _best_cut(counts, orders, params.unseen_share)
    if cut is None:
        raise ParamsError(
            f"params.yaml: pairs.unseen_share must be at most {_largest_share(counts, orders)}, so that these "
            f"{len(names)} groups leave one for training, but is {params.unseen_share}"
        )
    order, first, second = cut
    side_of = {names[row]: "validation" if rank < first else "test" for rank, row in enumerate(order[:second])}
    return {name: side_of.get(group, "train") for name, group in zip(ids, groups, strict=True)}


def draw(
    ids: Sequence[str], groups: Sequence[str], photographs: Sequence[str], params: PairsParams
) -> pl.DataFrame:  # fmt: skip
    """Draw ordered pairs for the five splits: no pair twice, no picture with itself (docs/protocol.md, 3).

    All pairs of a side's pictures are equally likely, but that in no split more pairs are of one photograph than their
    share of all pairs of the side; where the splits take all pairs there are, of the side as a whole.

    ids, groups, photographs: of every picture, in any order. Returns the table PAIRS, splits in the order of
    params.yaml and rows shuffled within each. Raises ParamsError, naming the field and the largest legal number, when a
    side has too few pictures, and what `sides` raises.
    """
    side_of = sides(ids, groups, photographs, params)
    shown = dict(zip(ids, photographs, strict=True))
    sizes = params.sizes()
    drawn: dict[Split, pl.DataFrame] = {}
    for number, side in enumerate(get_args(Side)):
        splits = on_side(side)
        members = sorted(name for name in ids if side_of[name] == side)
        wanted = [sizes[split] for split in splits]
        legal = len(members) * (len(members) - 1)
        if sum(wanted) > legal:
            raise ParamsError(
                f"params.yaml: {' + '.join(f'pairs.{split}' for split in splits)} must be at most {legal}, all ordered "
                f"pairs of the {len(members)} pictures for {side}, but is {sum(wanted)}"
            )
        codes = np.unique([shown[name] for name in members], return_inverse=True)[1]
        parts = _drawn(np.random.default_rng([params.seed, 1, number]), codes, wanted)
        named = pl.Series(members, dtype=pl.String)
        for split, (source, target) in zip(splits, parts, strict=True):
            rows = pl.DataFrame({"source": named.gather(source), "target": named.gather(target)})
            drawn[split] = rows.with_columns(split=pl.lit(split))
    frame = pl.concat([drawn[split] for split in sizes]).with_row_index("pair_id")
    return frame.select(pl.col(name).cast(column.dtype) for name, column in schema.PAIRS.items())


def _drawn(
    rng: np.random.Generator, photographs: NDArray[np.int64], sizes: Sequence[int]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Draw so many pairs of a side's pictures for each of its splits; returns source and target of each, (size,).

    photographs: (n,) code of each picture's photograph. Of a split's pairs at most the natural share are of one
    photograph: the first so many that are drawn; what is drawn beyond them makes room for the next pair.
    """
    n, total = len(photographs), sum(sizes)
    legal = n * (n - 1)
    counts = np.bincount(photographs)
    share = (counts * (counts - 1)).sum() / max(legal, 1)
    beyond = math.ceil(6 * math.sqrt(share * total)) + 10  # more than chance ever draws too many of
    source, target = _ordered_pairs(rng, n, min(legal, total + beyond))
    same, left = photographs[source] == photographs[target], np.arange(len(source))
    found = []
    for size in sizes:
        late = same[left] & (np.cumsum(same[left]) > math.floor(share * size + 1e-9))
        rows = np.concatenate([left[~late], left[late]])[:size]
        left = np.setdiff1d(left, rows, assume_unique=True)
        found.append((source[rows], target[rows]))
    return found


def _ordered_pairs(rng: np.random.Generator, n: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # Code c stands for the ordered pair (c // (n-1), c % (n-1)), the second counted without the first.
    source, target = np.divmod(rng.choice(n * (n - 1), size, replace=False), n - 1)
    return source, target + (target >= source)


Cut = tuple[NDArray[np.int64], int, int]


def _best_cut(counts: NDArray[np.int64], orders: list[NDArray[np.int64]], share: float) -> Cut | None:
    """Return the order that leaves most pictures and where validation and test end in it; None where none is legal.

    counts: pictures, photographs and groups of each group, (groups, 3).
    """
    least = np.ceil(share * counts.sum(axis=0) - 1e-9)
    best, fewest = None, math.inf
    for order in orders:
        running = np.cumsum(counts[order], axis=0)
        first = max(LEAST_GROUPS, _reached(running, least))
        if first >= len(order):
            continue
        second = max(first + LEAST_GROUPS, _reached(running, running[first - 1] + least))
        if second < len(order) and running[second - 1, 0] < fewest:
            best, fewest = (order, first, second), running[second - 1, 0]
    return best


def _reached(running: NDArray[np.int64], least: NDArray[np.float64]) -> int:
    """Return how many groups there must be, from the first, for as many pictures, photographs and groups as that."""
    return max(int(np.searchsorted(column, wanted)) + 1 for column, wanted in zip(running.T, least, strict=True))


def _largest_share(counts: NDArray[np.int64], orders: list[NDArray[np.int64]]) -> float:
    """Return the largest legal share, four digits down."""
    legal, illegal = 0, 10000
    while illegal - legal > 1:
        middle = (legal + illegal) // 2
        legal, illegal = (middle, illegal) if _best_cut(counts, orders, middle / 10000) else (legal, middle)
    return legal / 10000
