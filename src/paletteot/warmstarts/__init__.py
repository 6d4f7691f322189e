"""The contestants. Each file here declares its own (`contract.Entry`); `create` makes one by name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from paletteot.errors import ParamsError
from paletteot.extras import needed
from paletteot.warmstarts.contract import Entry, WarmStart, family

__all__ = ["code", "create", "entries", "family", "trained"]


def entries() -> Mapping[str, Entry]:
    """Return every built-in contestant by its name; none of them is made, and torch is not imported."""
    return MappingProxyType({name: entry for name, (entry, _) in _declared().items()})


def trained() -> Mapping[str, Entry]:
    """Return the contestants under whose name a network is trained."""
    return {name: entry for name, entry in entries().items() if entry.trained}


def code(name: str) -> list[str]:
    """Return the module of a built-in contestant; of one that an installed package brings there is none."""
    return [_declared()[name][1]] if name in _declared() else []


def create(name: str, file: Path | None = None) -> WarmStart:
    """Return a built-in contestant.

    file: what a learned one reads: its weights (safetensors), or the folder of plans for ``nearest``. Raises
    ParamsError for an unknown name, or a file that is not given; DataError where the file is not whole;
    MissingPackageError without torch where it needs that.
    """
    if (entry := entries().get(name)) is None:
        raise ParamsError(f"method must be one of {', '.join(entries())}, but is {name!r}")
    if entry.learned and file is None:
        raise ParamsError(f"method {name} must be given a file to read")
    with needed():
        return entry.make(file) if entry.learned else entry.make()


@lru_cache(maxsize=1)
def _declared() -> dict[str, tuple[Entry, str]]:
    """Return each entry and the module that declares it; one without entries, or a name given twice, is an error."""
    found: dict[str, tuple[Entry, str]] = {}
    for info in pkgutil.iter_modules(__path__, f"{__name__}."):
        if info.name == f"{__name__}.contract":
            continue
        for entry in importlib.import_module(info.name).ENTRIES:
            if entry.name in found:
                raise ValueError(f"{entry.name} is declared by {found[entry.name][1]} and by {info.name}")
            found[entry.name] = entry, info.name
    return found
