"""Which contestants meet which splits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from paletteot.config.section import Section
from paletteot.splits import Judged


class Method(Section):
    """A contestant of the pipeline: what decides its answers, so that DVC judges it again when one of both changes."""

    code: str = Field(min_length=1, description="the file that declares it")
    reads: str = Field(min_length=1, description="its weights or its data; its code once more where it reads nothing")

    @property
    def file(self) -> Path | None:
        """What it reads, or None."""
        return None if self.reads == self.code else Path(self.reads)


class Newton(Section):
    """Track C: starts in front of damped Newton."""

    methods: tuple[str, ...] = Field(description="contestants, without a seed")
    splits: tuple[Judged, ...]


Problems = dict[Judged, Annotated[int, Field(ge=0)]]
"""Number of problems of each split, from the first; whole batches."""


class Evaluate(Section):
    """Which contestants meet which splits."""

    methods: dict[str, Method] = Field(min_length=1, description="contestants, by name or name-seed")
    splits: Problems = Field(min_length=1, description="Track A")
    accelerated: Problems = Field(description="Track B")
    relaxed: Problems = Field(description="Track B under the relaxed iterations: no more than accelerated")
    ladder: Problems = Field(description="Track A to several stops")
    only_track_a: tuple[str, ...] = Field(description="contestants that accelerate inside their start")
    newton: Newton
    batch: int = Field(ge=1, description="problems a contestant is given at a time")
