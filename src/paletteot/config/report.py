"""Statistics of the report."""

from __future__ import annotations

from pydantic import Field

from paletteot.config.section import Section


class Report(Section):
    """Statistics of the report."""

    bootstrap: int = Field(ge=100)
    seed: int = Field(ge=0)
