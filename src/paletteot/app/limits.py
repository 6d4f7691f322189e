"""What the page takes, so that one visitor does not take it from the others."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image

from paletteot.errors import DataError
from paletteot.images.decode import FORMATS

MOST_MEGABYTES = 40
MOST_MEGAPIXELS = 40


def check(path: Path, name: str) -> None:
    """Look at a picture's file before it is opened; name: what messages call it.

    Raises DataError, one line, where it is no file, empty, or too large; what else is wrong is found on opening it.
    """
    if path.is_dir():
        raise DataError(f"{name}: must be a picture, but is a folder")
    if not path.is_file():
        raise DataError(f"{name}: is no longer here; choose it again")
    size = path.stat().st_size
    if not size:
        raise DataError(f"{name}: must be a picture, but is an empty file")
    if size > MOST_MEGABYTES << 20:
        raise DataError(f"{name}: must have at most {MOST_MEGABYTES} MB, but is larger")
    check_pixels(_size(path), name)


def check_pixels(size: tuple[int, int], name: str) -> None:
    """Raise DataError for a picture of more than MOST_MEGAPIXELS; size: its width and height."""
    width, height = size
    if width * height > MOST_MEGAPIXELS * 10**6:
        raise DataError(
            f"{name}: must have at most {MOST_MEGAPIXELS} megapixels, but is {width} x {height}; "
            "`paletteot transfer` takes larger ones"
        )


def _size(path: Path) -> tuple[int, int]:
    """Return width and height as the file's header says, which reads no pixel; 0 where it says nothing."""
    Image.init()
    known = [name for name in FORMATS if name in Image.OPEN]
    try:
        # Pillow warns of sizes, which are judged here.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=known) as image:
            return image.size
    except Image.DecompressionBombError:
        raise DataError(f"{path.name}: must have at most {MOST_MEGAPIXELS} megapixels, but has far more") from None
    except Exception:  # a damaged file raises anything; opening it says in one line what is wrong
        return 0, 0
