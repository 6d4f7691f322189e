"""The contract of a source of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Crop = tuple[int, int, int, int]


@dataclass(frozen=True)
class Picture:
    """What will become one picture of the data set.

    image_id: its name. group: the photograph (or photographer) it belongs to. source, licence, attribution: where it
    came from and what may be done with it. crop: left, top, right, bottom in the photograph. grading: parameters of
    the colour grading, empty where there is none.
    """

    image_id: str
    group: str
    source: str
    licence: str
    attribution: str
    crop: Crop
    grading: dict[str, float]


class Source(Protocol):
    """Where pictures come from; picklable, so that worker processes can render."""

    def pictures(self, count: int, *, grading: float, seed: int) -> list[Picture]:
        """Return the seeded choice of pictures; picture i depends on the seed and i alone."""
        ...

    def render(self, picture: Picture, long_side: int) -> Pixels:
        """Return the pixels of a picture, (h, w, 3) uint8 sRGB with max(h, w) == long_side."""
        ...
