"""All of ``params.yaml``: what it may say, and reading it."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from paletteot.config.dataset import Dataset
from paletteot.config.evaluate import Evaluate
from paletteot.config.images import ImagesParams
from paletteot.config.pairs import PairsParams
from paletteot.config.palettes import PalettesParams
from paletteot.config.report import Report
from paletteot.config.section import Section
from paletteot.config.train import ARCHITECTURES, Train
from paletteot.config.transfer import DemoParams, TransferParams
from paletteot.config.transport import PlansParams, Transport
from paletteot.errors import ParamsError


class Params(Section):
    """All of ``params.yaml``."""

    workers: int = Field(ge=0, description="worker processes; 0 means one per core")
    images: ImagesParams
    palettes: PalettesParams
    pairs: PairsParams
    transport: Transport
    plans: PlansParams
    dataset: Dataset
    train: Train
    evaluate: Evaluate
    transfer: TransferParams
    demo: DemoParams
    report: Report


def load(path: Path) -> Params:
    """Read and check a parameter file.

    Raises ParamsError with one line that names the file, the field and what is legal.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run from the root of the project") from None
    except OSError as error:
        raise ParamsError(f"{path}: must be a file that can be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path}: must be UTF-8 text, but byte {error.start} is not; save it as UTF-8") from None


def parse(text: str, path: Path) -> Params:
    """Check the text of a parameter file; raises ParamsError as `load` does."""
    try:
        return Params.model_validate(_yaml(text, path))
    except ValidationError as error:
        complaints = []
        for one in error.errors():
            field = ".".join(str(part) for part in one["loc"] if part not in ARCHITECTURES) or "the file"
            given = f", but is {one['input']!r}" if not isinstance(one["input"], dict) else ""
            complaints.append(f"{field}: {one['msg']}{given}")
        raise ParamsError(f"{path}: {_line('; '.join(complaints))}") from None


def _yaml(text: str, path: Path) -> object:
    try:
        return yaml.safe_load(text)
    except RecursionError:
        raise ParamsError(f"{path}: not YAML of parameters: nested too deep") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: the 32nd of a month, or an endless number
        raise ParamsError(f"{path}: not YAML: {_line(str(error))}") from None


def _line(text: str) -> str:
    return " ".join(text.split())
