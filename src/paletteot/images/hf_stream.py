"""The rows of a Hugging Face data set, one after the other, with their images undecoded."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

from paletteot.errors import DataError

BUILDERS = {".parquet": "parquet", ".arrow": "arrow", ".tar": "webdataset"}
"""Suffix of local files -> what `datasets` calls their format."""


def is_here(location: str) -> bool:
    """Return whether a location is a folder or files of this machine rather than a data set of the hub."""
    return Path(location).is_dir() or Path(location).suffix in BUILDERS


def state(location: str) -> list[tuple[str, int, int]]:
    """Return names, bytes and times of local files, so that a change of theirs is seen; of the hub's nothing."""
    path = Path(location)
    one = [path] if path.is_file() else list(path.parent.glob(path.name))
    files = list(path.rglob("*")) if path.is_dir() else one
    return sorted((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file())


def rows(
    location: str, split: str | None, column: str | None, group_by: str | None
) -> tuple[Any, str, list[str] | None]:
    """Return the rows, the column of their images, and the names of groups where these are classes.

    location, split, column, group_by: as `HuggingFace` takes them. An image is a dictionary of bytes and path, one of
    which may be None. Raises DataError where split or columns are not there, and whatever `datasets` raises.
    """
    import datasets  # takes seconds, which the processes that open pictures need not wait

    config, _, name = (split or "").rpartition("/")
    splits = datasets.load_dataset(**_asked(location), name=config or None, streaming=True)
    if not name and len(splits) == 1:
        (name,) = splits
    if name not in splits:
        raise DataError(f"{location}: split must be one of {', '.join(splits)}, but is {name or 'not given'}")
    features = splits[name].features or {}
    images = [one for one, feature in features.items() if isinstance(feature, datasets.Image)]
    column = column or (images[0] if len(images) == 1 else None)
    for wanted in (column, group_by or column):
        if wanted not in features:
            what = f"no column {wanted}" if wanted else f"{len(images)} columns of images, where one is wanted"
            there = ", ".join(f"{one} ({getattr(feature, 'dtype', '?')})" for one, feature in features.items())
            raise DataError(f"{location}: {what}; there are {there or 'none with a type'}")
    taken = list(dict.fromkeys((column, group_by or column)))  # the others need not be read, nor decoded
    # decode(False) undoes the decoding in threads that load_dataset adds for the hub; the cast alone would not.
    stream = splits[name].decode(False).select_columns(taken).cast_column(column, datasets.Image(decode=False))
    return stream, str(column), getattr(features[taken[-1]], "names", None)


def _asked(location: str) -> dict[str, Any]:
    """Return what `datasets` is asked for; it takes every name of a file or folder for a pattern.

    Raises DataError for a folder whose name it would take for that of others.
    """
    if not is_here(location):
        name, _, revision = location.partition("@")
        return {"path": name, "revision": revision or None}
    path = Path(location)
    if path.is_dir():
        if glob.has_magic(str(path.resolve())):
            raise DataError(f"{location}: datasets takes *, ? and [ in the name of a folder for a pattern; rename it")
        return {"path": location}
    name = glob.escape(path.name) if path.is_file() else path.name  # which may be a pattern; its folder is none
    return {"path": BUILDERS[path.suffix], "data_files": str(Path(glob.escape(str(path.parent))) / name)}
