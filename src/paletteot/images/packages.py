"""Photographs that ship inside packages of Debian and npm: our table says which, the clients bring them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from tqdm import tqdm

from paletteot.errors import DataError
from paletteot.files import sha256_of, write_bytes
from paletteot.images import catalogue, clients, containers, crops, sample
from paletteot.images import grading as gradings
from paletteot.images.catalogue import Photograph
from paletteot.images.decode import decode
from paletteot.images.reasons import reason
from paletteot.images.source import Original, Picture


class Packages:
    """Seeded crops of the photographs of the table, evenly over subjects and packages.

    cache: folder for the packages and the photographs taken out of them.
    """

    def __init__(self, cache: Path) -> None:
        self.skipped: dict[str, str] = {}
        self.state = None  # the table pins every photograph
        self._cache = cache

    def pictures(self, count: int, *, grading: float, seed: int) -> list[Picture]:
        """Return crops and gradings; picture i depends on the seed and the table alone."""
        made = []
        for number, photograph in enumerate(sample.order(catalogue.photographs(), count, seed)):
            package = catalogue.packages()[photograph.package]
            rng = np.random.default_rng([seed, number])
            made.append(
                Picture(
                    image_id=f"packages-{number:05d}",
                    photograph=photograph.name,
                    group=photograph.group,
                    source=f"{package.name} {package.version}",
                    licence=photograph.licence,
                    attribution=_attribution(photograph, grading),
                    place=photograph.member,
                    crop=crops.draw(rng, photograph.width, photograph.height),
                    grading=gradings.draw(rng, grading),
                )
            )
        return made

    def fetch(self, pictures: Sequence[Picture]) -> Mapping[str, str]:
        """Bring the photographs of these pictures here; what is here already is not fetched again, after a kill too.

        All photographs of a package that is fetched are taken out of it. Returns nothing: raises DataError where a
        client or a package is not to be had, for without some the sample would be another.
        """
        shown = {picture.photograph for picture in pictures}
        missing = [one for one in catalogue.photographs() if one.name in shown and not self._file(one).is_file()]
        names = sorted({one.package for one in missing})
        for client in sorted({catalogue.packages()[name].client for name in names}):
            clients.check(client)
        for name in tqdm(
            names, desc="packages", unit="package", file=sys.stderr, disable=not names, dynamic_ncols=True
        ):
            self._fetch(name)
        return {}

    def open(self, picture: Picture) -> Original:
        """Return a fetched photograph; raises DataError naming its file where it is not the one of the table."""
        return _opened(self._file(_by_name()[picture.photograph]))

    def _fetch(self, name: str) -> None:
        """Take the photographs of a package that are not here out of the first archive of it that has them."""
        package = catalogue.packages()[name]
        wanted = {
            one.sha256: one for one in catalogue.photographs() if one.package == name and not self._file(one).is_file()
        }
        suites = tuple(sorted({one.suite for one in catalogue.packages().values() if one.suite}))
        tried: list[str] = []
        for archive in clients.archives(package, self._cache, suites, tried):
            try:
                for _, content in containers.files(archive):
                    if photograph := wanted.get(sha := sha256_of(content)):
                        write_bytes(self._file(photograph), content)
                        del wanted[sha]
            except DataError as error:
                tried.append(str(error))
            if not wanted:
                return
            first = next(iter(wanted.values()))
            tried.append(f"{archive.name} lacks {len(wanted)} photographs, as {first.member} of SHA-256 {first.sha256}")
        raise DataError(
            f"source packages: {name} {package.version} cannot be had: {'; '.join(dict.fromkeys(tried))}; "
            f"run again to go on; {clients.OTHERS}"
        )

    def _file(self, photograph: Photograph) -> Path:
        return self._cache / "photographs" / photograph.sha256


def _by_name() -> dict[str, Photograph]:
    return {one.name: one for one in catalogue.photographs()}


def _attribution(photograph: Photograph, grading: float) -> str:
    who = "; ".join(part for part in (photograph.author, photograph.link) if part)
    return f"{who}; cropped{' and graded' if grading else ''}"


@lru_cache(maxsize=2)
def _opened(file: Path) -> Original:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{file}: the photograph cannot be read: {reason(error)}") from None
    if sha256_of(content) != file.name:
        raise DataError(f"{file}: the photograph differs from the one recorded; remove it, and it is fetched again")
    return Original(decode(content, str(file)), file.name)
