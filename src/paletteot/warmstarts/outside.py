"""Contestants that the package does not bring along: classes in a file, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from paletteot.errors import ParamsError

GROUP = "paletteot.warm_starts"
"""Entry point group by which an installed package makes its contestants known: name = "module:Class"."""


@dataclass(frozen=True)
class Code:
    """Where the class of a contestant is, or the function of a solver.

    label: how messages call it. place: a file ending in .py, or a module that can be imported. attribute: its name
    there.
    """

    label: str
    place: str
    attribute: str


def in_file(reference: str, what: str = "a contestant of yours", kind: str = "CLASS") -> Code:
    """Return the code that FILE.py:CLASS names; raises ParamsError where that is not what it is, or not there.

    what, kind: how the message calls it, and what is named instead of a class.
    """
    place, _, attribute = reference.rpartition(":")
    if not place.endswith(".py") or not attribute.isidentifier():
        raise ParamsError(f"{what} must be given as FILE.py:{kind}, but is {reference!r}")
    if not Path(place).is_file():
        raise ParamsError(f"{place}: no such file")
    return Code(f"{Path(place).name}:{attribute}", place, attribute)


def installed() -> Mapping[str, Code]:
    """Return the contestants of installed packages by name; none of their code is imported.

    Raises ParamsError where two packages give the same name to different classes.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if (other := found.setdefault(point.name, point)).value != point.value:
            raise ParamsError(f"two installed packages name a contestant {point.name}: {other.value} and {point.value}")
    return {name: Code(name, point.module, point.attr) for name, point in found.items()}
