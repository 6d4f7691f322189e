"""params.yaml of the project at hand, with the names in it checked too."""

from __future__ import annotations

from pathlib import Path

import paletteot.images.sources as sources
import paletteot.warmstarts as warmstarts
from paletteot.config.params import Params, load
from paletteot.errors import ParamsError
from paletteot.guests import contestants
from paletteot.project import closure, paths
from paletteot.warmstarts.contract import family


def load_params(file: Path = paths.PARAMS) -> Params:
    """Read params.yaml, or what may take its place, and check the names in it too; raises ParamsError."""
    params = load(file)
    sources.check_name(params.images.source)
    for name, settings in params.train.networks.items():
        check_network(name, settings.architecture)
    for name, method in params.evaluate.methods.items():
        contestants.check_name(family(name), f"{paths.PARAMS}: evaluate.methods")
        check_code(name, method.code)
    return params


def check_network(name: str, architecture: str) -> None:
    """Raise ParamsError where no contestant reads a network that is trained under a name, or one of another kind."""
    field, legal = f"{paths.PARAMS}: train.networks", warmstarts.trained()
    if name not in legal:
        raise ParamsError(f"{field} must name networks among {', '.join(legal)}, but names {name!r}")
    if architecture != (right := legal[name].trained):
        raise ParamsError(f"{field}.{name}.architecture must be {right}, but is {architecture!r}")


def check_code(method: str, code: str) -> None:
    """Raise ParamsError where the code of a method is not the file that declares it; of guests nobody here knows."""
    for right in warmstarts.code(family(method)):
        if closure.module_of(Path(code)) != right:
            file = f"src/{right.replace('.', '/')}.py"
            raise ParamsError(f"{paths.PARAMS}: evaluate.methods.{method}.code must be {file}, but is {code!r}")
