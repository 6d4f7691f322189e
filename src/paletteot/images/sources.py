"""The sources by name: `create` makes the one that the parameters name; its module is imported only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from paletteot.config.images import ImagesParams
from paletteot.errors import ParamsError
from paletteot.images.source import Source


def create(wanted: ImagesParams, cache: Path) -> Source:
    """Return the source that the parameters name.

    cache: folder for what has to be fetched. Raises ParamsError with the legal names, or naming the field that a source
    needs or cannot use.
    """
    name = check_name(wanted.source)
    needs, may = FIELDS[name]
    for field in ("location", "group_by", "licence", "split"):
        given = getattr(wanted, field) is not None
        if field in needs and not given:
            raise ParamsError(f"params.yaml: images.{field} must be given for the source {name}")
        if given and field not in (*needs, *may):
            raise ParamsError(f"params.yaml: images.{field} has no meaning for the source {name}; leave it out")
    return SOURCES[name](wanted, cache)


def check_name(name: str) -> str:
    """Return the name of a source; raises ParamsError with the legal names."""
    if name not in SOURCES:
        raise ParamsError(f"params.yaml: images.source must be one of {', '.join(SOURCES)}, but is {name!r}")
    return name


def _bundled(_wanted: ImagesParams, _cache: Path) -> Source:
    from paletteot.images.bundled import Bundled

    return Bundled()


def _packages(_wanted: ImagesParams, cache: Path) -> Source:
    from paletteot.images.packages import Packages

    return Packages(cache)


def _folder(wanted: ImagesParams, _cache: Path) -> Source:
    from paletteot.images.folder import Folder

    return Folder(str(wanted.location), wanted.group_by, wanted.licence)


def _unsplash(wanted: ImagesParams, cache: Path) -> Source:
    from paletteot.images.unsplash import Unsplash

    return Unsplash(str(wanted.location), cache, allow_fewer=wanted.allow_fewer)


def _huggingface(wanted: ImagesParams, cache: Path) -> Source:
    from paletteot.images.huggingface import HuggingFace

    return HuggingFace(
        str(wanted.location), wanted.group_by, wanted.split, wanted.licence, cache, allow_fewer=wanted.allow_fewer
    )


SOURCES: dict[str, Callable[[ImagesParams, Path], Source]] = {
    "packages": _packages, "bundled": _bundled, "unsplash": _unsplash, "folder": _folder,
    "huggingface": _huggingface,
}  # fmt: skip
FIELDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "packages": ((), ()), "bundled": ((), ()), "unsplash": (("location",), ()),
    "folder": (("location",), ("group_by", "licence")),
    "huggingface": (("location",), ("group_by", "licence", "split")),
}  # fmt: skip
"""What each source must be given in the parameters, and what it may be given."""
