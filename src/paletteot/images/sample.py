"""How many crops each photograph of the packages gives, and in which order: evenly over subjects and packages."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from paletteot.files import sha256_of
from paletteot.images.catalogue import Photograph

LEAST, MOST = 80, 150
"""Bounds of a photograph's weight, hundredths: none gives twice as many crops as another, so no few become many."""


def weights(photographs: Sequence[Photograph]) -> list[int]:
    """Return how often each photograph comes, in hundredths of the median one's.

    It falls with the root of how many photographs its subject and its package have, within LEAST and MOST.
    """
    subjects = Counter(one.subject for one in photographs)
    packages = Counter(one.package for one in photographs)
    products = [subjects[one.subject] * packages[one.package] for one in photographs]
    middle = sorted(products)[len(products) // 2]
    return [min(max(round(100 * math.sqrt(middle / product)), LEAST), MOST) for product in products]


def order(photographs: Sequence[Photograph], count: int, seed: int) -> list[Photograph]:
    """Return the photographs of the first ``count`` pictures; picture i depends on the seed and the table alone.

    Systematic sampling: the pictures of a photograph stand at equal distances, the smaller the larger its weight, and
    the photographs of one subject in one package at equal distances from one another, in seeded order. So any first
    pictures hold every subject of every package, and every photograph, within one of what its weight says.
    """
    found = weights(photographs)
    strata: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, one in enumerate(photographs):
        strata[one.subject, one.package].append(number)
    rounds = math.ceil((count + len(photographs)) * max(found) / sum(found)) + 1
    places: list[tuple[float, str, int]] = []
    for stratum in sorted(strata):
        rng = np.random.default_rng([seed, int(sha256_of("/".join(stratum).encode())[:16], 16)])
        start = rng.uniform()
        for rank, member in enumerate(rng.permutation(strata[stratum]).tolist()):
            first = (rank + start) / len(strata[stratum])
            places += [((first + turn) / found[member], photographs[member].name, member) for turn in range(rounds)]
    return [photographs[member] for *_, member in sorted(places)[:count]]
