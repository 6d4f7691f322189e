"""Which pictures meet in the comparison: photographs of like content, and any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import paletteot.lab as cielab
from paletteot.errors import DataError

Pixels = NDArray[np.uint8]
Array = NDArray[np.float64]

SIDE = 16
"""Of the small picture that two layouts are compared by, pixels."""


@dataclass(frozen=True)
class Candidate:
    """A picture that may be in a pair: its photograph's group, and what it shows, '' where nobody says."""

    image_id: str
    group: str
    subject: str


@dataclass(frozen=True)
class Pair:
    """A and B by their image_id. kind: ``content`` or ``random``."""

    kind: str
    source: str
    target: str


def chosen(rows: Sequence[tuple[str, str, str]], subjects: Mapping[str, str], seed: int) -> list[Candidate]:
    """Return one picture of each photograph, at random.

    rows: image_id, photograph, group of each picture. subjects: of photographs.
    """
    of: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows:
        of.setdefault(row[1], []).append(row)
    rng = np.random.default_rng([seed, 0])
    taken = [pictures[rng.integers(len(pictures))] for pictures in of.values()]
    return [Candidate(image, group, subjects.get(photograph, "")) for image, photograph, group in taken]


def layout(pixels: Pixels) -> Array:
    """Return where a picture is light and dark: L* of its SIDE x SIDE thumbnail, less the mean, (SIDE * SIDE,)."""
    small = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX))
    lightness = cielab.from_srgb(small)[..., 0].ravel()
    return np.asarray(lightness - lightness.mean())


def pairs(candidates: Sequence[Candidate], layouts: Array, content: int, random: int, seed: int) -> list[Pair]:
    """Return pairs of pictures of two groups each, no ordered pair twice; fewer where there are not so many.

    Content pairs: a photograph and, of those of its subject (of all where it has none or is alone), the one whose
    layout is nearest. layouts: (n, m) of each candidate. Raises DataError where no two pictures are of two groups.
    """
    rng = np.random.default_rng([seed, 1])
    apart = [
        (i, j) for i, one in enumerate(candidates) for j, other in enumerate(candidates) if one.group != other.group
    ]
    if not apart:
        raise DataError("test_unseen must hold pictures of two groups or more, for any pair, but has none")
    near = [(i, nearest) for i in range(len(candidates)) if (nearest := _nearest(candidates, layouts, i)) is not None]
    of_content = _some(near, content, rng)
    left = [pair for pair in apart if pair not in set(of_content)]
    return [
        Pair(kind, candidates[i].image_id, candidates[j].image_id)
        for kind, made in (("content", of_content), ("random", _some(left, random, rng)))
        for i, j in made
    ]


def _nearest(candidates: Sequence[Candidate], layouts: Array, place: int) -> int | None:
    own = candidates[place]
    others = [j for j, one in enumerate(candidates) if one.group != own.group]
    alike = [j for j in others if own.subject and candidates[j].subject == own.subject] or others
    return min(alike, key=lambda j: float(((layouts[j] - layouts[place]) ** 2).sum()), default=None)


def _some(found: Sequence[tuple[int, int]], count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    return [found[place] for place in sorted(rng.permutation(len(found))[:count])]
