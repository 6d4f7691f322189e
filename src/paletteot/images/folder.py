"""Any tree of pictures as a source."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from stat import S_ISDIR, S_ISREG

import numpy as np

from paletteot.errors import DataError
from paletteot.files import sha256, sha256_of
from paletteot.images import grading as gradings
from paletteot.images import groups
from paletteot.images.decode import SUFFIXES, decode
from paletteot.images.reasons import reason
from paletteot.images.source import Original, Picture

SLUG = 40
"""Characters of a file's name that stay readable in image_id."""


class Folder:
    """The pictures of a folder and its sub-folders, whole; hidden files and folders are not there.

    location: the folder. group_by: CSV file with columns file, relative to the folder, and group; without it a
    picture's group is its folder, or itself directly in the root. licence: what may be done with the pictures.

    Links to files are followed within the folder; links to folders are not: what they show has a place of its own, or
    lies outside. Of files with the same content the first in the seeded order is taken.
    """

    def __init__(self, location: str, group_by: str | None = None, licence: str | None = None):
        self.root = Path(location)
        self.group_by = None if group_by is None else Path(group_by)
        self.licence = licence or "not stated"
        self.skipped: dict[str, str] = {}
        self.state: dict[str, tuple[int, int]] = {}

    def pictures(self, count: int, *, grading: float, seed: int) -> list[Picture]:  # noqa: ARG002
        """Return every picture, in an order that depends on the seed and on the names below the folder alone.

        Raises DataError where there is none, or the CSV file of groups does not fit.
        """
        self.skipped = {}
        if not self.root.is_dir():
            raise DataError(f"{self.root}: no such folder")
        self.state = dict(self._found())
        sizes = {place: size for place, (size, _) in self.state.items()}
        if not sizes:
            raise DataError(f"{self.root}: no picture there, no file ending in {', '.join(sorted(SUFFIXES))}")
        groups_of = self._groups(set(sizes))
        order = sorted(sizes, key=lambda place: sha256_of(f"{seed}:{place}".encode()))
        made = [self._picture(place, groups_of[place], grading, seed) for place in self._distinct(order, sizes)]
        self.skipped = dict(sorted(self.skipped.items()))
        return made

    def fetch(self, pictures: Sequence[Picture]) -> Mapping[str, str]:  # noqa: ARG002
        """Return nothing: all are here."""
        return {}

    def open(self, picture: Picture) -> Original:
        """Read a picture; raises DataError naming its file where it is missing or no whole picture."""
        file = self.root / picture.place
        try:
            content = file.read_bytes()
        except OSError as error:
            raise DataError(f"{file}: cannot be read: {reason(error)}") from None
        return Original(decode(content, str(file)), sha256_of(content))

    def _picture(self, place: str, group: str, grading: float, seed: int) -> Picture:
        rng = np.random.default_rng([seed, int(sha256_of(place.encode())[:16], 16)])
        return Picture(
            image_id=image_id(place), group=group, source="folder", licence=self.licence, attribution=place,
            place=place, grading=gradings.draw(rng, grading),
        )  # fmt: skip

    def _found(self) -> Iterator[tuple[str, tuple[int, int]]]:
        """Give places, and bytes and times, of the files with a picture's suffix; note what is skipped."""
        root = self.root.resolve()
        folders = [""]
        while folders:
            parent = folders.pop()
            try:
                with os.scandir(self.root / parent) as entries:
                    there = [entry for entry in entries if not entry.name.startswith(".")]
            except OSError as error:
                self.skipped[parent or "."] = f"the folder cannot be read: {reason(error)}"
                continue
            for entry in there:
                place = f"{parent}/{entry.name}".removeprefix("/")
                mode, size, time = _stat(entry)
                if not S_ISDIR(mode) and Path(entry.name).suffix.lower() not in SUFFIXES:
                    continue
                if (unfit := _unfit(entry, mode, root)) is not None:
                    self.skipped[os.fsencode(place).decode("utf-8", "backslashreplace")] = unfit
                elif S_ISDIR(mode):
                    folders.append(place)
                else:
                    yield place, (size, time)

    def _distinct(self, order: Sequence[str], sizes: Mapping[str, int]) -> Iterator[str]:
        """Give the places whose content, and image_id, no earlier one has; only files of equal size are read."""
        shared = Counter(sizes.values())
        contents: dict[str, str] = {}
        names: dict[str, str] = {}
        for place in order:
            content = place
            if shared[sizes[place]] > 1:
                try:
                    content = sha256(self.root / place)
                except OSError as error:
                    self.skipped[place] = f"cannot be read: {reason(error)}"
                    continue
            if contents.setdefault(content, place) != place:
                self.skipped[place] = f"the same file as {contents[content]}"
            elif names.setdefault(image_id(place), place) != place:
                self.skipped[place] = f"its image_id, {image_id(place)}, is that of {names[image_id(place)]}"
            else:
                yield place

    def _groups(self, places: set[str]) -> dict[str, str]:
        """Return the group of each place; raises DataError where the CSV file lists not all, or what is absent."""
        if self.group_by is None:
            return {place: parent if (parent := place.rpartition("/")[0]) else place for place in places}
        listed = groups.read(self.group_by)
        for place in sorted(listed.keys() - places - self.skipped.keys()):
            hint = "; write / where it has \\" if place.replace("\\", "/") in places else ""
            raise DataError(f"{self.group_by}: lists {place}, but {self.root / place} is no picture there{hint}")
        for place in sorted(places - listed.keys()):
            raise DataError(f"{self.group_by}: no group for {place}")
        return listed


def image_id(place: str) -> str:
    """Return the name of a picture: its file's, as far as letters and digits go, and a hash of its whole place."""
    plain = unicodedata.normalize("NFKD", PurePosixPath(place).stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9]+", "-", plain)[:SLUG].strip("-")
    return "-".join(part for part in ("folder", slug, sha256_of(place.encode())[:8]) if part)


def _stat(entry: os.DirEntry[str]) -> tuple[int, int, int]:
    """Return mode, bytes and time, ns, of what an entry is or links to; zeros for a link to nothing or in a circle."""
    try:
        found = entry.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mode, found.st_size, found.st_mtime_ns


def _unfit(entry: os.DirEntry[str], mode: int, root: Path) -> str | None:
    """Return why an entry is neither a folder nor a file to take; None for one that is."""
    if entry.name.encode("utf-8", "ignore").decode() != entry.name:
        return "its name is not UTF-8"
    if not (S_ISREG(mode) or S_ISDIR(mode)):
        return "no regular file that can be read"
    if not entry.is_symlink():
        return None
    if S_ISDIR(mode):
        return "a link to a folder"
    target = Path(entry.path).resolve()
    return None if target.is_relative_to(root) else "a link out of the folder"
