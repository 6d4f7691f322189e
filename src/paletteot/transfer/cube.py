"""3D look-up tables as photo and film programs read them (Adobe, Cube LUT Specification 1.0, 2013).

Input and output are gamma-encoded sRGB from 0 to 1: a table for pictures as they are displayed, and not for the linear
or logarithmic colours of a camera. What such a program calls sRGB, Rec. 709 display or "no input transform" is right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import paletteot.lab as cielab
from paletteot.compiled import njit
from paletteot.errors import DataError
from paletteot.files import write_text
from paletteot.lab import Array

Levels = NDArray[Any]
SIZES = (17, 33, 65)
"""Sizes that are written: what other programs take."""
DEFAULT_SIZE = 33
SMALLEST, LARGEST = 2, 256
"""Sizes that the specification allows, and that are read."""
LONGEST_TITLE = 200
"""Characters; the specification allows lines of 250 bytes."""
KEYWORDS = ("TITLE", "LUT_3D_SIZE", "DOMAIN_MIN", "DOMAIN_MAX", "LUT_3D_INPUT_RANGE")
"""What a line may begin with, but for numbers; the last is DaVinci Resolve's way to give one domain for all three."""


@dataclass(frozen=True)
class Cube:
    """A 3D look-up table.

    table: (n, n, n, 3) float64 sRGB, indexed by red, green and blue. low, high: (3,) the domain of the input.
    Raises DataError naming the field and what is legal.
    """

    table: Array
    title: str = ""
    low: tuple[float, float, float] = (0.0, 0.0, 0.0)
    high: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        shape, n = self.table.shape, len(self.table)
        if shape != (n, n, n, 3) or not SMALLEST <= n <= LARGEST:
            raise DataError(f"table: must have shape (n, n, n, 3) with n from {SMALLEST} to {LARGEST}, but has {shape}")
        if not np.isfinite(self.table).all():
            raise DataError("table: must be finite, but holds NaN or infinity")
        if not all(math.isfinite(high - low) and low < high for low, high in zip(self.low, self.high, strict=True)):
            raise DataError(f"domain: each minimum must be below its maximum, but they are {self.low} and {self.high}")

    @property
    def size(self) -> int:
        """Points along an edge."""
        return len(self.table)

    def apply(self, pixels: Levels) -> Levels:
        """Return a picture (h, w, 3) uint8 or uint16 sRGB with the table's colours, of the same shape and dtype.

        By tetrahedral interpolation, as grading programs do, which keeps the greys of a table that keeps them; what
        lies outside of the domain counts as its edge. Takes no memory but the result's. Raises DataError for another
        shape or dtype.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.uint16):
            raise DataError(f"pixels: must be (h, w, 3) uint8 or uint16, but are {pixels.shape} {pixels.dtype}")
        top = int(np.iinfo(pixels.dtype).max)
        low, high = np.array(self.low)[:, None], np.array(self.high)[:, None]
        places = np.clip((np.arange(top + 1) / top - low) / (high - low), 0, 1) * (self.size - 1)
        cells = np.minimum(places.astype(np.int64), self.size - 2)
        out = np.empty(pixels.shape, dtype=pixels.dtype)
        _tetrahedral(pixels, np.ascontiguousarray(self.table), cells, places - cells, float(top), out)
        return out


@njit(cache=True, nogil=True, error_model="numpy")
def _tetrahedral(
    pixels: Levels, table: Array, cells: Levels, shares: Array, top: float, out: Levels
) -> None:  # pragma: no cover - compiled
    for row in range(pixels.shape[0]):
        for column in range(pixels.shape[1]):
            r, g, b = pixels[row, column, 0], pixels[row, column, 1], pixels[row, column, 2]
            i, j, k = cells[0, r], cells[1, g], cells[2, b]
            x, y, z = shares[0, r], shares[1, g], shares[2, b]
            # From the corner at 0 along the axis of the largest share, then of the middle one, to the opposite corner.
            r1, g1, b1, r2, g2, b2 = 0, 0, 0, 1, 1, 1
            if x >= y:
                if y >= z:
                    r1, b2 = 1, 0
                elif x >= z:
                    r1, g2 = 1, 0
                else:
                    b1, g2 = 1, 0
            elif x >= z:
                g1, b2 = 1, 0
            elif y >= z:
                g1, r2 = 1, 0
            else:
                b1, r2 = 1, 0
            first, last = max(max(x, y), z), min(min(x, y), z)
            middle = max(min(x, y), min(max(x, y), z))
            for c in range(3):
                value = (1.0 - first) * table[i, j, k, c] + last * table[i + 1, j + 1, k + 1, c]
                value += (first - middle) * table[i + r1, j + g1, k + b1, c]
                value += (middle - last) * table[i + r2, j + g2, k + b2, c]
                out[row, column, c] = np.int64(np.floor(top * min(max(value, 0.0), 1.0) + 0.5))


def sampled(move: Callable[[Array], Array], size: int = DEFAULT_SIZE, title: str = "") -> Cube:
    """Return a map of colours as a table.

    move: from CIELAB (n, 3) to CIELAB (n, 3). size: 17, 33 or 65. The table's colours are rounded to 16 bits. Raises
    DataError for another size, and where the map gives NaN.
    """
    if size not in SIZES:
        raise DataError(f"size: must be one of {', '.join(map(str, SIZES))}, but is {size}")
    axis = np.rint(np.linspace(0, 65535, size)).astype(np.uint16)
    lattice = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    lab = np.asarray(move(cielab.from_srgb(lattice).reshape(-1, 3)), dtype=np.float64)
    if not np.isfinite(lab).all():
        raise DataError("move: must give finite colours, but gives NaN or infinity")
    return Cube(cielab.to_srgb(lab, np.uint16).reshape(lattice.shape) / 65535, title)


def write(path: Path, cube: Cube) -> None:
    """Write a table with six decimals, whole or not at all; its title on one line of ASCII."""
    title = " ".join(cube.title.encode("ascii", "replace").decode().replace('"', "'").split())
    legal = "".join(letter for letter in title if letter.isprintable())[:LONGEST_TITLE]
    head = [f'TITLE "{legal}"', "# sRGB in, sRGB out, both gamma-encoded", f"LUT_3D_SIZE {cube.size}"]
    for name, ends in (("MIN", cube.low), ("MAX", cube.high)):
        head.append(f"DOMAIN_{name} {' '.join(str(float(end)) for end in ends)}")
    rows = cube.table.transpose(2, 1, 0, 3).reshape(-1, 3).tolist()  # red changes fastest
    write_text(path, "\n".join(head) + "\n" + "".join(f"{r:.6f} {g:.6f} {b:.6f}\n" for r, g, b in rows))


def read(path: Path) -> Cube:
    """Read a table of any legal size and domain.

    Comments, empty lines, every kind of line end and a byte order mark are read over. Raises DataError with the file,
    the line and what is legal where it is no 3D table, OSError where it cannot be read.
    """
    return _Reader(path).cube()


class _Reader:
    """What has been read of a file so far."""

    def __init__(self, path: Path) -> None:
        self.path, self.line, self.title = path, 0, ""
        self.size, self.rows, self.table = 0, 0, np.empty((0, 3))
        self.low, self.high = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)

    def cube(self) -> Cube:
        for words in self._lines():
            if words[0] in KEYWORDS:
                self._keyword(words)
            elif words[0] in ("LUT_1D_SIZE", "LUT_1D_INPUT_RANGE"):
                raise self._wrong("a 3D table, LUT_3D_SIZE, is needed, but this is a 1D one")
            elif words[0][0].isalpha() and not words[0].lower().startswith(("nan", "inf")):
                raise self._wrong(f"must be three numbers or one of {', '.join(KEYWORDS)}, but is {words[0][:40]!r}")
            else:
                self._row(words)
        size = self.size
        if self.rows < len(self.table) or not size:
            needs = f"{len(self.table)} colours after LUT_3D_SIZE {size}" if size else "LUT_3D_SIZE and its colours"
            raise DataError(f"{self.path}: must hold {needs}, but ends after {self.rows} in line {self.line}")
        table = self.table.reshape(size, size, size, 3).transpose(2, 1, 0, 3)
        try:
            return Cube(np.ascontiguousarray(table), self.title, self.low, self.high)
        except DataError as error:
            raise DataError(f"{self.path}: {error}") from None

    def _lines(self) -> Iterator[list[str]]:
        """Give the words of each line that has any, without comments; the title as one word."""
        with self.path.open(encoding="utf-8-sig", errors="replace") as file:
            for self.line, text in enumerate(file, start=1):
                if text.lstrip().startswith("TITLE"):
                    yield ["TITLE", text.strip().removeprefix("TITLE").strip().strip('"')]
                elif words := text.partition("#")[0].split():
                    yield words

    def _keyword(self, words: list[str]) -> None:
        name, given = words[0], words[1:]
        if name == "TITLE":
            self.title = given[0]
        elif name == "LUT_3D_SIZE":
            text = " ".join(given)[:40]
            size = int(text) if re.fullmatch("0*[0-9]{1,3}", text, re.ASCII) else 0
            if not SMALLEST <= size <= LARGEST:
                raise self._wrong(f"LUT_3D_SIZE must be a whole number from {SMALLEST} to {LARGEST}, but is {text!r}")
            if self.size:
                raise self._wrong("LUT_3D_SIZE must stand once, but stands again")
            self.size, self.table = size, np.empty((size**3, 3))
        elif name == "LUT_3D_INPUT_RANGE":
            low, high = self._numbers(given, name, 2)
            self.low, self.high = (low, low, low), (high, high, high)
        else:
            first, second, third = self._numbers(given, name, 3)
            setattr(self, "low" if name == "DOMAIN_MIN" else "high", (first, second, third))

    def _row(self, words: list[str]) -> None:
        if not self.size:
            raise self._wrong("LUT_3D_SIZE must stand before the colours, but does not")
        if self.rows == len(self.table):
            raise self._wrong(f"must be the end after {self.rows} colours, but more follow")
        self.table[self.rows] = self._numbers(words, "a colour", 3)
        self.rows += 1

    def _numbers(self, words: list[str], name: str, count: int) -> list[float]:
        try:
            found = [float(word) for word in words if "_" not in word]  # which Python takes in numbers
        except ValueError:
            found = []
        if len(found) != count or len(words) != count or not all(map(math.isfinite, found)):
            raise self._wrong(f"{name} must be {count} finite numbers, but is {' '.join(words)[:40]!r}")
        return found

    def _wrong(self, what: str) -> DataError:
        return DataError(f"{self.path}, line {self.line}: {what}")
