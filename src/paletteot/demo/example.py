"""One pair of pictures, its colours moved by the network's plan and by those after Sinkhorn from it and from cold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage import color

import paletteot.lab as cielab
from paletteot.transfer.matching import Counts
from paletteot.transfer.options import Options
from paletteot.transfer.run import transfer

Pixels = NDArray[np.uint8]

START = "dual"
"""The warm start that is shown: the learned one that ships."""
COLD = "cold"
VISIBLE = 1.0
"""Delta E (CIEDE2000) that an eye begins to see."""


@dataclass(frozen=True)
class Example:
    """What is shown of a pair.

    a, b: (h, w, 3) uint8 sRGB. network, warm, cold: A with B's colours, by the network's own plan, and by the plans
    after Sinkhorn from it and from cold. delta: (h, w) CIEDE2000 of the last two. counts: of the warm start beside
    cold, None where nothing had to be transported.
    """

    a: Pixels
    b: Pixels
    network: Pixels
    warm: Pixels
    cold: Pixels
    delta: NDArray[np.float64]
    counts: Counts | None


def make(a: Pixels, b: Pixels) -> Example:
    """Make the example of a pair; raises MissingPackageError without torch."""
    network, warm, cold = (
        transfer(a, b, options)
        for options in (Options(start=START, network_only=True), Options(start=START), Options(start=COLD))
    )
    delta = color.deltaE_ciede2000(cielab.from_srgb(warm.pixels), cielab.from_srgb(cold.pixels))
    return Example(a, b, network.pixels, warm.pixels, cold.pixels, np.asarray(delta), warm.match.counts)
