"""A palette as colours that people use: in the terminal, as a picture, and in the formats of drawing programs."""

from __future__ import annotations

from collections.abc import Callable

from paletteot.swatches.formats import as_ase, as_gpl, as_json
from paletteot.swatches.picture import as_png
from paletteot.swatches.sheet import Sheet, Swatch, sheet
from paletteot.swatches.terminal import as_text, in_colour

__all__ = ["FORMATS", "Sheet", "Swatch", "as_text", "in_colour", "sheet"]

FORMATS: dict[str, Callable[[Sheet], bytes]] = {".png": as_png, ".json": as_json, ".gpl": as_gpl, ".ase": as_ase}
"""What a palette can be written as, by the file's suffix."""
