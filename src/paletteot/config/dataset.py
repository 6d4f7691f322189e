"""The published data set."""

from __future__ import annotations

from pydantic import Field

from paletteot.config.section import Section


class Dataset(Section):
    """The published data set."""

    version: str = Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$", description="semantic: X.Y.Z")
    hub_id: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="ORG/NAME on the Hugging Face hub")
    published: str = Field(pattern=r"^\d{4}-\d\d-\d\d$", description="date of this version, YYYY-MM-DD")
    contact: str = Field(pattern=r"^(https://|mailto:)\S+$", description="where faults of the data are told")
    cpu_hours: float = Field(ge=0, description="what the stages up to the plans take")
