"""What strangers may write of themselves, and when two names are the same name."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

from paletteot.warmstarts.contract import family

LONGEST_NAME = 80

_TOGETHER = {"HIRAGANA": "CJK", "KATAKANA": "CJK", "HANGUL": "CJK", "BOPOMOFO": "CJK"}
"""Scripts that are written together with another."""


def typed(text: str) -> str:
    """Return text that shows as it was typed: no line ends, control or direction characters, no space at its ends."""
    if not text.isprintable() or text != text.strip():
        raise ValueError("must be one line of printable characters, without spaces at its ends")
    return text


def one_script(text: str) -> str:
    """Return a name whose letters are of one script: a Cyrillic а among Latin letters reads like another's name."""
    if len(found := scripts(text)) > 1:
        raise ValueError(f"must be written in one script, but has letters of {' and '.join(found)}")
    return text


def scripts(text: str) -> list[str]:
    """Return the scripts of the letters of a text after NFKC, by the first word of each letter's Unicode name."""
    letters = (letter for letter in unicodedata.normalize("NFKC", text) if letter.isalpha())
    words = (unicodedata.name(letter, "AN UNNAMED SCRIPT").split()[0].split("-")[0] for letter in letters)
    return sorted({_TOGETHER.get(word, word) for word in words})


def folded(name: str) -> str:
    """Return a name without what the eye does not tell apart: case, width and composition of its characters."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def is_taken(name: str, taken: Collection[str]) -> bool:
    """Return whether a name, seed or not, reads like one of those that are taken."""
    return folded(family(folded(name))) in {folded(one) for one in taken}


def url(text: str) -> str:
    """Return an address of http or https."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in text:
        raise ValueError("must be an http or https URL")
    return text


def bounded(longest: int) -> StringConstraints:
    """Return what holds a text to a length, 1 to longest."""
    return StringConstraints(strict=True, min_length=1, max_length=longest)


Name = Annotated[str, bounded(LONGEST_NAME), AfterValidator(typed), AfterValidator(one_script)]
Person = Annotated[str, bounded(LONGEST_NAME), AfterValidator(typed)]
Line = Annotated[str, StringConstraints(strict=True, max_length=500), AfterValidator(typed)]
Seconds = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False, strict=True)]
