"""A palette as a strip of colours in HTML, as wide as their shares."""

from __future__ import annotations

from html import escape

from paletteot.palettes import Palette
from paletteot.swatches import sheet

EMPTY = '<div class="strip empty"></div>'
"""The strip of a picture that is still missing."""
SHOWN = 0.002
"""Share below which a colour is too thin to be seen."""


def strip(palette: Palette, name: str) -> str:
    """Return a strip of a palette's colours, heaviest first; each says its hex digits and its share to a mouse."""
    found = sheet(palette, name)
    bars = "".join(
        f'<span style="flex:{1000 * one.weight:.2f};background:{one.hex}" title="{one.hex} {one.share}"></span>'
        for one in found.colours
        if one.weight >= SHOWN
    )
    count = len(found.colours)
    said = escape(f"Palette of {found.name}: {count} colour{'s' if count > 1 else ''}", quote=True)
    return f'<div class="strip" role="img" aria-label="{said}">{bars}</div>'
