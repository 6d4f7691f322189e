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

import numpy as np
import pytest

import paletteot
from paletteot.dataset import fetching, shards, sources, verify
from paletteot.errors import PaletteOTError
from tests.dataset import made

HASH = "0" * 64


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


def test_a_hub_out_of_reach_is_asked_once(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    begin = time.monotonic()
    with pytest.raises(PaletteOTError, match="ORG/NAME: cannot get VERSION: the hub cannot be reached"):
        sources.find("ORG/NAME")
    assert time.monotonic() - begin < 2 * sources.HUB_SECONDS


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
    import polars as pl

    folder = made.pipeline_folder(tmp_path)
    file = folder / "plans" / "test_seen-00000-of-00001.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(passes=pl.col("passes") + pl.int_range(pl.len(), dtype=pl.Int32)).write_parquet(file)
    assert len(paletteot.load("test_seen", source=folder)) == 2
    with pytest.raises(PaletteOTError, match=r"test_seen-00000-of-00001\.parquet: row 1: digest must be"):
        paletteot.load("test_seen", source=folder, check_rows=True)


def test_a_flipped_bit_is_one_line_or_a_fault(release, tmp_path):
    """120 random bits of all files: nothing is used as it is, and nothing ends in another kind of error."""
    chance = random.Random(0)
    files = sorted(file.relative_to(release) for file in release.rglob("*") if file.is_file())
    for _ in range(120):
        name = chance.choice(files)
        folder = tmp_path / "flipped"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(release, folder)
        content = bytearray((folder / name).read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        (folder / name).write_bytes(content)
        try:
            said = [str(fault) for fault in verify.verify(sources.release(folder), threads=1).faults]
        except PaletteOTError as error:
            said = [str(error)]
        assert said
        assert not any("\n" in line for line in said)


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer(self)
            except OSError:  # the client has had enough
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}"
    finally:
        running.shutdown()
        running.server_close()


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
        get = fetching.over_http(url, largest=10**6, longest=0.5 if kind == "a drip" else 20)
        with pytest.raises(PaletteOTError, match=f"^{url}: cannot get VERSION: {words}"):
            get("VERSION", tmp_path / "VERSION")


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
