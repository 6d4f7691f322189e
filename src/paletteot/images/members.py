"""Files that rows of a data set only name: on the web, on the hub or here, or in an archive that lies there.

A path is one that fsspec knows: ``photos/a.png``, or ``zip://a.png::https://host/photos.zip``.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import fsspec

from paletteot.errors import DataError
from paletteot.files import replacing, sha256_of
from paletteot.images.download import POLITE, download
from paletteot.images.reasons import reason

WEB = ("https://", "http://")
ARCHIVES = ("zip", "tar", "gzip", "bz2", "lz4", "xz", "zstd")
"""What a file may be taken out of. fsspec knows others, as reference://, that lead on to wherever a server says."""
SINGLE = replace(POLITE, kind="")
"""How files on the web are asked for: data sets lie on servers that say of every file that it is bytes."""
WHOLE = replace(SINGLE, size=256 << 20, total=600.0, concurrency=2)
"""How archives on the web are asked for; each is held in memory while it comes."""
GONE = (FileNotFoundError, IsADirectoryError, PermissionError, gzip.BadGzipFile)
"""Of the errors that a system raises, those that are no passing ones."""


def last(path: str) -> str:
    """Return what a path leads to in the end: the archive, or the file itself."""
    return path.rpartition("::")[2]


def is_on_web(path: str) -> bool:
    """Return whether a path leads into an archive on the web."""
    return "::" in path and last(path).startswith(WEB)


def refusal(path: str) -> str | None:
    """Return why a file may not be taken from where a path leads, None where it may."""
    for step in path.split("::")[:-1]:
        if (kind := step.partition("://")[0]) not in ARCHIVES:
            return f"{path} leads through {kind!r}, but only {', '.join(ARCHIVES)} are legal"
    return None


def fetch(paths: Mapping[str, str], folder: Path, *, allow_fewer: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Download to a folder the archives on the web that paths lead into, as photographs are, each of them once.

    Not by fsspec, which follows redirects to any address, and says of every failure that there is no such file. Returns
    paths by name that lead into the folder, and why the archives of the others cannot be had. Raises DataError where
    one may be had another time, unless ``allow_fewer``.
    """
    if not paths:
        return {}, {}  # and no folder
    files = {name: sha256_of(last(path).encode()) for name, path in paths.items()}
    urls = {files[name]: last(path) for name, path in paths.items()}
    lost = download(urls, folder, manners=WHOLE, allow_fewer=allow_fewer)
    here, gone = {}, {}
    for name, path in paths.items():
        if files[name] in lost:
            gone[name] = f"{last(path)}: {lost[files[name]]}"
        else:
            here[name] = f"{path.removesuffix(last(path))}{folder.resolve() / files[name]}"
    return here, gone


def take(path: str, file: Path) -> str | None:
    """Copy to a file what a path that is not on the web leads to; return why it cannot be had.

    Raises DataError where it may be had another time: the hub does not answer.
    """
    try:
        with fsspec.open(path, "rb") as stream:
            content = stream.read(SINGLE.size + 1)
    except Exception as error:  # the file systems that fsspec knows have no common base below this one
        may_pass = isinstance(error, OSError) or "://" in last(path)  # but what is damaged here stays so
        if isinstance(error, GONE) or not may_pass:
            return f"its file cannot be read: {reason(error)}"
        raise DataError(f"{path} cannot be had now: {reason(error)}; run again to go on") from error
    if len(content) > SINGLE.size:
        return f"its file is larger than {SINGLE.size} bytes"
    with replacing(file) as fresh:
        fresh.write_bytes(content)
    return None
