"""The release of this project: of its tables and parameters, and nothing that differs between machines or commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paletteot.dataset import release
from paletteot.project import paths, provenance

if TYPE_CHECKING:
    from paletteot.config.params import Params

MADE_BY = ("images", "palettes", "pairs", "transport", "plans")


def build(params: Params) -> None:
    """Read manifest, palettes, pairs and plans, write data/release; no picture is needed.

    Raises DataError when a file is not whole or not what its table says.
    """
    facts = release.ReleaseFacts(
        **params.dataset.model_dump(),
        params={section: getattr(params, section).model_dump() for section in MADE_BY},
        uncommitted=provenance.uncommitted(),
    )
    release.build(
        paths.RELEASE, images=paths.MANIFEST, palettes=paths.PALETTES, pairs=paths.PAIRS, plans=paths.PLANS, facts=facts
    )
