"""Swatches in the terminal."""

from __future__ import annotations

import os
import sys

import numpy as np

from paletteot.swatches.sheet import Sheet, Swatch

BLOCK, GAP = 6, 3
"""Columns of a colour's block, and between the cells of a row."""
BAND = 2
"""Lines of the band above them."""


def in_colour() -> bool:
    """Return whether standard output is a terminal, and its user has not declined colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def as_text(sheet: Sheet, *, colour: bool, width: int) -> str:
    """Return the colours with hex and share, heaviest first: one on a line, or in 24-bit colour.

    In colour a band of the width, columns, divided by the shares, stands above rows of as many blocks as it holds.
    """
    if not colour:
        return "\n".join(f"{one.hex} {one.share:>7}" for one in sheet.colours)
    edges = np.rint(np.cumsum([0, *(one.weight for one in sheet.colours)]) * width).astype(int)
    band = "".join(_block(one, n) for one, n in zip(sheet.colours, np.diff(edges), strict=True) if n)
    cells = [f"{_block(one, BLOCK)} {one.hex} {one.share:>7}" for one in sheet.colours]
    across = max(1, (width + GAP) // (BLOCK + len(" #rrggbb 100.00%") + GAP))
    rows = [(" " * GAP).join(cells[first : first + across]) for first in range(0, len(cells), across)]
    return "\n".join([*[band] * BAND, "", *rows])


def _block(swatch: Swatch, columns: int) -> str:
    return "\x1b[48;2;{};{};{}m".format(*swatch.rgb) + " " * columns + "\x1b[0m"
