"""Photographs of the Unsplash Lite data set: the archive lists them, Unsplash's servers hand them out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from paletteot.dataset.licences import UNSPLASH
from paletteot.errors import DataError
from paletteot.files import sha256_of
from paletteot.images import archive
from paletteot.images import grading as gradings
from paletteot.images.decode import decode
from paletteot.images.download import POLITE, Manners, download
from paletteot.images.reasons import reason
from paletteot.images.source import Original, Picture


class Unsplash:
    """The photos that an archive lists, in seeded order, fetched when they are wanted.

    location: the zip, or the folder it was unpacked to. cache: folder for the photographs. width: that they are asked
    for in, pixels. manners: towards the servers. allow_fewer: whether a photo that cannot be had now, but may be had
    another time, is done without.
    """

    def __init__(
        self, location: str, cache: Path, *, width: int = 512, manners: Manners = POLITE, allow_fewer: bool = False
    ) -> None:
        self.skipped: dict[str, str] = {}
        self.state = None  # a photograph in the cache is never written anew
        self._location = Path(location)
        self._folder = cache / f"w{width}"
        self._width = width
        self._manners = manners
        self._allow_fewer = allow_fewer

    def pictures(self, count: int, *, grading: float, seed: int) -> list[Picture]:  # noqa: ARG002
        """Return every photo of the archive: what stands behind the first ``count`` stands by.

        A photo's place in the order depends on the seed and its id, its grading on these and ``grading``.
        """
        found = archive.read(self._location)
        self.skipped = found.skipped
        photos = found.photos.iter_rows(named=True)
        order = sorted(photos, key=lambda photo: hashlib.sha256(f"{seed}:{photo['photo_id']}".encode()).digest())
        return [
            Picture(
                image_id=f"unsplash-{photo['photo_id']}",
                group=photo["photographer_username"],
                source=found.source,
                licence=UNSPLASH,
                attribution=_attribution(photo),
                place=resized(photo["photo_image_url"], self._width),
                grading=gradings.draw(np.random.default_rng([seed, _number(photo["photo_id"])]), grading),
            )
            for photo in order
        ]

    def fetch(self, pictures: Sequence[Picture]) -> Mapping[str, str]:
        """Download the photographs that are not here yet; return why some cannot be had.

        Raises DataError where some can be had another time, unless fewer may do, and when nothing can be had any more:
        no network, or the servers are down.
        """
        urls = {picture.image_id: picture.place for picture in pictures}
        return download(urls, self._folder, manners=self._manners, check=decode, allow_fewer=self._allow_fewer)

    def open(self, picture: Picture) -> Original:
        """Return a photograph that was fetched; raises DataError where it was not, or is no whole picture."""
        file = self._folder / picture.image_id
        try:
            content = file.read_bytes()
        except OSError as error:
            raise DataError(f"{file}: the photograph cannot be read: {reason(error)}") from None
        return Original(decode(content, str(file)), sha256_of(content))


def resized(url: str, width: int) -> str:
    """Return the URL of an image in this width, pixels; what else it asks for is kept."""
    parts = urlsplit(url)
    kept = [one for one in parts.query.split("&") if one and one.partition("=")[0] != "w"]
    return parts._replace(query="&".join([*kept, f"w={width}"]), fragment="").geturl()


def _attribution(photo: Mapping[str, str | None]) -> str:
    names = f"{photo['photographer_first_name'] or ''} {photo['photographer_last_name'] or ''}".split()
    who = photo["photographer_username"]
    page = photo["photo_url"] or f"https://unsplash.com/photos/{photo['photo_id']}"
    return f"{' '.join(names)} ({who}) on Unsplash; {page}" if names else f"{who} on Unsplash; {page}"


def _number(photo_id: str) -> int:
    """Return an integer that belongs to an id on every machine, unlike hash()."""
    return int.from_bytes(hashlib.sha256(photo_id.encode()).digest()[:8], "big")
