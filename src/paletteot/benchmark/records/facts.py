"""What a record says of itself: who was judged, in which version, on what, where and when."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from paletteot.benchmark.records.words import Line, Name, Seconds
from paletteot.benchmark.schema import Track
from paletteot.files import sha256_of
from paletteot.splits import Judged


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Claim(_Said):
    """What nobody measured here: seconds of one start, and what on."""

    seconds: Seconds
    hardware: Line


class Terms(_Said):
    """What rows must share to be compared: version of the data, DVC's hash of the plans, and the transport problem."""

    data_version: str = Field(pattern=r"^\d+\.\d+\.\d+$")
    plans_dvc_hash: Line
    transport: dict[str, float]


class Measured(_Said):
    """When, where and with which code it was judged. sandbox: what kept the contestant apart, empty for our own."""

    at: AwareDatetime
    hardware: Line
    code_commit: Line
    sandbox: Line = ""


class RecordFacts(_Said):
    """What a record says of itself.

    by: who made the contestant, empty for this package's own. link, summary, citation: where and how it says what it
    does. learned, kernel_only: whether it knows something from data, and whether it makes passes over the kernel only;
    null where nobody here can know. tracks, splits: under and on which it was judged. submitted: SHA-256 of its files
    by their names, and entry: what in them. version: of those, which any change of them changes. claimed: of one whose
    start was not run here. files: SHA-256 of the record's own, by their names.
    """

    name: Name
    by: tuple[Line, ...] = ()
    link: Line = ""
    summary: Line = ""
    citation: Line = ""
    learned: bool | None = None
    kernel_only: bool | None = None
    tracks: tuple[Track, ...] = Field(min_length=1)
    splits: tuple[Judged, ...] = Field(min_length=1)
    terms: Terms
    submitted: dict[str, str]
    entry: Line = ""
    version: str = Field(pattern=r"^[0-9a-f]{12}$")
    claimed: Claim | None = None
    measured: Measured
    files: dict[str, str] = {}

    @model_validator(mode="after")
    def _version_names_the_code(self) -> Self:
        if self.version != (found := version_of(self.submitted, self.entry)):
            raise ValueError(f"version must be {found}, that of the files it names, but is {self.version}")
        return self

    @property
    def place(self) -> Path:
        """Where the record of a guest lies, METHOD/VERSION/DATA_VERSION/SPLIT."""
        return Path(method_folder(self.name), self.version, self.terms.data_version, "-".join(self.splits))

    def against(self, terms: Terms) -> str:
        """Return why its rows cannot be compared with those made under other terms, '' where they can."""
        for field in Terms.model_fields:
            ours, wanted = getattr(self.terms, field), getattr(terms, field)
            if ours != wanted:
                return f"{field} must be {_short(wanted)}, the project's, but is {_short(ours)}"
        return ""


def version_of(hashes: Mapping[str, str], entry: str) -> str:
    """Return twelve hex digits that any change of a file, of its name, or of the entry changes.

    hashes: SHA-256 of files by their names. entry: the class in them, or ''.
    """
    return sha256_of(json.dumps([sorted(hashes.items()), entry]).encode())[:12]


def method_folder(name: str) -> str:
    """Return a folder name for a contestant's name, whatever was typed: its letters and digits, and a hash of it."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:40]
    return f"{slug or 'submission'}-{sha256_of(name.encode())[:8]}"


def _short(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 100 else f"{text[:100]}…"
