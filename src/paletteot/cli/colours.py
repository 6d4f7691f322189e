"""Look at the colours of one photograph."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from paletteot.errors import DataError, ParamsError

LONG_SIDE = 512
"""Pixels that a photograph is brought to before its colours are clustered, as the pipeline does."""


def palette(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="any photograph")],
    k: Annotated[int, typer.Option(help="colours", min=2, max=1024)] = 12,
    out: Annotated[
        list[Path] | None, typer.Option("--out", "-o", help="FILE.png, .json, .gpl or .ase; repeatable")
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the clustering", min=0)] = 2,
) -> None:
    """Print the palette of a photograph as swatches, and write it as a picture, JSON, .gpl or .ase."""
    from paletteot import palettes, swatches
    from paletteot.files import replacing
    from paletteot.images.decode import decode
    from paletteot.images.render import render
    from paletteot.images.source import Picture

    for file in out or []:
        if file.suffix.lower() not in swatches.FORMATS:
            raise ParamsError(f"--out must end in one of {', '.join(swatches.FORMATS)}, but is {file}")
        if file.is_dir() or (file.exists() and photo.exists() and file.samefile(photo)):
            raise ParamsError(f"--out must be a file other than the photograph, but is {file}")
    try:
        content = photo.read_bytes()
    except OSError as error:
        raise DataError(f"{photo}: cannot be read: {error.strerror}") from None
    whole = Picture(photo.stem, "", "", "", "", str(photo))
    pixels, _ = render(decode(content, str(photo)), whole, LONG_SIDE)
    made = palettes.palette(pixels, k=k, sample=8000, refinements=6, seed=seed)
    colours = swatches.swatches(made)
    typer.echo(swatches.as_text(colours, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    for file in out or []:
        with replacing(file) as fresh:
            fresh.write_bytes(swatches.FORMATS[file.suffix.lower()](colours, photo.name))
