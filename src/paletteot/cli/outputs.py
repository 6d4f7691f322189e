"""What an option that names a file to write may name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from paletteot.errors import ParamsError


def check_out(out: Path, inputs: Sequence[Path] = (), option: str = "--out") -> Path:
    """Return a file that may be written, before any work is done.

    inputs: files that are read, one of which it must not be. Raises ParamsError for one of them, for a folder or
    anything else that is no file, and for a place in something that is no folder.
    """
    if out.is_dir():
        raise ParamsError(f"{option} must be a file, but {out} is a folder")
    if out.exists() and not out.is_file():
        raise ParamsError(f"{option} must be a file, but {out} is a device or a pipe")
    for one in inputs:
        if out.exists() and one.exists() and out.samefile(one):
            raise ParamsError(f"{option} must not be {one}, which is read, but is {out}")
    for parent in out.parents:
        if parent.exists() and not parent.is_dir():
            raise ParamsError(f"{option} must be in a folder, but {parent} is none")
    return out
