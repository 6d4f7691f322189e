"""PaletteOT: a data set and benchmark for learning to warm-start optimal transport between colour palettes."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paletteot.dataset.plans import Plans, load
    from paletteot.errors import PaletteOTError
    from paletteot.examples import example
    from paletteot.ot.exact import Solution, solve
    from paletteot.ot.problem import Problem
    from paletteot.ot.sinkhorn import plan
    from paletteot.pretrained import warm_start
    from paletteot.transfer.clustering import palette
    from paletteot.transfer.run import transfer

__all__ = [
    "PaletteOTError",
    "Plans",
    "Problem",
    "Solution",
    "example",
    "load",
    "palette",
    "plan",
    "solve",
    "transfer",
    "warm_start",
]

_HOMES = {
    "PaletteOTError": "errors",
    "Plans": "dataset.plans",
    "Problem": "ot.problem",
    "Solution": "ot.exact",
    "example": "examples",
    "load": "dataset.plans",
    "palette": "transfer.clustering",
    "plan": "ot.sinkhorn",
    "solve": "ot.exact",
    "transfer": "transfer.run",
    "warm_start": "pretrained",
}
"""Module of each public name: imported when it is asked for, so that no part of the package waits for the others."""


def __getattr__(name: str) -> object:
    """Import what is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
