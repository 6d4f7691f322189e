"""What a record says of itself: who was judged, in which version, where and when."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from paletteot.benchmark.submissions.said import Line, Name, Seconds
from paletteot.files import sha256_of
from paletteot.splits import Judged


class Claim(BaseModel):
    """What nobody measured here: seconds of one start, and what on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: Seconds
    hardware: Line


class Measured(BaseModel):
    """When, where, with which code and on which data it was judged, and under which protocol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: AwareDatetime
    hardware: Line
    code_commit: Line
    plans_dvc_hash: Line
    transport: dict[str, float]


class RecordFacts(BaseModel):
    """What a record says of itself.

    by: who made the contestant. link, summary: where and how it says what it does. tracks: under which it was judged.
    version: of what was judged, which any change of it changes. submitted: SHA-256 of its files by their names.
    claimed: of one whose start was not run here. files: SHA-256 of the record's own, by their names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    by: tuple[Line, ...] = Field(min_length=1)
    link: Line = ""
    summary: Line = ""
    tracks: tuple[Literal["A", "B"], ...] = Field(min_length=1)
    split: Judged
    data_version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    version: str = Field(pattern=r"^[0-9a-f]{12}$")
    submitted: dict[str, str]
    claimed: Claim | None = None
    measured: Measured
    files: dict[str, str] = {}

    @property
    def place(self) -> Path:
        """Where its record lies, METHOD/VERSION/DATA_VERSION/SPLIT."""
        return Path(method_folder(self.name), self.version, self.data_version, self.split)


def version_of(hashes: Mapping[str, str]) -> str:
    """Return twelve hex digits that any change of a file, or of its name, changes. hashes: SHA-256 by name."""
    return sha256_of(json.dumps(sorted(hashes.items())).encode())[:12]


def method_folder(name: str) -> str:
    """Return a folder name for a contestant's name, whatever was typed: its letters and digits, and a hash of it."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    return f"{slug or 'submission'}-{sha256_of(name.encode())[:8]}"
