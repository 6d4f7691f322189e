"""What runs of code from outside: the very bytes that were hashed, in a private copy."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from paletteot.errors import DataError, ParamsError
from paletteot.files import sha256
from paletteot.guests.code import Code, sources

BLOCK = 2**20
"""Bytes that are read at a time."""


@dataclass(frozen=True)
class Copy:
    """Code and weights as they were when they were hashed.

    code: what runs, the copy of a file or a module where it is installed. weights: the copy of what it reads. hashes:
    SHA-256 by the names of the files. files: where each lies now. folder: where the copies lie. It can be pickled: its
    folder is that of the process that took it, and lasts as long as that.
    """

    code: Code
    weights: Path | None
    hashes: Mapping[str, str] = field(hash=False)
    files: Mapping[str, Path] = field(hash=False)
    folder: Path

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.code.label


def take(code: Code, weights: Path | None = None) -> Copy:
    """Copy code and the weights that it reads, and hash what was copied; every file is read once.

    Installed packages stay where they are, as much else hangs on their place: `verify` sees whether they change. What
    is this package's own is not hashed. Raises ParamsError where a file cannot be read.
    """
    folder, hashes, files = Path(tempfile.mkdtemp(dir=room())), dict[str, str](), dict[str, Path]()
    if code.is_file:
        for name, file in sources(code).items():
            files[name] = folder / "code" / name
            hashes[name] = _copied(file, files[name])
        code = replace(code, place=str(folder / "code" / Path(code.place).name))
    else:
        files |= _installed(code)
        hashes |= {name: sha256(file) for name, file in files.items()}
    if weights is None:
        return Copy(code, None, hashes, files, folder)
    if not weights.exists():
        raise ParamsError(f"{code.label}: {weights}, the file that it is to read, is not there")
    weights = Path(os.path.abspath(weights))  # noqa: PTH100
    place = folder / "weights" / weights.name
    if weights.is_dir():
        place.mkdir(parents=True)
    inside = sorted(weights.rglob("*")) if weights.is_dir() else [weights]
    for file in (one for one in inside if one.is_file()):
        name = f"weights/{file.relative_to(weights.parent)}"
        files[name] = folder / name
        hashes[name] = _copied(file, files[name])
    return Copy(code, place, hashes, files, folder)


def verify(copy: Copy) -> None:
    """Raise DataError where what runs is no longer what was hashed: a file of it changed, came or went."""
    there = dict(copy.files) if copy.code.is_file else _installed(copy.code) | _weights(copy)
    changed(copy.label, copy.hashes, there)


def changed(label: str, hashes: Mapping[str, str], files: Mapping[str, Path]) -> None:
    """Raise DataError naming the first file that is not what its SHA-256 says, or is not there, or has none."""
    for name in sorted(hashes.keys() | files.keys()):
        file = files.get(name)
        if file is None or not file.is_file() or sha256(file) != hashes.get(name):
            raise DataError(f"{label}: {name} was changed after it was hashed")


@lru_cache(maxsize=1)
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="paletteot-", ignore_cleanup_errors=True)


def room() -> Path:
    """Return this process's folder for copies, which only this user can enter; it goes when the process ends."""
    return Path(_folder().name)


def _installed(code: Code) -> dict[str, Path]:
    return {} if code.is_ours else sources(code)


def _weights(copy: Copy) -> dict[str, Path]:
    return {name: file for name, file in copy.files.items() if name.startswith("weights/")}


def _copied(file: Path, place: Path) -> str:
    """Copy a file, and return the SHA-256 of what was written."""
    place.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream, place.open("xb") as copy:
            while block := stream.read(BLOCK):
                digest.update(block)
                copy.write(block)
    except OSError as error:
        raise ParamsError(f"{file}: cannot be copied: {error.strerror}") from None
    place.chmod(0o400)
    return digest.hexdigest()
