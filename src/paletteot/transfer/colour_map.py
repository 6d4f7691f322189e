"""The map that moves any colour as the palette's atoms move."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from paletteot.arithmetic.vector import exp
from paletteot.compiled import njit
from paletteot.lab import Array
from paletteot.transfer import gamut
from paletteot.transfer.options import Method
from paletteot.workers import cores

BLOCK = 1 << 14
"""Colours that a thread moves at a time: few enough that what they need stays in its cache."""


@dataclass(frozen=True)
class ColourMap:
    """A map of CIELAB into sRGB's part of it.

    smooth: p -> p + sum_i w_i (t_i - x_i) with w_i proportional to a_i exp(-|p - x_i|^2 / (2 sigma^2)); hard: p -> t_i
    of the nearest x_i. What leaves sRGB is compressed in chroma (`gamut`).

    x: (k, 3) atoms, CIELAB. a: (k,) their weights, positive. t: (k, 3) where they go. sigma: LAB units. strength,
    keep_luminance: as `Options` has them. reach: the farthest that a colour leaves sRGB by (`gamut.reach`), which
    `fitted` finds. colourless: whether B has no colours, so that nothing is to be left of A's.
    """

    x: Array
    a: Array
    t: Array
    method: Method = "smooth"
    sigma: float = 8.0
    strength: float = 1.0
    keep_luminance: bool = False
    reach: float = 0.0
    colourless: bool = False
    workers: int = field(default_factory=cores, compare=False)

    def __call__(self, lab: Array) -> Array:
        """Return where colours (..., 3) CIELAB go, float64 of the same shape; all inside of sRGB."""
        return self._each(lab, self.reach)

    def freely(self, lab: Array) -> Array:
        """Return where colours (..., 3) go before what leaves sRGB is compressed."""
        return self._each(lab, -1.0)

    def fitted(self, colours: Array) -> ColourMap:
        """Return the map with the reach of these colours (n, 3) CIELAB, a picture's."""
        return replace(self, reach=gamut.reach(self.freely(colours), keep_luminance=self.keep_luminance))

    def _each(self, lab: Array, reach: float) -> Array:
        colours = np.ascontiguousarray(lab, dtype=np.float64).reshape(-1, 3)
        out = np.empty_like(colours)
        atoms = np.ascontiguousarray(np.concatenate([self.x, self.a[:, None], self.t, self.t - self.x], axis=1).T)

        def one(rows: slice) -> None:
            given, moved = colours[rows], out[rows]
            if self.method == "smooth":
                _smooth(given, atoms, 1.0 / (2.0 * self.sigma**2), moved)
            else:
                _hard(given, atoms, moved)
            if self.colourless:
                moved[:, 1:] = 0.0
            if self.strength != 1.0:
                moved[:] = given + self.strength * (moved - given)
            if self.keep_luminance:
                moved[:, 0] = given[:, 0]
            if reach >= 0.0:
                moved[:] = gamut.compress(moved, reach, keep_luminance=self.keep_luminance)

        blocks = [slice(first, first + BLOCK) for first in range(0, len(colours), BLOCK)]
        if len(blocks) == 1 or self.workers == 1:
            for rows in blocks:
                one(rows)
        else:
            with ThreadPoolExecutor(self.workers) as pool:
                list(pool.map(one, blocks))
        return out.reshape(np.shape(lab))


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth(colours: Array, atoms: Array, scale: float, out: Array) -> None:  # pragma: no cover - compiled
    k = atoms.shape[1]
    weights = np.empty(k)
    for n in range(len(colours)):
        p, q, r = colours[n, 0], colours[n, 1], colours[n, 2]
        least = np.inf
        for i in range(k):
            square = (p - atoms[0, i]) ** 2 + (q - atoms[1, i]) ** 2 + (r - atoms[2, i]) ** 2
            weights[i] = square
            least = min(least, square)
        for i in range(k):
            weights[i] = atoms[3, i] * exp((least - weights[i]) * scale)
        total, l, a, b = 0.0, 0.0, 0.0, 0.0
        for i in range(k):
            total += weights[i]
            l += weights[i] * atoms[7, i]
            a += weights[i] * atoms[8, i]
            b += weights[i] * atoms[9, i]
        out[n, 0], out[n, 1], out[n, 2] = p + l / total, q + a / total, r + b / total


@njit(cache=True, nogil=True, error_model="numpy")
def _hard(colours: Array, atoms: Array, out: Array) -> None:  # pragma: no cover - compiled
    for n in range(len(colours)):
        p, q, r = colours[n, 0], colours[n, 1], colours[n, 2]
        nearest, least = 0, np.inf
        for i in range(atoms.shape[1]):
            square = (p - atoms[0, i]) ** 2 + (q - atoms[1, i]) ** 2 + (r - atoms[2, i]) ** 2
            if square < least:
                nearest, least = i, square
        out[n, 0], out[n, 1], out[n, 2] = atoms[4, nearest], atoms[5, nearest], atoms[6, nearest]
