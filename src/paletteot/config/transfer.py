"""The comparison of colour transfers, and the examples that are shown."""

from __future__ import annotations

from pydantic import Field

from paletteot.config.section import Section


class TransferParams(Section):
    """Which pairs meet, and who is asked."""

    content: int = Field(ge=0)
    random: int = Field(ge=1)
    sigmas: tuple[float, ...] = Field(min_length=1)
    peers: tuple[str, ...]
    shown: int = Field(ge=1, le=12)
    seed: int = Field(ge=0)


class DemoParams(Section):
    """The pairs of the demo, A and B by their image_id; none means the first of test_unseen."""

    pairs: tuple[tuple[str, str], ...] = Field(max_length=9)
