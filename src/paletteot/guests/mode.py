"""Whether a sandbox is asked for: a word of its own, as commands offer it before they import anything."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """Whether code from outside runs in a sandbox: where there is one, nowhere else, or never."""

    AUTO = "auto"
    REQUIRED = "required"
    NONE = "none"
