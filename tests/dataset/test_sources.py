"""What a source may name, and what is not brought here."""

from __future__ import annotations

import gzip
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
import pytest

import paletteot
from paletteot.dataset import fetching, shards, sources, verify
from paletteot.errors import PaletteOTError
from paletteot.tables import row_digests
from tests.dataset import made

HASH = "0" * 64

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer(self)
            except OSError:  # the client has had enough
                self.close_connection = True

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            return

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    return made.release(tmp_path_factory.mktemp("sources") / "release")


@pytest.fixture
def copy(release, tmp_path) -> Path:
    return Path(shutil.copytree(release, tmp_path / "copy"))


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../x", "plans/../../x", "C:/x", "plans\\x", "a//b", "./x", "plans/.", " x", "x ", "a\tb", "~:x"],
)
def test_a_listing_names_files_of_the_release_only(copy, name):
    (copy / "checksums.sha256").write_text(f"{HASH}  {name}\n")
    with pytest.raises(PaletteOTError, match=r"checksums\.sha256: line 1 must ") as raised:
        sources.release(copy)
    assert str(raised.value).isprintable()


def test_a_listing_names_each_file_once(copy):
    listing = copy / "checksums.sha256"
    listing.write_text(listing.read_text() + f"{HASH}  VERSION\n")
    with pytest.raises(PaletteOTError, match="must name each file once, but names 'VERSION' again"):
        sources.release(copy)


def test_a_link_that_leads_out_is_refused_and_one_into_a_cache_is_not(copy, tmp_path):
    name = "plans/test_seen-00000-of-00001.parquet"
    for folder, fine in (("elsewhere", False), ("files/md5/ab", True)):
        outside = tmp_path / folder / "object"
        outside.parent.mkdir(parents=True)
        shutil.copy(copy / name, outside)
        (copy / name).unlink()
        (copy / name).symlink_to(outside)
        if fine:
            assert len(paletteot.load("test_seen", source=copy)) == 2
        else:
            with pytest.raises(PaletteOTError, match="must lie in the release's folder, but is a link to"):
                paletteot.load("test_seen", source=copy)
            (copy / name).unlink()
            shutil.copy(outside, copy / name)


@pytest.mark.parametrize("content", [b"", b"1.0", b"1.0.0\n2.0.0", b"v1.0.0", b"\xff\xfe", b"1" * 10**6, b"1.0.0\0"])
def test_a_version_is_one_short_line(copy, content):
    (copy / "VERSION").write_bytes(content)
    with pytest.raises(PaletteOTError, match=r"VERSION: must be") as raised:
        sources.release(copy)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("name", ["data/release", "./release", "~/release", "/no/such", "a/b/c", "here/release"])
def test_a_path_that_is_not_there_is_said_at_once(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(sources, "_on_hub", lambda *_: pytest.fail("a hub was asked"))
    with pytest.raises(PaletteOTError, match=r"no such folder; `make quickstart` makes .* `dvc repro` data/release"):
        sources.find(name)


def answering(code: int, size: int = 0) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        request.send_header("X-Repo-Commit", "0" * 40)
        request.send_header("ETag", "x")
        request.send_header("Content-Length", str(size))
        request.end_headers()

    return answer


def silent(request: BaseHTTPRequestHandler) -> None:
    time.sleep(0.5)  # longer than the patience that the test has
    answering(200)(request)


HUBS = {
    "silent": (silent, "cannot get VERSION: the hub cannot be reached: timed out"),
    "with a fault": (answering(503), "cannot get VERSION: the hub answered 503"),
    "busy": (answering(429), "cannot get VERSION: the hub answered 429"),
    "of a huge file": (answering(200, 10**12), "VERSION: must be at most 64 bytes, but has 1000000000000"),
}


@pytest.mark.parametrize("kind", HUBS)
def test_a_hub_is_asked_once(monkeypatch, tmp_path, kind):
    answer, words = HUBS[kind]
    asked: list[str] = []

    def counted(request: BaseHTTPRequestHandler) -> None:
        if "VERSION" in request.path:  # the client asks for other things too
            asked.append(request.command)
        answer(request)

    with server(counted) as url:
        path = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", url + path)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(sources, "HUB_SECONDS", 0.2)
        with pytest.raises(PaletteOTError, match=f"ORG/NAME.*{words}"):
            sources.find("ORG/NAME")
    assert asked == ["HEAD"]


MISSING = {
    "one": (["train-00000-of-00002.parquet"], "must have 2 shards, but lacks train-00001-of-00002"),
    "the first": (["train-00001-of-00002.parquet"], "but lacks train-00000-of-00002"),
    "of two sets": (
        ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet", "train-00000-of-00003.parquet"],
        r"must be one set of shards, but has some of \[2, 3\]",
    ),
    "twice": (["a/train-00000-of-00001.parquet", "b/train-00000-of-00001.parquet"], r"1 shards, but has \[0, 0\]"),
    "none of a shard": (["train.parquet"], "must be named SPLIT-NNNNN-of-NNNNN.parquet"),
}  # fmt: skip


@pytest.mark.parametrize("fault", MISSING)
def test_shards_that_are_not_whole_are_named(fault):
    names, words = MISSING[fault]
    with pytest.raises(PaletteOTError, match=words):
        shards.whole(names, "here")


def test_no_reader_misses_a_deleted_shard(tmp_path):
    folder = made.pipeline_folder(tmp_path)
    (folder / "plans" / "train-00001-of-00002.parquet").unlink()
    for split in ("train", "test_seen"):
        with pytest.raises(PaletteOTError, match="split train must have 2 shards, but lacks train-00001-of-00002"):
            paletteot.load(split, source=folder)


def test_rows_are_checked_where_asked(tmp_path):
    folder = made.pipeline_folder(tmp_path)
    file = folder / "plans" / "test_seen-00000-of-00001.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(passes=pl.col("passes") + pl.int_range(pl.len(), dtype=pl.Int32)).write_parquet(file)
    assert len(paletteot.load("test_seen", source=folder)) == 2
    with pytest.raises(PaletteOTError, match=r"test_seen-00000-of-00001\.parquet: row 1: digest must be"):
        paletteot.load("test_seen", source=folder, check_rows=True)


def test_rows_of_palettes_are_checked_too_and_later_columns_with_them(tmp_path):
    folder = made.pipeline_folder(tmp_path)
    file = folder / "palettes.parquet"
    later = pl.read_parquet(file).select(pl.exclude("digest"), pl.lit(7.5).alias("later"))
    later = later.with_columns(digest=pl.Series(row_digests(later)))
    later.write_parquet(file)
    assert len(paletteot.load("test_seen", source=folder, check_rows=True)) == 2
    later.with_columns(inertia=pl.lit(0.5)).write_parquet(file)
    with pytest.raises(PaletteOTError, match=r"palettes\.parquet: row 0: digest must be"):
        paletteot.load("test_seen", source=folder, check_rows=True)


T = TypeVar("T")


def tried(ask: Callable[[], T]) -> tuple[T | None, str]:
    """Return what is answered and no words, or nothing and the words of the error."""
    try:
        return ask(), ""
    except PaletteOTError as error:
        return None, str(error)


def flipped(whole: Path, folder: Path, times: int) -> Iterator[Path]:
    """Give a file of a copy of a folder in which one random bit is not what it was, so many times."""
    chance = random.Random(0)
    files = sorted(file.relative_to(whole) for file in whole.rglob("*") if file.is_file())
    shutil.copytree(whole, folder)
    for _ in range(times):
        name = chance.choice(files)
        good = (whole / name).read_bytes()
        content = bytearray(good)
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        (folder / name).write_bytes(content)
        yield folder / name
        (folder / name).write_bytes(good)


def test_a_flipped_bit_of_a_release_is_never_loaded(release, tmp_path):
    folder = tmp_path / "flipped"
    good = paletteot.load("test_seen", source=release).frame
    for file in flipped(release, folder, 100):
        loaded, words = tried(lambda: paletteot.load("test_seen", source=folder).frame)
        assert "\n" not in words
        assert loaded is None or loaded.equals(good)
        if file.name in ("VERSION", "full-00000-of-00001.parquet", "test_seen-00000-of-00001.parquet"):
            assert words or file.parent.name == "images"
        elif file.name != "checksums.sha256":
            assert not words


def test_a_flipped_bit_of_the_pipelines_folder_is_one_line_or_other_values(tmp_path):
    """Without checksums what polars can still read is read; what it cannot is one line, whenever that is noticed."""
    whole = made.pipeline_folder(tmp_path / "whole")
    asked: list[Callable[[paletteot.Plans], object]] = [
        lambda plans: plans.frame,
        lambda plans: plans.g,
        lambda plans: plans.problem(0),
        lambda plans: [plans.potential(row) for row in range(len(plans))],
    ]
    lines = set()
    for file in flipped(whole, tmp_path / "flipped", 150):
        for ask in asked:
            _, words = tried(lambda ask=ask: ask(paletteot.load("train", source=tmp_path / "flipped")))
            lines.add(words)
            assert not words or file.name in words or "train" in words
    assert len(lines) > 10
    assert not any("\n" in line for line in lines)


def test_a_flipped_bit_is_one_line_or_a_fault(release, tmp_path):
    """120 random bits of all files: nothing is used as it is, and nothing ends in another kind of error."""
    folder = tmp_path / "flipped"
    for _ in flipped(release, folder, 120):
        try:
            said = [str(fault) for fault in verify.verify(sources.release(folder), threads=1).faults]
        except PaletteOTError as error:
            said = [str(error)]
        assert said
        assert not any("\n" in line for line in said)


def redirect(location: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(bytes(2**16))


def dripping(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b"x")
        time.sleep(0.05)


def nowhere(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Content-Length", "0")
    request.end_headers()


def endless_nothing(request: BaseHTTPRequestHandler) -> None:
    """Packed blocks that unpack to no byte at all."""
    request.send_response(200)
    request.send_header("Content-Encoding", "gzip")
    request.end_headers()
    while True:
        request.wfile.write(gzip.compress(b""))


def bomb(request: BaseHTTPRequestHandler) -> None:
    body = gzip.compress(bytes(2**24))
    request.send_response(200)
    request.send_header("Content-Encoding", "gzip")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


UNWELCOME = {
    "another scheme": (redirect("file:///etc/passwd"), "a redirect from http to file is not followed"),
    "a loop": (redirect("/VERSION"), "more than 5 redirects"),
    "an endless body": (endless, "it has more than 1000000 bytes"),
    "a bomb": (bomb, r"it came packed \(gzip\), which was not asked for"),
    "endless nothing": (endless_nothing, r"it came packed \(gzip\), which was not asked for"),
    "a redirect to nowhere": (nowhere, "the server answered 302"),
    "a drip": (dripping, "it takes too long"),
    "no such file": (lambda request: request.send_error(404), "the server answered 404"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNWELCOME)
def test_what_a_server_must_not_do_is_one_line(tmp_path, kind):
    answer, words = UNWELCOME[kind]
    with server(answer) as url:
        get = fetching.over_http(url, longest=0.5 if kind == "a drip" else 20)
        with pytest.raises(PaletteOTError, match=f"^{url}: cannot get VERSION: {words}"):
            get("VERSION", tmp_path / "VERSION", 10**6)


@pytest.mark.parametrize("scheme", ["http", "HTTP", "simplecache::http"])
def test_no_more_of_a_small_file_is_kept_than_it_may_have(monkeypatch, tmp_path, scheme):
    monkeypatch.setenv("PALETTEOT_CACHE", str(tmp_path))

    def large(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(10**6))
        request.end_headers()
        request.wfile.write(bytes(10**6))

    with server(large) as url, pytest.raises(PaletteOTError, match="cannot get VERSION: it has more than 64 bytes"):
        sources.find(url.replace("http", scheme, 1))
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.parametrize("error", [KeyError("main"), RuntimeError("no\ncredentials"), TimeoutError()])
def test_whatever_a_file_system_raises_is_one_line(monkeypatch, error):
    """botocore, pygit2 and ftplib have errors of their own."""

    def raising(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem._open", raising)
    with pytest.raises(PaletteOTError, match=r"^memory://x: cannot get VERSION: .+$") as raised:
        sources.find("memory://x")
    assert "\n" not in str(raised.value)


def test_a_release_is_read_over_http(release, monkeypatch, tmp_path):
    monkeypatch.setenv("PALETTEOT_CACHE", str(tmp_path))

    def serve(request: BaseHTTPRequestHandler) -> None:
        file = release / request.path.lstrip("/")
        if not file.is_file():
            return request.send_error(404)
        request.send_response(200)
        request.end_headers()
        request.wfile.write(file.read_bytes())
        return None

    with server(serve) as url:
        plans = paletteot.load("test_seen", source=url)
        assert np.array_equal(plans.g, paletteot.load("test_seen", source=release).g)
