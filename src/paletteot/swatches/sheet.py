"""CIELAB atoms become sRGB colours."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from skimage.color import lab2rgb

from paletteot.palettes import Palette


class Swatch(NamedTuple):
    """A colour: sRGB bytes, CIELAB (D65), and its share of the pixels."""

    rgb: tuple[int, int, int]
    lab: tuple[float, float, float]
    weight: float

    @property
    def hex(self) -> str:
        """The colour as #rrggbb."""
        return "#{:02x}{:02x}{:02x}".format(*self.rgb)

    @property
    def share(self) -> str:
        """Its share of the pixels in words, as 12.34%."""
        return f"{self.weight:.2%}"


@dataclass(frozen=True)
class Sheet:
    """The colours of a picture.

    name: the picture's, on one line of legal Unicode. k: atoms of its palette. colours: those that have weight,
    heaviest first; fewer than k where the picture has fewer.
    """

    name: str
    k: int
    colours: tuple[Swatch, ...]


def sheet(palette: Palette, name: str) -> Sheet:
    """Return the colours of a palette; those outside of sRGB are clipped. name: the picture's."""
    order = np.argsort(-palette.weights, kind="stable")
    kept = order[palette.weights[order] > 0]
    lab, weights = palette.centroids[kept], palette.weights[kept]
    with warnings.catch_warnings(action="ignore"):  # scikit-image warns of colours that it clips
        rgb = np.rint(255 * lab2rgb(lab[None])[0]).astype(int)
    swatches = [
        Swatch((r, g, b), (lightness, a_star, b_star), weight)
        for (r, g, b), (lightness, a_star, b_star), weight in zip(
            rgb.tolist(), lab.tolist(), weights.tolist(), strict=True
        )
    ]
    # The name of a file may hold newlines, and bytes that no encoding can write.
    legal = " ".join(name.encode("utf-8", "replace").decode().split())
    return Sheet(legal, len(palette.weights), tuple(swatches))
