"""Files that a visitor takes along: the picture, the LUT, both palettes."""

from __future__ import annotations

import zipfile
from pathlib import Path

from paletteot.app import scratch, studio
from paletteot.swatches import FORMATS, sheet
from paletteot.transfer import cube
from paletteot.transfer.options import Options

DATE = (2000, 1, 1, 0, 0, 0)
"""Of what is in an archive, so that the same palettes are the same bytes."""


def picture(source: Path, target: Path, options: Options) -> Path:
    """Write the whole first picture in the colours of the second as PNG, and return the file."""
    file = scratch.fresh(f"{_joined(source, target)}.png")
    studio.result(source, target, options).save(file)
    return file


def lut(source: Path, target: Path, options: Options) -> Path:
    """Write the map as a 3D LUT, and return the file."""
    file = scratch.fresh(f"{_joined(source, target)}.cube")
    title = f"{source.name} in the colours of {target.name}"
    cube.write(file, cube.sampled(studio.look(source, target, options).map, title=title))
    return file


def palettes(source: Path, target: Path, options: Options) -> Path:
    """Write both palettes in every format that there is into one archive, and return the file."""
    look = studio.look(source, target, options)
    file = scratch.fresh(f"{_joined(source, target)}_palettes.zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for letter, one, palette in (("A", source, look.source), ("B", target, look.target)):
            for suffix, written in FORMATS.items():
                inside = zipfile.ZipInfo(f"{letter}_{one.stem}{suffix}", DATE)
                archive.writestr(inside, written(sheet(palette, one.name)))
    return file


def _joined(source: Path, target: Path) -> str:
    return f"{source.stem[:60]}_as_{target.stem[:60]}"
