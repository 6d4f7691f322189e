"""Run a stage: ``python -m paletteot.stages NAME [ITEM]``, as dvc.yaml does.

Stages are imported, never run as ``__main__``: worker processes find their functions by module.
"""

from __future__ import annotations

import importlib
import sys

from paletteot import warmstarts
from paletteot.errors import PaletteOTError, ParamsError
from paletteot.stages import common

ITEMS: dict[str, tuple[str, ...]] = {
    "images": (), "palettes": (), "pairs": (), "plans": (), "release": (),
    "train": warmstarts.LEARNED, "evaluate": tuple(warmstarts.BUILT_IN), "report": (),
}  # fmt: skip
"""Every stage, and the items that a stage is run for."""


def main(arguments: list[str]) -> None:
    """Run a stage; an error ends in one line and exit code 1."""
    try:
        name, items = _chosen(arguments)
        params = common.load_params()
        importlib.import_module(f"paletteot.stages.{name}").stage(params, *items)
    except PaletteOTError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; run again to go on from the last finished chunk")


def _chosen(arguments: list[str]) -> tuple[str, list[str]]:
    name, *items = arguments or [""]
    if name not in ITEMS:
        raise ParamsError(f"stage must be one of {', '.join(ITEMS)}, but is {name!r}")
    if len(items) != bool(ITEMS[name]) or not set(items) <= set(ITEMS[name]):
        legal = f"one of {', '.join(ITEMS[name])}" if ITEMS[name] else "nothing more"
        raise ParamsError(f"stage {name} must be given {legal}, but is given {' '.join(items) or 'nothing'}")
    return name, items


if __name__ == "__main__":
    main(sys.argv[1:])
