"""What every stage does first and last: read params.yaml, end with one line and exit code 1 on an error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from paletteot import config, images, warmstarts
from paletteot.errors import PaletteOTError

PARAMS = Path("params.yaml")
IMAGES = Path("data/images")
PALETTES = Path("data/palettes.parquet")
PAIRS = Path("data/pairs.parquet")
PLANS = Path("data/plans")
EVALUATIONS = Path("data/evaluations")
MODELS = Path("models")
REPORTS = Path("reports")


def load_params() -> config.Params:
    """Read params.yaml and check the names in it too; raises ParamsError."""
    params = config.load(PARAMS)
    images.source(params.images.source)
    for name in params.evaluate.methods:
        warmstarts.check_name(name, f"{PARAMS}: evaluate.methods")
    return params


def main(stage: Callable[[config.Params], None]) -> None:
    """Run a stage as a program."""
    try:
        stage(load_params())
    except PaletteOTError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; run again to go on from the last finished chunk")


def argument(legal: tuple[str, ...]) -> str:
    """Return the one word a stage was called with.

    Raises ParamsError when it is not among the legal ones.
    """
    if len(sys.argv) != 2 or sys.argv[1] not in legal:
        sys.exit(f"error: give one of {', '.join(legal)}, not {' '.join(sys.argv[1:]) or 'nothing'}")
    return sys.argv[1]
