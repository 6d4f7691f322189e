"""What the site says beside the figures: of each start, of each row, and of the data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from paletteot.benchmark.records.evaluation import About, Evaluation, Origin
from paletteot.dataset.load import Palettes
from paletteot.dataset.versions import Manifest
from paletteot.demo.facts import Fact
from paletteot.warmstarts.contract import family


@dataclass(frozen=True)
class Transfers:
    """What the site shows of colour transfer.

    examples: pairs of pictures, whose files lie in ``folder``. board: the comparison with others, a row for each.
    """

    examples: Sequence[Fact]
    folder: Path
    board: pl.DataFrame


@dataclass(frozen=True)
class SiteFacts:
    """Everything that the site is told.

    settings: how everything was made, name and value. palettes: of all pictures.
    release: the manifest of the data's release. transfers: of colour transfer.
    refused: records of guests that do not stand, and why.
    """

    settings: Mapping[str, str]
    palettes: Palettes
    release: Manifest
    transfers: Transfers
    refused: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, About] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def of(self, evaluations: Mapping[str, Evaluation]) -> SiteFacts:
        """Return the same with what the evaluations say: about by family, its first method's; origins by method."""
        about = {family(method): one.about for method, one in reversed(list(evaluations.items()))}
        return replace(self, about=about, origins={method: one.origin for method, one in evaluations.items()})


def slug(name: str) -> str:
    """Return a file name that is safe on every system and in every URL, another one for every name."""
    if re.fullmatch(r"[a-z0-9_]{1,60}", name):
        return name
    plain = re.sub(r"[^a-z0-9_]+", "-", name.lower())[:40].strip("-")
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")
