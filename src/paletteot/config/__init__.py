"""The parameters of the pipeline: a module for each section of ``params.yaml``; `params` is all of them.

A stage depends on the sections that it reads, so `params` is imported only where it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paletteot.config.params import Params, load, parse

__all__ = ["Params", "load", "parse"]


def __getattr__(name: str) -> object:
    """Import what is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.params"), name)
