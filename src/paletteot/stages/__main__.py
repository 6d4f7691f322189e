"""Run a stage: ``python -m paletteot.stages [--params FILE] NAME [ITEM]``, as dvc.yaml does.

Stages are imported, never run as ``__main__``: worker processes find their functions by module.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from paletteot.config.params import Params
from paletteot.endings import one_line
from paletteot.errors import ParamsError
from paletteot.extras import needed
from paletteot.project import lock, paths
from paletteot.project.parameters import load_params

STAGES = ("images", "palettes", "pairs", "plans", "release", "train", "evaluate", "transfer", "demo", "report")


def main(arguments: list[str]) -> None:
    """Run a stage; an error or a signal ends in one line and an exit code."""
    with one_line():
        lock.mend()
        file = Path(arguments[1]) if arguments[:1] == ["--params"] and len(arguments) > 1 else paths.PARAMS
        params = load_params(file)
        name, items = _chosen(arguments[2:] if arguments[:1] == ["--params"] else arguments, params)
        with needed():
            importlib.import_module(f"paletteot.stages.{name}").stage(params, *items)


def _chosen(arguments: list[str], params: Params) -> tuple[str, list[str]]:
    name, *items = arguments or [""]
    if name not in STAGES:
        raise ParamsError(f"stage must be one of {', '.join(STAGES)}, but is {name!r}")
    legal = {"train": tuple(params.train.networks), "evaluate": tuple(params.evaluate.methods)}.get(name, ())
    if len(items) != bool(legal) or not set(items) <= set(legal):
        wanted = f"one of {', '.join(legal)}" if legal else "nothing more"
        raise ParamsError(f"stage {name} must be given {wanted}, but is given {' '.join(items) or 'nothing'}")
    return name, items


if __name__ == "__main__":
    main(sys.argv[1:])
