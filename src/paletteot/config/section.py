"""What every section of ``params.yaml`` is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section: its fields and no others, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")
