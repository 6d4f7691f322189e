"""Pictures that a newcomer tries the page with: two photographs that ship with scikit-image."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple


class Pair(NamedTuple):
    """Two pictures, and what the button says."""

    said: str
    a: str
    b: str

    @property
    def files(self) -> tuple[Path, Path]:
        """Where they lie."""
        folder = Path(str(files("skimage.data")))
        return folder / self.a, folder / self.b


PAIRS = (
    Pair("Example: a rocket in the colours of coffee", "rocket.jpg", "coffee.png"),
    Pair("Example: coffee in the colours of a rocket", "coffee.png", "rocket.jpg"),
)
"""rocket.jpg: SpaceX, launch of DSCOVR, public domain. coffee.png: Rachel Michetti, of Pikolo Espresso Bar, CC0."""
