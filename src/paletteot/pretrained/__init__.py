"""Trained weights inside the package: a learned warm start without data, training or a connection."""

from __future__ import annotations

from pathlib import Path

import paletteot.warmstarts as warmstarts
from paletteot.errors import DataError, ParamsError
from paletteot.extras import needed
from paletteot.warmstarts.contract import WarmStart

FOLDER = Path(__file__).parent

CONTESTANTS = {"dual": "dual_network_self"}
"""Short name of each learned warm start that ships: the contestant that it is."""


def weights(name: str) -> Path:
    """Return where the weights of a learned warm start are; raises ParamsError for an unknown name."""
    if name not in CONTESTANTS:
        raise ParamsError(f"warm start must be one of {', '.join(CONTESTANTS)}, but is {name!r}")
    return FOLDER / f"{CONTESTANTS[name]}.safetensors"


def warm_start(name: str = "dual") -> WarmStart:
    """Return the learned warm start that ships with the package; docs/model-card.md says what it is and is good for.

    ``.start(problems).g`` are potentials to begin from, (batch, l) float64, LAB units, gauge sum_j b_j g_j = 0. Raises
    ParamsError for an unknown name, DataError where the package holds no whole weights; MissingPackageError
    without torch, which `pip install 'paletteot[learned]'` brings.
    """
    file = weights(name)
    if not file.is_file():
        raise DataError(f"{file}: this copy of the package holds no weights; `python scripts/ship.py` puts them there")
    with needed():
        return warmstarts.create(CONTESTANTS[name], file)
