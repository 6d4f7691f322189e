"""dvc.lock, which DVC rewrites in place: a copy is kept while it is whole, and put back when a crash has torn it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import yaml

from paletteot.errors import DataError
from paletteot.files import write_bytes

NAME = "dvc.lock"
KEPT = Path(".dvc/tmp/dvc.lock.kept")
"""Where the copy is: DVC's folder of what is no part of the project."""

PAUSE = 0.5
"""Seconds in which a DVC that is at work has written the whole file."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where libyaml is at hand


def stages(folder: Path = Path()) -> dict[str, Any]:
    """Return what dvc.lock says of each stage, nothing where there is none; raises DataError where it is not whole."""
    file = folder / NAME
    if not file.exists():
        return {}
    found = _stages(file.read_bytes())
    if found is None:
        raise DataError(f"{file}: not whole, as a crash leaves it; `paletteot mend` puts the last whole one back")
    return found


def mend(folder: Path = Path()) -> bool:
    """Keep a copy of dvc.lock where it is whole, else put the copy back, and say so; return whether that was done.

    Nothing is done where there is no dvc.lock or no DVC. Raises DataError where there is no copy either.
    """
    file, kept = folder / NAME, folder / KEPT
    if not file.is_file() or not (folder / ".dvc").is_dir():
        return False
    content = file.read_bytes()
    if _stages(content) is None:
        time.sleep(PAUSE)
        content = file.read_bytes()
    known = kept.read_bytes() if kept.is_file() else b""
    if _stages(content) is not None:
        if content != known:
            write_bytes(kept, content)
        return False
    if _stages(known) is None:
        raise DataError(
            f"{file}: not whole, and no copy was kept; take it from git (`git checkout {NAME}`), or delete it, and "
            "`dvc repro` makes it anew"
        )
    write_bytes(file, known)
    print(f"{file}: was not whole, as a crash leaves it; the last whole one was put back", file=sys.stderr)
    return True


def _stages(content: bytes) -> dict[str, Any] | None:
    """Return the stages of a lock file; None where it was cut, unless just between two lines of a stage that DVC reads.

    DVC makes a stage again that lacks lines, so that such a cut costs time and no more.
    """
    try:
        found = yaml.load(content, _LOADER)
        made: dict[str, Any] = found["stages"]
        entries = [entry for stage in made.values() for kind in ("deps", "outs") for entry in stage.get(kind, [])]
        hashed = all("path" in entry and entry.get("hash", "md5") in entry for entry in entries)
        whole = content.endswith(b"\n") and "schema" in found and all("cmd" in stage for stage in made.values())
        return made if whole and hashed else None
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError):
        return None
