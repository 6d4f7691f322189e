"""Packages that a plain install goes without: which extra brings each, said in one line where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from paletteot.errors import PaletteOTError

LEARNED, BENCHMARK = "learned", "benchmark"

EXTRAS = {
    **dict.fromkeys(("safetensors", "torch"), LEARNED),
    **dict.fromkeys(
        (
            "altair", "datasets", "dvc", "jinja2", "markupsafe", "matplotlib", "mlcroissant", "mlflow", "pyarrow",
            "ruamel", "scikit-learn", "sklearn", "vl_convert",
        ),
        BENCHMARK,
    ),
}  # fmt: skip
"""Module, or package whose metadata is asked for -> extra of this package (pyproject.toml) that installs it."""


class MissingPackageError(PaletteOTError, ModuleNotFoundError):
    """A package is not installed that what is asked for needs; the message says how to install it."""


@contextmanager
def needed() -> Iterator[None]:
    """Raise MissingPackageError with the extra to install where a package of one is not here; pass on all else."""
    try:
        yield
    except MissingPackageError:
        raise
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in EXTRAS:
            raise
        raise MissingPackageError(f"this needs {module}: pip install 'paletteot[{EXTRAS[module]}]'") from error
