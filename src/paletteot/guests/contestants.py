"""Every contestant that has a name: those of the package, and those that installed packages bring."""

from __future__ import annotations

from pathlib import Path

import paletteot.warmstarts as warmstarts
from paletteot.errors import ParamsError
from paletteot.guests import code as outside
from paletteot.guests.contestant import Guest
from paletteot.guests.failsafe import Failsafe
from paletteot.warmstarts.contract import WarmStart


def names() -> tuple[str, ...]:
    """Return the names of the contestants of the package, then of installed packages."""
    return tuple(dict.fromkeys([*warmstarts.entries(), *outside.installed()]))


def check_name(name: str, field: str) -> str:
    """Return the name of a contestant; raises ParamsError naming the field and the legal names."""
    if name not in warmstarts.entries() and name not in (legal := names()):
        raise ParamsError(f"{field} must be one of {', '.join(legal)}, but is {name!r}")
    return name


def create(name: str, file: Path | None = None) -> WarmStart:
    """Return a contestant. That of an installed package runs in a process of its own, and is Failsafe.

    file: what it reads. Raises as `warmstarts.create` does; NoAnswerError where an installed one cannot be made.
    """
    if check_name(name, "method") in warmstarts.entries():
        return warmstarts.create(name, file)
    return Failsafe(Guest(outside.installed()[name], file))
