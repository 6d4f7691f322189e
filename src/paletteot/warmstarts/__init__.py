"""The contestants. `create` makes one by name; modules are imported only when asked for (torch takes a second)."""

from __future__ import annotations

import importlib
from pathlib import Path

from paletteot.errors import ParamsError
from paletteot.warmstarts.contract import WarmStart

BUILT_IN = {
    "cold": ("cold", "Cold"),
    "lp_duals": ("lp_duals", "LPDuals"),
    "plan_network": ("plan_network", "PlanStart"),
    "dual_network": ("dual_network", "DualStart"),
}
"""Name of each contestant: its module in this package and its class."""

LEARNED = ("plan_network", "dual_network")
"""Contestants that are trained: their class reads weights with ``from_file``."""


def check_name(name: str, field: str) -> str:
    """Return the name of a contestant; raises ParamsError naming the field and the legal names."""
    if name not in BUILT_IN:
        raise ParamsError(f"{field} must be one of {', '.join(BUILT_IN)}, but is {name!r}")
    return name


def create(name: str, weights: Path | None = None) -> WarmStart:
    """Return a contestant.

    weights: safetensors file of a learned one. Raises ParamsError for an unknown name, or weights that are not given;
    DataError where the file is not whole.
    """
    module, cls = BUILT_IN[check_name(name, "method")]
    contestant = getattr(importlib.import_module(f"{__name__}.{module}"), cls)
    if name not in LEARNED:
        made = contestant()
    elif weights is None:
        raise ParamsError(f"method {name} must be given a file of weights")
    else:
        made = contestant.from_file(weights)
    assert isinstance(made, WarmStart)
    return made
