"""The folder that holds what visitors send and get, for as long as the page is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

VARIABLE = "GRADIO_TEMP_DIR"
"""Where gradio looks for it, when it is imported."""


@contextmanager
def scratch() -> Iterator[Path]:
    """Give gradio, which must not have been imported before, a folder; all that is in it goes when the block ends."""
    before = os.environ.get(VARIABLE)
    with TemporaryDirectory(prefix="paletteot-", ignore_cleanup_errors=True) as folder:
        os.environ[VARIABLE] = folder
        try:
            yield Path(folder)
        finally:
            os.environ.pop(VARIABLE)
            if before is not None:
                os.environ[VARIABLE] = before


def fresh(name: str) -> Path:
    """Return a file of this name that is not there yet, in a folder of its own inside that folder."""
    return Path(mkdtemp(dir=os.environ.get(VARIABLE))) / name


def forget(file: Path) -> None:
    """Remove a file that was sent; one that lies elsewhere stays."""
    folder = os.environ.get(VARIABLE)
    if folder and file.resolve().is_relative_to(Path(folder).resolve()):
        file.unlink(missing_ok=True)
