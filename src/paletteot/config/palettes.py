"""How pictures become palettes."""

from __future__ import annotations

from pydantic import Field

from paletteot.config.section import Section


class PalettesParams(Section):
    """K-means in CIELAB."""

    k: int = Field(ge=2, le=1024)
    sample: int = Field(ge=256)
    refinements: int = Field(ge=0, le=1000)
    seed: int = Field(ge=0)
