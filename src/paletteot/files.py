"""Writing so that a reader never meets half a file, and the SHA-256 of what is there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paletteot.errors import DataError, PaletteOTError

REFUSED = frozenset(
    getattr(errno, name)
    for name in (
        "EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EFBIG", "EIO", "ESTALE", "EMFILE", "ENFILE", "ENOTDIR",
        "EISDIR", "EEXIST", "ENAMETOOLONG", "ELOOP", "ENXIO",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""Numbers of errors by which a disk, or who owns it, refuses: nothing that code does wrong."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; what was written there replaces ``path`` when the block ends well.

    It is on the disk before it has the name: a crash of the machine leaves what was there, or what is new. A file
    replaces a file and a folder a folder: raises DataError for anything else, which stays. Where the disk refuses,
    raises OSError that names ``path``, whatever library wrote.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with _naming(path, fresh):
            yield fresh
            _put(fresh, path)
    finally:
        _remove(fresh)


def _put(fresh: Path, path: Path) -> None:
    folder = fresh.is_dir()
    if path.exists() and not (path.is_dir() if folder else path.is_file()):
        wanted, there = ("a folder", "none") if folder else ("a file", "a folder" if path.is_dir() else "none")
        raise DataError(f"{path}: must be {wanted}, to be replaced by one, but is {there}; nothing was written")
    for one in [*(file for file in fresh.rglob("*") if file.is_file()), fresh]:
        _sync(one)
    old = fresh.with_suffix(".old")
    if folder and path.exists():
        path.replace(old)
    fresh.replace(path)
    _sync(path.parent)
    _remove(old)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name == "posix":  # elsewhere a folder cannot be opened, nor a file be synced that is open for reading
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():  # a disk that cannot be written refuses even to remove what is not there
        path.unlink()


@contextmanager
def _naming(path: Path, fresh: Path) -> Iterator[None]:
    """Name the path where a disk refuses; libraries in Rust say no more of it than `(os error 28)` in their text."""
    try:
        yield
    except PaletteOTError:
        raise
    except Exception as error:
        said = re.search(r"\(os error (\d+)\)", str(error))
        number = int(getattr(error, "errno", None) or (said[1] if said else 0))
        named = getattr(error, "filename2", None) or getattr(error, "filename", None)
        if number not in REFUSED or (named is not None and not str(named).startswith(str(fresh))):
            raise
        raise OSError(number, os.strerror(number), str(path)) from None


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as fresh:
        fresh.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write JSON, sorted and indented, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of bytes as hex digits."""
    return hashlib.sha256(content).hexdigest()
