"""Bring a file of a release here from a URL, within limits of size, time and trust."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from paletteot.errors import DataError

LARGEST = 2**32
"""Bytes of a file: shards of the benchmark have 8 MB."""

LONGEST = 1800.0
"""Seconds that a file may take in all,"""
PATIENCE = 20.0
"""and that a server may stay silent."""

HOPS = 5
"""Redirects that are followed."""

PLAINLY = {"Accept-Encoding": "identity"}
"""Shards hardly shrink, and bytes that are counted as they come are the bytes of the file."""

PART = 2**20
"""Bytes that are read at once."""

Get = Callable[[str, Path, int], None]
"""Brings the file of a name, of at most so many bytes, to a path; raises DataError with one line where it cannot."""


def over_http(url: str, *, longest: float = LONGEST) -> Get:
    """Return what gets files below an address of http or https.

    longest: seconds in all. Redirects keep the scheme, or go from http to https, HOPS times at most. What comes packed
    was not asked for, and may unpack to anything: it is refused.
    """
    import httpx2

    def get(name: str, target: Path, largest: int) -> None:
        begin, address = time.monotonic(), f"{url}/{name}"
        try:
            with httpx2.Client(timeout=PATIENCE, follow_redirects=False) as client:
                for _ in range(HOPS + 1):
                    with client.stream("GET", address, headers=PLAINLY) as answer:
                        if answer.has_redirect_location:
                            address = _next(address, answer.headers["location"])
                            continue
                        if answer.status_code != httpx2.codes.OK:
                            raise DataError(f"the server answered {answer.status_code}")
                        if (packed := answer.headers.get("content-encoding", "identity")) != "identity":
                            raise DataError(f"it came packed ({packed[:40]}), which was not asked for")
                        return _save(answer.iter_raw(), target, largest, begin + longest)
            raise DataError(f"more than {HOPS} redirects")
        except (OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL, DataError) as error:
            raise DataError(f"{url}: cannot get {name}: {line(error)}") from None

    return get


def over_fsspec(url: str, *, longest: float = LONGEST) -> Get:
    """Return what gets files below any other URL that fsspec knows; raises DataError where it knows it not.

    longest: seconds in all, as long as the file system answers at all.
    """
    import fsspec

    try:
        files, base = fsspec.core.url_to_fs(url)
    except Exception as error:  # a file system of fsspec raises what its own library does: botocore, pygit2, ftplib
        raise DataError(f"{url}: cannot be read: {line(error)}") from None

    def get(name: str, target: Path, largest: int) -> None:
        deadline = time.monotonic() + longest
        try:
            with files.open(f"{base}/{name}", "rb") as stream:
                _save(iter(lambda: stream.read(PART), b""), target, largest, deadline)
        except Exception as error:
            raise DataError(f"{url}: cannot get {name}: {line(error)}") from None

    return get


def line(error: Exception) -> str:
    """Return what an error says, in one line; its kind where it says nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _next(address: str, location: str) -> str:
    there = urljoin(address, location)
    old, new = urlsplit(address).scheme, urlsplit(there).scheme
    if new != old and (old, new) != ("http", "https"):
        raise DataError(f"a redirect from {old} to {new or 'nowhere'} is not followed")
    return there


def _save(parts: Iterator[bytes], target: Path, largest: int, deadline: float) -> None:
    size = 0
    with target.open("wb") as stream:
        for part in parts:
            size += len(part)
            if size > largest:
                raise DataError(f"it has more than {largest} bytes")
            if time.monotonic() > deadline:
                raise DataError("it takes too long")
            stream.write(part)
