"""Swatches for other programs: JSON, GIMP palettes and Adobe Swatch Exchange."""

from __future__ import annotations

import json
import struct

from paletteot.swatches.sheet import Sheet

COLUMNS = 8
"""Swatches that GIMP shows in a row."""
GROUP, GROUP_END, COLOUR = 0xC001, 0xC002, 0x0001
"""Kinds of ASE blocks."""
NORMAL = 2
"""ASE's colour type of what is neither a global nor a spot colour."""


def as_json(sheet: Sheet) -> bytes:
    """Return JSON: the picture's name, k, and hex, rgb, lab and weight of each colour, one on a line."""
    colours = ({"hex": one.hex, "rgb": one.rgb, "lab": one.lab, "weight": one.weight} for one in sheet.colours)
    rows = ",\n".join(f"    {json.dumps(one)}" for one in colours)
    name = json.dumps(sheet.name, ensure_ascii=False)
    return f'{{\n  "picture": {name},\n  "k": {sheet.k},\n  "colours": [\n{rows}\n  ]\n}}\n'.encode()


def as_gpl(sheet: Sheet) -> bytes:
    """Return a GIMP palette, which Inkscape and Krita read too (https://developer.gimp.org/core/standards/gpl)."""
    rows = ["{:3} {:3} {:3}\t{} {}".format(*one.rgb, one.hex, one.share) for one in sheet.colours]
    return ("\n".join(["GIMP Palette", f"Name: {sheet.name}", f"Columns: {COLUMNS}", "#", *rows]) + "\n").encode()


def as_ase(sheet: Sheet) -> bytes:
    """Return Adobe Swatch Exchange 1.0: one group with the picture's name, its colours in RGB as floats from 0 to 1.

    Adobe has published no description; this follows http://iamacamera.org/default.aspx?id=109, by Carl Camera.
    """
    colours = (
        _name(f"{one.hex} {one.share}") + b"RGB " + struct.pack(">3fH", *(byte / 255 for byte in one.rgb), NORMAL)
        for one in sheet.colours
    )
    blocks = [_block(GROUP, _name(sheet.name)), *(_block(COLOUR, one) for one in colours), _block(GROUP_END, b"")]
    return b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    return struct.pack(">HI", kind, len(body)) + body


def _name(text: str) -> bytes:
    """Return a name and its null in UTF-16, after the number of 16-bit units of both."""
    encoded = f"{text}\0".encode("utf-16-be")
    return struct.pack(">H", len(encoded) // 2) + encoded
