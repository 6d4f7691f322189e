"""Fetching many files over HTTP: a few at a time, politely, and none of them twice."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import NoReturn

import httpx2 as httpx
from tqdm import tqdm

from paletteot.errors import DataError
from paletteot.files import replacing
from paletteot.images import addresses
from paletteot.images.addresses import NotPublicError
from paletteot.images.reasons import reason

JOURNAL = "journal.jsonl"
"""What was found gone, one JSON line for each file; without it they are all asked for again."""

GONE = (404, 410)
PASSING = (408, 425, 429)
"""Besides all above 499: answers that may be others next time."""

PACKED = {"identity", "gzip", "deflate"}
"""Content encodings that are undone though none is asked for: httpx2 knows others only where their packages are."""

HEADERS = {
    "User-Agent": "paletteot (https://github.com/paletteot/paletteot)",
    "Accept": "image/*",
    "Accept-Encoding": "identity",  # images are compressed already, and so Content-Length is their size
}


@dataclass(frozen=True)
class Manners:
    """How servers are treated, and how long they are waited for; all times in seconds.

    concurrency: files under way at once. rate: requests per second to one host. connect, read: for a connection, for
    the next bytes. total: for one whole answer. size: bytes of the largest file, unpacked. kind: what content types
    begin with. tries: for one file. backoff: before the second, twice that before the third, and so on. wait: the
    longest of these, and of what a server may ask for. redirects: for one file; none leads from https to http.
    patience: files in a row lost to what should pass, before all is given up. allow_private: hosts whose addresses are
    not of the public internet are asked too, as they are where the environment says so (`addresses.ALLOW`). Behind a
    proxy it is the proxy that finds addresses.
    """

    concurrency: int = 16
    rate: float = 50.0
    connect: float = 10.0
    read: float = 20.0
    total: float = 60.0
    size: int = 32 << 20
    kind: str = "image/"
    tries: int = 6
    backoff: float = 1.0
    wait: float = 120.0
    redirects: int = 5
    patience: int = 64
    allow_private: bool = False


POLITE = Manners()
Check = Callable[[bytes, str], object]


def download(
    urls: Mapping[str, str], folder: Path, *, manners: Manners = POLITE, check: Check | None = None,
    allow_fewer: bool = False,
) -> dict[str, str]:  # fmt: skip
    """Fetch each URL to ``folder / name`` unless it is there; return why, by name, those that cannot be had cannot.

    check: called with content and URL before a file is kept, in one other thread; raises DataError where it will not
    do. What is gone and what will not do is remembered in the folder's journal; whatever else failed is asked for again
    the next time. allow_fewer: whether files may be lost to what should pass: a server's error, a cut connection.
    Raises DataError where they may not, after the others are had, and when ``manners.patience`` in a row are lost so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remembered = _remembered(folder / JOURNAL)
    missing = {name: url for name, url in urls.items() if not _is_here(folder / name)}
    lost = {name: remembered[name, url] for name, url in missing.items() if (name, url) in remembered}
    todo = {name: url for name, url in missing.items() if name not in lost}
    if todo:
        bar = tqdm(
            total=len(urls), initial=len(urls) - len(todo), desc="photographs", unit="file", file=sys.stderr,
            mininterval=0.5 if sys.stderr.isatty() else 10, dynamic_ncols=True,
        )  # fmt: skip
        run = _Run(folder, manners, check, bar)
        with bar:
            lost |= asyncio.run(run.fetch(todo))
        if run.passing and not allow_fewer:
            name = next(name for name in urls if name in run.passing)
            raise DataError(
                f"{urls[name]}: {lost[name]}; {len(run.passing)} of {len(urls)} could not be had for such reasons. "
                "What was had is kept: run again to go on, or allow fewer to do without them"
            )
    return {name: lost[name] for name in urls if name in lost}


class _Lost(Exception):  # noqa: N818
    """Why a file was not had; ``passing``: another try may have it; ``gone``: it need not be asked for again."""

    def __init__(self, reason: str, *, passing: bool = False, gone: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing
        self.gone = gone


class _Pace:
    """When each host may be asked next: at even intervals, and not before it said."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._next: dict[str, float] = defaultdict(float)
        self._closed: dict[str, float] = defaultdict(float)

    async def turn(self, host: str) -> None:
        """Wait until the host may be asked."""
        while True:
            now = time.monotonic()
            slot = max(now, self._next[host])
            self._next[host] = slot + self._interval
            await asyncio.sleep(slot - now)
            if time.monotonic() >= self._closed[host]:  # else it was closed meanwhile
                return

    def close(self, host: str, seconds: float) -> None:
        """Leave the host alone for some seconds."""
        until = time.monotonic() + seconds
        self._closed[host] = max(self._closed[host], until)
        self._next[host] = max(self._next[host], until)


class _Run:
    """One call of `download`; passing: names of the files lost to what should pass."""

    def __init__(self, folder: Path, manners: Manners, check: Check | None, bar: tqdm[NoReturn]) -> None:
        self._folder, self._manners, self._check, self._bar = folder, manners, check, bar
        self._pace = _Pace(manners.rate)
        self._allow_private = manners.allow_private or addresses.allowed()
        self._checking = asyncio.Lock()
        self._lost: dict[str, str] = {}
        self.passing: set[str] = set()
        self._in_a_row = 0

    async def fetch(self, todo: Mapping[str, str]) -> dict[str, str]:
        """Fetch files by URL; return why some were not had."""
        manners = self._manners
        timeout = httpx.Timeout(manners.read, connect=manners.connect, pool=None)
        limits = httpx.Limits(max_connections=manners.concurrency, max_keepalive_connections=manners.concurrency)
        left = iter(todo.items())  # shared: whoever is free takes the next
        async with httpx.AsyncClient(headers=HEADERS, timeout=timeout, limits=limits, verify=_tls()) as self._client:
            if not self._allow_private:
                _only_public(self._client)
            try:
                async with asyncio.TaskGroup() as workers:
                    for _ in range(min(manners.concurrency, len(todo))):
                        workers.create_task(self._work(left))
            except BaseExceptionGroup as failed:
                raise failed.exceptions[0] from None
        return self._lost

    async def _work(self, left: Iterator[tuple[str, str]]) -> None:
        for name, url in left:
            try:
                content = await self._tried(url)
                async with self._checking:  # for what changes settings of the process meanwhile, as warnings' filters
                    await asyncio.to_thread(self._checked, content, url)
                with replacing(self._folder / name) as fresh:
                    fresh.write_bytes(content)
                self._in_a_row = 0
            except _Lost as lost:
                self._note(name, url, lost)
            self._bar.update()

    def _note(self, name: str, url: str, lost: _Lost) -> None:
        self._lost[name] = str(lost)
        if lost.passing:
            self.passing.add(name)
        self._in_a_row = self._in_a_row + 1 if lost.passing else 0
        if lost.gone:
            line = json.dumps({"name": name, "url": url, "reason": str(lost)}) + "\n"
            with (self._folder / JOURNAL).open("a", encoding="utf-8") as journal:
                journal.write(line)
        if self._in_a_row >= self._manners.patience:
            raise DataError(
                f"{url}: {lost}; neither were the {self._in_a_row - 1} before it to be had, so no more were asked for. "
                "What was had is kept: run again to go on when the servers can be reached"
            )

    def _checked(self, content: bytes, url: str) -> None:
        if self._check is not None:
            try:
                self._check(content, url)
            except DataError as error:
                raise _Lost(str(error).removeprefix(f"{url}: "), gone=True) from None

    async def _tried(self, url: str) -> bytes:
        """Return what is at a URL, trying again where that may help."""
        number = 1
        while True:
            try:
                return await self._once(url)
            except (_Lost, TimeoutError, NotPublicError, httpx.HTTPError, httpx.InvalidURL) as error:
                lost = self._understood(error)
            if not lost.passing:
                raise lost
            if number == self._manners.tries:
                raise _Lost(f"{lost}, {number} times", passing=True)
            pause = min(self._manners.backoff * 2 ** (number - 1), self._manners.wait)
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            number += 1

    def _understood(self, error: Exception) -> _Lost:
        match error:
            case _Lost():
                return error
            case NotPublicError():
                return _Lost(str(error))
            case httpx.InvalidURL():
                return _Lost(f"no URL that can be asked for: {reason(error)}")
            case httpx.ConnectTimeout():
                return _Lost(f"no connection within {self._manners.connect:g} s", passing=True)
            case httpx.TimeoutException():
                return _Lost(f"no bytes for {self._manners.read:g} s", passing=True)
            case TimeoutError():
                return _Lost(f"not whole within {self._manners.total:g} s", passing=True)
        why = reason(error)
        name = type(error).__name__
        return _Lost(why if why == name else f"{name}: {why}", passing=True)

    async def _once(self, url: str) -> bytes:
        request = self._client.build_request("GET", url)
        for _ in range(self._manners.redirects + 1):
            _check_url(request.url)
            if not self._allow_private:
                addresses.check_literal(request.url.host)
            await self._pace.turn(request.url.host)
            async with asyncio.timeout(self._manners.total):
                response = await self._client.send(request, stream=True)
                try:
                    if response.next_request is None:
                        return await self._body(response)
                    if (request.url.scheme, response.next_request.url.scheme) == ("https", "http"):
                        raise _Lost(f"redirected from https to {str(response.next_request.url)[:200]!r}")
                    request = response.next_request
                finally:
                    await response.aclose()
        raise _Lost(f"more than {self._manners.redirects} redirects")

    async def _body(self, response: httpx.Response) -> bytes:
        status, headers, most = response.status_code, response.headers, self._manners.size
        if status != 200:
            if passing := status in PASSING or status >= 500:
                self._pace.close(response.url.host, min(_asked_for(headers.get("Retry-After")), self._manners.wait))
            raise _Lost(f"status {status} {response.reason_phrase}".strip(), passing=passing, gone=status in GONE)
        if not (kind := headers.get("Content-Type", "none")).lower().startswith(self._manners.kind):
            raise _Lost(f"content type {kind[:100]}, not {self._manners.kind}*")
        packed = {one.strip().lower() for one in headers.get("Content-Encoding", "identity").split(",")}
        if not packed <= PACKED:
            raise _Lost(f"content encoding {', '.join(sorted(packed - PACKED))[:100]}, which was not asked for")
        too_large = _Lost(f"larger than {most} bytes")
        if int(headers.get("Content-Length", 0)) > most:
            raise too_large
        content = bytearray()
        async for some in response.aiter_bytes():
            content += some
            if len(content) > most:
                raise too_large
        if not content:
            raise _Lost("no bytes", passing=True)
        return bytes(content)


def _only_public(client: httpx.AsyncClient) -> None:
    """Let a client connect to public addresses alone, but for the proxies that the environment names.

    httpx2 lets the backend of its connections be given only together with the proxies, which it would then not look up.
    """
    pool = client._transport._pool  # type: ignore[attr-defined]
    pool._network_backend = addresses.PublicOnly(pool._network_backend)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reads every root certificate, each time


def _check_url(url: httpx.URL) -> None:
    """Raise _Lost for what the layers below httpx choke on, or should not be led to."""
    try:
        legal = url.scheme in ("http", "https") and url.host.encode("idna") and (url.port or 80) < 1 << 16
    except UnicodeError:  # a label of the host is empty or too long
        legal = False
    if not legal:
        raise _Lost(f"no URL that can be asked for: {str(url)[:200]!r}")


def _asked_for(header: str | None) -> float:
    """Return the seconds that a Retry-After asks for, as a number or as a date; 0 where it asks for nothing."""
    if header is None:
        return 0.0
    if header.strip().isdecimal():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - time.time())


def _is_here(file: Path) -> bool:
    return file.is_file() and file.stat().st_size > 0  # nothing: a computer that lost its power


def _remembered(journal: Path) -> dict[tuple[str, str], str]:
    """Return the reasons in a journal, by name and URL; ignores lines that a kill cut short."""
    content = journal.read_bytes() if journal.is_file() else b""
    if not content.endswith(b"\n") and content:
        with journal.open("ab") as stream:
            stream.write(b"\n")  # so that the next line stands alone
    found = {}
    for line in content.splitlines():
        with suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            found[str(entry["name"]), str(entry["url"])] = str(entry["reason"])
    return found
