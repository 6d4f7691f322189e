"""Text in pictures, in the one font that Pillow brings: what it can show, what fits, and in how many lines."""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
NONE = "\uffff"
"""No character; fonts show their box for it."""


@cache
def font(size: int) -> Font:
    """Return the font at a size, pixels."""
    return ImageFont.load_default(size)


def legible(text: str) -> str:
    """Return a text on one line that the font has letters for: accents taken off, and ? for what else it lacks."""
    plain = unicodedata.normalize("NFKD", " ".join(text.split()))
    return "".join(one if _shown(one) else "?" for one in plain if not unicodedata.combining(one))


@cache
def _shown(letter: str) -> bool:
    if letter == " ":
        return True
    large = font(40)
    return letter.isprintable() and bytes(large.getmask(letter)) != bytes(large.getmask(NONE))


def shortened(text: str, size: int, width: float) -> str:
    """Return a legible text, cut to a width in pixels, its end kept, where a file's name says of what kind it is."""
    whole = legible(text)
    if font(size).getlength(whole) <= width:
        return whole
    for kept in range(len(whole), 0, -1):
        cut = f"{whole[: kept - kept // 3]}…{whole[len(whole) - kept // 3 :]}"
        if font(size).getlength(cut) <= width:
            return cut
    return ""


def wrapped(text: str, size: int, width: float, lines: int) -> str:
    """Return a legible text broken between words into at most so many lines of a width, pixels, the last shortened."""
    words, made = legible(text).split(), [""]
    while words:
        longer = f"{made[-1]} {words[0]}".strip()
        if made[-1] and font(size).getlength(longer) > width:
            if len(made) == lines:
                made[-1] = " ".join([made[-1], *words])
                break
            longer = words[0]
            made.append("")
        made[-1] = longer
        words = words[1:]
    return "\n".join(shortened(line, size, width) for line in made)
