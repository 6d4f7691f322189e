"""The picture that explains a transfer, as a file."""

from __future__ import annotations

from pathlib import Path

from paletteot.errors import ParamsError
from paletteot.transfer.options import Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.run import Transfer

SUFFIXES = (".png", ".jpg", ".jpeg")


def check(file: Path) -> None:
    """Raise ParamsError for a suffix that it is not written as."""
    if file.suffix.lower() not in SUFFIXES:
        raise ParamsError(f"--explain must end in one of {', '.join(SUFFIXES)}, but is {file}")


def write(file: Path, photo: Photo, other: Photo, made: Transfer, options: Options) -> None:
    """Draw A, B, the result, both palettes and the plan between them."""
    raise NotImplementedError
