"""A web server on loopback that hands out photographs, and misbehaves as it is told to."""

from __future__ import annotations

import asyncio
import io
import threading
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

PATIENCE = 10.0
"""Seconds that starting and stopping may take."""

Result = TypeVar("Result")
Answer = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]
"""Writes an answer, given the photograph that was asked for."""


@cache
def photograph(path: str) -> bytes:
    """Return a JPEG of 64 x 48 pixels, another one for each path."""
    rng = np.random.default_rng(zlib.crc32(path.encode()))
    pixels = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


async def fine(writer: asyncio.StreamWriter, body: bytes) -> None:
    _head(writer, "200 OK", {"Content-Type": "image/jpeg", "Content-Length": len(body)})
    writer.write(body)


def status(code: int, **headers: object) -> Answer:
    """Answer with a status; of the headers' names `_` stands for `-`."""

    async def answer(writer: asyncio.StreamWriter, _body: bytes) -> None:
        _head(writer, f"{code} Told To", {**headers, "Content-Length": 0})

    return answer


def redirect(location: str, code: int = 302) -> Answer:
    return status(code, Location=location)


def after(seconds: float, then: Answer = fine) -> Answer:
    """Take some time before the answer."""

    async def answer(writer: asyncio.StreamWriter, body: bytes) -> None:
        await asyncio.sleep(seconds)
        await then(writer, body)

    return answer


def trickle(pause: float, step: int = 1) -> Answer:
    """Send a few bytes at a time."""

    async def answer(writer: asyncio.StreamWriter, body: bytes) -> None:
        _head(writer, "200 OK", {"Content-Type": "image/jpeg", "Content-Length": len(body)})
        for start in range(0, len(body), step):
            writer.write(body[start : start + step])
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


async def hang_up(writer: asyncio.StreamWriter, _body: bytes) -> None:
    """Cut the connection before the headers."""
    writer.close()


def cut(share: float = 0.5, *, chunked: bool = False) -> Answer:
    """Cut the connection after a share of the body."""

    async def answer(writer: asyncio.StreamWriter, body: bytes) -> None:
        size = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": len(body)}
        _head(writer, "200 OK", {"Content-Type": "image/jpeg", **size})
        some = body[: int(share * len(body))]
        writer.write(b"%x\r\n%b\r\n" % (len(some), some) if chunked else some)
        await writer.drain()
        writer.close()

    return answer


def of(content: bytes | None = None, kind: str = "image/jpeg", *, share: float = 1.0, **headers: object) -> Answer:
    """Send a share of other content, or of the photograph, as if it were the whole."""

    async def answer(writer: asyncio.StreamWriter, body: bytes) -> None:
        whole = body if content is None else content
        sent = whole[: int(share * len(whole))]
        said = {"Content-Length": len(sent)} | ({"Content-Type": kind} if kind else {})
        _head(writer, "200 OK", said | {name.replace("_", "-"): value for name, value in headers.items()})
        writer.write(sent)

    return answer


async def endless(writer: asyncio.StreamWriter, body: bytes) -> None:
    """Send more and more, without saying how much it will be."""
    _head(writer, "200 OK", {"Content-Type": "image/jpeg", "Transfer-Encoding": "chunked"})
    for _ in range(10_000):
        writer.write(b"%x\r\n%b\r\n" % (len(body), body))
        await writer.drain()


def _head(writer: asyncio.StreamWriter, line: str, headers: dict[str, object]) -> None:
    lines = [f"HTTP/1.1 {line}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())


@dataclass
class Server:
    """What is served at ``url``, and what was asked.

    plan: answers by path: the first to the first request, the last to all that follow; `fine` for other paths. files:
    photographs by path; one is made up for any other. log: time.monotonic() and path with query of every request.
    most: the most connections that were open at a time.
    """

    url: str = ""
    plan: dict[str, Sequence[Answer]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    log: list[tuple[float, str]] = field(default_factory=list)
    most: int = 0
    _open: int = 0
    _asked: Counter[str] = field(default_factory=Counter)

    def asked(self) -> Counter[str]:
        """Return how often each path was asked for."""
        return Counter(urlsplit(target).path for _, target in self.log)

    def times(self, path: str) -> list[float]:
        """Return when a path was asked for, seconds."""
        return [when for when, target in self.log if urlsplit(target).path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self._open += 1
        self.most = max(self.most, self._open)
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 2)[1].decode()
                self.log.append((time.monotonic(), target))
                path = urlsplit(target).path
                self._asked[path] += 1
                answers = self.plan.get(path, [fine])
                answer = answers[min(self._asked[path], len(answers)) - 1]
                await answer(writer, self.files.get(path) or photograph(path))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            return  # they hung up, or the server stops
        finally:
            self._open -= 1
            writer.close()


@contextmanager
def serving(plan: dict[str, Sequence[Answer]] | None = None, files: dict[str, bytes] | None = None) -> Iterator[Server]:
    """Serve from a thread of this process while the block lasts."""
    server = Server(plan=plan or {}, files=files or {})
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def do(what: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(what, loop).result(PATIENCE)

    try:
        listening = do(asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=256))
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server
        do(_stop(listening))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


async def _stop(listening: asyncio.Server) -> None:
    listening.close()
    connections = asyncio.all_tasks() - {asyncio.current_task()}
    for connection in connections:
        connection.cancel()
    await asyncio.gather(*connections, return_exceptions=True)


def seeds(folder: Path) -> dict[str, bytes]:
    """Return the seed's photographs by path."""
    with zipfile.ZipFile(folder / "sample_images.zip") as archive:
        return {f"/seed/{name}": archive.read(name) for name in archive.namelist() if name.endswith(".jpg")}
