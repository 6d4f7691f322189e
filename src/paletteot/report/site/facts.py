"""What the site says beside the figures: of each start, of each row, and of the data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from paletteot.benchmark.records.evaluation import About, Origin
from paletteot.dataset.load import Palettes
from paletteot.dataset.versions import Manifest


@dataclass(frozen=True)
class SiteFacts:
    """Everything that the site is told.

    about: by family. origins: by method. settings: how everything was made, name and value. palettes: of all pictures.
    release: the manifest of the data's release. refused: records of guests that do not stand, and why.
    """

    about: Mapping[str, About]
    origins: Mapping[str, Origin]
    settings: Mapping[str, str]
    palettes: Palettes
    release: Manifest
    refused: Mapping[str, str] = field(default_factory=dict)


def slug(name: str) -> str:
    """Return a file name that is safe on every system and in every URL, another one for every name."""
    if re.fullmatch(r"[a-z0-9_]{1,60}", name):
        return name
    plain = re.sub(r"[^a-z0-9_]+", "-", name.lower())[:40].strip("-")
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")
