"""The transport problem, and its labels."""

from __future__ import annotations

from pydantic import Field

from paletteot.config.section import Section


class Transport(Section):
    """The transport problem and the reference iteration (docs/protocol.md)."""

    eps: float = Field(gt=0, description="entropic regularisation, LAB units")
    atol: float = Field(gt=0, description="stop of the reference iteration: largest change of log v")
    max_iterations: int = Field(ge=1)


class PlansParams(Section):
    """The exact labels."""

    tolerance: float = Field(gt=0, le=1e-6, description="L1 marginal error of a label")
    shard_rows: int = Field(ge=1)
