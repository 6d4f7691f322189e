"""Where pictures come from: one small class for each source, behind one contract."""

from __future__ import annotations

from paletteot.errors import ParamsError
from paletteot.images.bundled import Bundled
from paletteot.images.source import Source

SOURCES: dict[str, type[Source]] = {"bundled": Bundled}


def source(name: str) -> Source:
    """Return a source by name; raises ParamsError with the legal names."""
    if name not in SOURCES:
        raise ParamsError(f"params.yaml: images.source must be one of {', '.join(SOURCES)}, but is {name!r}")
    return SOURCES[name]()
