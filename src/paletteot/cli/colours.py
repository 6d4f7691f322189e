"""Look at the colours of one photograph."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from paletteot.cli.outputs import check_out
from paletteot.errors import DataError, ParamsError

LEAST, MOST = 2, 1024
"""Legal k, as in params.yaml."""
LONG_SIDE, SAMPLE, REFINEMENTS = 512, 8000, 6
"""As the pipeline has them in params.yaml, which a user's folder has not."""


def palette(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="any photograph")],
    k: Annotated[int, typer.Option(help=f"colours, {LEAST} to {MOST}")] = 16,
    out: Annotated[
        list[Path] | None, typer.Option("--out", "-o", metavar="FILE", help=".png, .json, .gpl or .ase; repeatable")
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the clustering", min=0)] = 2,
) -> None:
    """Print the palette of a photograph as swatches, and write it as a picture, JSON, .gpl or .ase."""
    import paletteot.palettes as palettes
    import paletteot.swatches as swatches
    from paletteot.files import write_bytes
    from paletteot.images.decode import decode
    from paletteot.images.render import render
    from paletteot.images.source import Picture

    if not LEAST <= k <= MOST:
        raise ParamsError(f"--k must be {LEAST} to {MOST}, but is {k}")
    for file in out or []:
        _check(file, photo, list(swatches.FORMATS))
    try:
        content = photo.read_bytes()
    except OSError as error:
        raise DataError(f"{photo}: cannot be read: {error.strerror}") from None
    whole = Picture(photo.stem, "", "", "", "", str(photo))
    pixels, _ = render(decode(content, str(photo)), whole, LONG_SIDE)
    made = palettes.palette(pixels, k=k, sample=SAMPLE, refinements=REFINEMENTS, seed=seed)
    sheet = swatches.sheet(made, photo.name)
    width = shutil.get_terminal_size().columns
    typer.echo(swatches.as_text(sheet, colour=swatches.in_colour(), width=width))
    for file in out or []:
        write_bytes(file, swatches.FORMATS[file.suffix.lower()](sheet))


def _check(file: Path, photo: Path, suffixes: list[str]) -> None:
    """Raise ParamsError for what cannot or must not be written, before any work is done."""
    if file.suffix.lower() not in suffixes:
        raise ParamsError(f"--out must end in one of {', '.join(suffixes)}, but is {file}")
    check_out(file, [photo])
