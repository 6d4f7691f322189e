"""What the site says beside the figures: of each start, of each row, and of the data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from paletteot.benchmark.records.origin import Origin, web_address
from paletteot.dataset.load import Palettes
from paletteot.dataset.versions import Manifest


@dataclass(frozen=True)
class About:
    """What is said of a start; '' where nothing is. All of its text is a stranger's.

    learned, kernel_only: whether it knows something from data, and whether it makes passes over the kernel only; None
    where nobody here can know.
    """

    summary: str = ""
    citation: str = ""
    authors: str = ""
    link: str = ""
    learned: bool | None = False
    kernel_only: bool | None = True

    @property
    def href(self) -> str:
        """The link where it is one that a browser may follow, else ''."""
        return web_address(self.link)


@dataclass(frozen=True)
class Facts:
    """Everything that the site is told.

    about: by family. origins: by method. settings: how everything was made, name and value. palettes: of all pictures.
    release: the manifest of the data's release.
    """

    about: Mapping[str, About]
    origins: Mapping[str, Origin]
    settings: Mapping[str, str]
    palettes: Palettes
    release: Manifest


def slug(name: str) -> str:
    """Return a file name that is safe on every system and in every URL, another one for every name."""
    if re.fullmatch(r"[a-z0-9_]{1,60}", name):
        return name
    plain = re.sub(r"[^a-z0-9_]+", "-", name.lower())[:40].strip("-")
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")
