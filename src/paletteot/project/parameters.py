"""params.yaml of the project at hand, with the names in it checked too."""

from __future__ import annotations

import paletteot.images.sources as sources
import paletteot.warmstarts as warmstarts
from paletteot.config.params import Params, load
from paletteot.project import paths


def load_params() -> Params:
    """Read params.yaml and check the names in it too; raises ParamsError."""
    params = load(paths.PARAMS)
    sources.check_name(params.images.source)
    for name in params.evaluate.methods:
        warmstarts.check_name(warmstarts.family(name), f"{paths.PARAMS}: evaluate.methods")
    return params
