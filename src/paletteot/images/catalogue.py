"""The table of photographs that ship inside packages, and of those packages (docs/pictures.md)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from paletteot.images import shipped


@dataclass(frozen=True)
class Package:
    """A package: the client that fetches it, version, suite of Debian, and SHA-256 of the archive of that version.

    sha256: empty where the suite moves on to other versions; what counts are the photographs' own.
    """

    name: str
    client: str
    version: str
    suite: str
    sha256: str


@dataclass(frozen=True)
class Photograph:
    """A photograph in a package.

    group: what is kept on one side of a split: the photograph with near-duplicates, its photographer's others and
    series of one place. member: its path, ``outer!inner`` in an archive inside. phash: perceptual hash, 64 bits.
    width, height: pixels, upright.
    """

    name: str
    group: str
    subject: str
    package: str
    member: str
    sha256: str
    phash: str
    width: int
    height: int
    licence: str
    author: str
    link: str


@cache
def packages() -> dict[str, Package]:
    """Return the packages by name."""
    return {row["package"]: Package(*row.values()) for row in _rows("packages.csv")}


@cache
def photographs() -> tuple[Photograph, ...]:
    """Return the photographs, sorted by name."""
    return tuple(_photograph(*row.values()) for row in _rows("photographs.csv"))


def _photograph(
    name: str,
    group: str,
    subject: str,
    package: str,
    member: str,
    sha256: str,
    phash: str,
    width: str,
    height: str,
    *said: str,
) -> Photograph:
    return Photograph(name, group, subject, package, member, sha256, phash, int(width), int(height), *said)


def _rows(name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader((files(shipped) / name).read_text(encoding="utf-8").splitlines())
