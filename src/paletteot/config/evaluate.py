"""Which contestants meet which splits."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from paletteot.config.section import Section
from paletteot.splits import Judged


class Newton(Section):
    """Track C: starts in front of damped Newton."""

    methods: tuple[str, ...] = Field(description="contestants, without a seed")
    splits: tuple[Judged, ...]


Problems = dict[Judged, Annotated[int, Field(ge=0)]]
"""Number of problems of each split, from the first; whole batches."""


class Evaluate(Section):
    """Which contestants meet which splits."""

    methods: dict[str, str] = Field(min_length=1, description="name -> the file it comes from: its weights or its code")
    splits: Problems = Field(min_length=1, description="Track A")
    accelerated: Problems = Field(description="Track B")
    relaxed: Problems = Field(description="Track B under the relaxed iterations: no more than accelerated")
    ladder: Problems = Field(description="Track A to several stops")
    only_track_a: tuple[str, ...] = Field(description="contestants that accelerate inside their start")
    newton: Newton
    batch: int = Field(ge=1, description="problems a contestant is given at a time")
