"""A palette as colours that people use: in the terminal, as a picture, and in the formats of drawing programs."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from skimage.color import lab2rgb

from paletteot.palettes import Palette

BAR = 24
"""Characters of the longest bar in the terminal."""


class Swatch(NamedTuple):
    """A colour: sRGB bytes, CIELAB, and its share of the pixels."""

    rgb: tuple[int, int, int]
    lab: tuple[float, float, float]
    weight: float

    @property
    def hex(self) -> str:
        """The colour as #rrggbb."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)


def swatches(palette: Palette) -> list[Swatch]:
    """Return the atoms of a palette that have weight, heaviest first; colours outside of sRGB are clipped."""
    on = palette.weights > 0
    lab = palette.centroids[on]
    rgb = np.rint(255 * np.clip(lab2rgb(lab[None])[0], 0, 1)).astype(int)
    return [
        Swatch((int(r), int(g), int(b)), (float(x[0]), float(x[1]), float(x[2])), float(weight))
        for (r, g, b), x, weight in zip(rgb, lab, palette.weights[on], strict=True)
    ]


def as_text(colours: Sequence[Swatch], *, colour: bool) -> str:
    """Return a line for each swatch: a bar as long as its share, hex and share; colour: with 24-bit ANSI colours."""
    most = max(one.weight for one in colours)
    lines = []
    for one in colours:
        length = max(1, round(BAR * one.weight / most))
        bar = f"\x1b[48;2;{one.rgb[0]};{one.rgb[1]};{one.rgb[2]}m{' ' * length}\x1b[0m" if colour else "#" * length
        lines.append(f"{one.hex}  {one.weight:6.1%}  {bar}")
    return "\n".join(lines)


def as_png(colours: Sequence[Swatch], name: str, *, width: int = 960, height: int = 160) -> bytes:  # noqa: ARG001
    """Return a PNG of bands as wide as the colours' shares, each at least one pixel."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    edges = np.concatenate([[0], np.cumsum([one.weight for one in colours])])
    edges = np.rint(edges / edges[-1] * width).astype(int)
    for one, left, right in zip(colours, edges, edges[1:], strict=False):
        draw.rectangle((int(left), 0, max(int(right) - 1, int(left)), height - 1), fill=one.rgb)
    buffer = BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def as_json(colours: Sequence[Swatch], name: str) -> bytes:
    """Return JSON: the picture's name, and hex, rgb, lab and weight of each colour."""
    listed = [{"hex": one.hex, "rgb": one.rgb, "lab": one.lab, "weight": one.weight} for one in colours]
    return (json.dumps({"picture": name, "colours": listed}, indent=2) + "\n").encode()


def as_gpl(colours: Sequence[Swatch], name: str) -> bytes:
    """Return a GIMP palette, which Inkscape and Krita read too (developer.gimp.org, GPL file format)."""
    rows = [f"{r:3d} {g:3d} {b:3d}\t{one.hex} {one.weight:.1%}" for one in colours for r, g, b in [one.rgb]]
    title = " ".join(name.split())
    return ("\n".join(["GIMP Palette", f"Name: {title}", "Columns: 8", "#", *rows]) + "\n").encode()


def as_ase(colours: Sequence[Swatch], name: str) -> bytes:  # noqa: ARG001
    """Return Adobe Swatch Exchange, version 1.0: a colour entry for each swatch, RGB as floats, big-endian."""
    blocks = []
    for one in colours:
        label = f"{one.hex} {one.weight:.1%}"
        body = struct.pack(">H", len(label) + 1) + f"{label}\0".encode("utf-16-be") + b"RGB "
        body += struct.pack(">3fH", *(value / 255 for value in one.rgb), 2)  # 2: a normal colour, not global or spot
        blocks.append(struct.pack(">HI", 1, len(body)) + body)
    return b"ASEF" + struct.pack(">HHI", 1, 0, len(blocks)) + b"".join(blocks)


FORMATS: dict[str, Callable[[Sequence[Swatch], str], bytes]] = {
    ".png": as_png, ".json": as_json, ".gpl": as_gpl, ".ase": as_ase,
}  # fmt: skip
"""What a palette can be written as, by the file's suffix."""
