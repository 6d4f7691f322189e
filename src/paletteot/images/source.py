"""The contract of a source of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Crop = tuple[int, int, int, int]


@dataclass(frozen=True)
class Picture:
    """What will become one picture of the data set.

    image_id: its name, which is a file's name too: letters, digits, ``-`` and ``_``. group: what is kept on one side
    of a split: the photograph with its like, the photographer or the folder. source, licence, attribution: where it
    came from and what may be done with it. place: where its original is: a path, a URL, a row. crop: left, top, right,
    bottom in the photograph; None for all of it. grading: parameters of the colour grading, empty where there is none.
    photograph: which one it shows, by a name of its own; the picture's where it is a photograph's only one.
    """

    image_id: str
    group: str
    source: str
    licence: str
    attribution: str
    place: str
    crop: Crop | None = None
    grading: dict[str, float] = field(default_factory=dict)
    photograph: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "photograph", self.photograph or self.image_id)


@dataclass(frozen=True)
class Original:
    """A photograph as it was found: pixels (h, w, 3) uint8 sRGB, upright, and the SHA-256 of its file."""

    pixels: Pixels
    sha256: str


class Source(Protocol):
    """Where pictures come from; picklable, so that worker processes can open photographs.

    skipped: what `pictures` passed over and why, by place.
    """

    skipped: dict[str, str]

    @property
    def state(self) -> object:
        """What the user's files that `pictures` found are, as JSON: bytes and times; None where there are none.

        Unfinished work on other contents is not gone on with.
        """
        ...

    def pictures(self, count: int, *, grading: float, seed: int) -> list[Picture]:
        """Return pictures in seeded order: the first ``count`` are wanted, any further ones stand by as substitutes.

        The order depends on the seed and on what there is, never on the order in which it was found. Raises DataError.
        """
        ...

    def fetch(self, pictures: Sequence[Picture]) -> Mapping[str, str]:
        """Bring the originals of these pictures here; return why, by image_id, those that cannot be had cannot.

        What is here already is not fetched again, after a kill too. Sources that have everything here return nothing.
        """
        ...

    def open(self, picture: Picture) -> Original:
        """Return a fetched photograph; raises DataError naming it and the reason where it is no whole picture."""
        ...
