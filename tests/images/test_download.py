"""Downloads from a server that misbehaves on purpose."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import httpcore2
import httpx2 as httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paletteot.errors import DataError
from paletteot.images import addresses
from paletteot.images.download import JOURNAL, POLITE, download
from tests.images import misbehaving
from tests.images.misbehaving import Answer, Server, fine, photograph

FAST = replace(POLITE, rate=2000, tries=3, backoff=0.01, wait=5, size=1 << 16)
HURRIED = replace(FAST, read=0.3, total=0.6)


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(addresses.ALLOW, "1")
    with misbehaving.serving() as server:
        yield server


def names(count: int) -> list[str]:
    return [f"photo-{number}" for number in range(count)]


def get(server: Server, folder: Path, *wanted: str, manners=FAST, **given: object) -> dict[str, str]:
    urls = {name: f"{server.url}/{name}" for name in wanted}
    return download(urls, folder, manners=manners, **{"allow_fewer": True, **given})


def had(folder: Path) -> dict[str, bytes]:
    """Return the finished files."""
    return {file.name: file.read_bytes() for file in folder.glob("[!.]*") if file.name != JOURNAL}


def whole(*wanted: str) -> dict[str, bytes]:
    return {name: photograph(f"/{name}") for name in wanted}


def test_what_can_be_had_is_had_and_not_asked_for_again(server, tmp_path):
    assert get(server, tmp_path, *names(40)) == {}
    assert get(server, tmp_path, *names(40)) == {}
    assert had(tmp_path) == whole(*names(40))
    assert server.asked() == {f"/{name}": 1 for name in names(40)}


def test_the_photographs_of_the_seed_come_as_they_are(server, tmp_path, seed_dir):
    server.files = misbehaving.seeds(seed_dir)
    assert download({Path(path).name: f"{server.url}{path}" for path in server.files}, tmp_path) == {}
    assert had(tmp_path) == {Path(path).name: content for path, content in server.files.items()}
    assert len(server.files) == 10


@pytest.mark.parametrize(
    ("answer", "reason", "asked"),
    [
        (misbehaving.status(404), "status 404 Told To", 1),
        (misbehaving.status(410), "status 410 Told To", 1),
        (misbehaving.status(403), "status 403 Told To", 1),
        (misbehaving.status(204), "status 204 Told To", 1),
        (misbehaving.status(304), "status 304 Told To", 1),
        (misbehaving.status(408), "status 408 Told To, 3 times", 3),
        (misbehaving.status(429), "status 429 Told To, 3 times", 3),
        (misbehaving.status(500), "status 500 Told To, 3 times", 3),
        (misbehaving.status(503, Retry_After="soon"), "status 503 Told To, 3 times", 3),
        (misbehaving.hang_up, "RemoteProtocolError: Server disconnected without sending a response., 3 times", 3),
        (misbehaving.cut(0.5), "RemoteProtocolError: peer closed connection without sending complete", 3),
        (misbehaving.cut(0.5, chunked=True), "RemoteProtocolError: peer closed connection without sending comp", 3),
        (misbehaving.after(1), "no bytes for 0.3 s, 3 times", 3),
        (misbehaving.trickle(0.02), "not whole within 0.6 s, 3 times", 3),
        (misbehaving.of(b""), "no bytes, 3 times", 3),
        (misbehaving.of(b"<html>", "text/html"), "content type text/html, not image/*", 1),
        (misbehaving.of(kind=""), "content type none, not image/*", 1),
        (misbehaving.of(Content_Encoding="br"), "content encoding br, which was not asked for", 1),
        (misbehaving.of(Content_Encoding="gzip, ZSTD"), "content encoding zstd, which was not asked for", 1),
        (misbehaving.of(bytes(70_000)), "larger than 65536 bytes", 1),
        (misbehaving.of(b"x", Content_Length=10**15), "larger than 65536 bytes", 1),
        (misbehaving.endless, "larger than 65536 bytes", 1),
        (misbehaving.redirect("/photo"), "more than 5 redirects", 6),
        (misbehaving.redirect("ftp://127.0.0.1/photo"), "no URL that can be asked for", 1),
        (misbehaving.redirect("file:///etc/passwd"), "no URL that can be asked for", 1),
        (misbehaving.redirect(f"http://{'a' * 64}.com/"), "no URL that can be asked for", 1),
        (misbehaving.redirect("http://127.0.0.1:1/"), "ConnectError: All connection attempts failed, 3 times", 3),
    ],
)
def test_what_cannot_be_had_says_why(server, tmp_path, answer, reason, asked):
    server.plan = {"/photo": [answer]}
    lost = get(server, tmp_path, "photo", "other", manners=HURRIED if asked == 3 else FAST)
    assert list(lost) == ["photo"]
    assert lost["photo"].startswith(reason)
    assert "\n" not in lost["photo"]
    assert had(tmp_path) == whole("other")
    assert server.asked()["/photo"] == asked


@pytest.mark.parametrize(
    "url",
    ["", "x.jpg", "http://", "http:///x", "http://[::1", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/", "http://a..b/",
     f"http://{'a' * 64}.com", "http://a\nb/", "http://a:b/", "http://\ud800/", f"http://a/{'b' * 70_000}"],
)  # fmt: skip
def test_what_is_no_url_is_not_asked_for(tmp_path, url):
    assert download({"photo": url}, tmp_path, manners=FAST)["photo"].startswith("no URL that can be asked for: ")


@pytest.mark.parametrize(
    "answer",
    [
        misbehaving.status(500), misbehaving.status(425), misbehaving.status(429, Retry_After="0"),
        misbehaving.hang_up, misbehaving.cut(0), misbehaving.cut(0.99),
        misbehaving.cut(0.3, chunked=True), misbehaving.after(0.5),
        misbehaving.status(503, Retry_After="Thu, 01 Jan 1970 00:00:00 GMT"),
    ],
)  # fmt: skip
def test_what_passes_is_tried_again(server, tmp_path, answer):
    server.plan = {"/photo": [answer, answer, fine]}
    assert get(server, tmp_path, "photo", manners=HURRIED) == {}
    assert had(tmp_path) == whole("photo")
    assert server.asked() == {"/photo": 3}


def test_redirects_are_followed(server, tmp_path):
    server.plan = {
        "/photo": [misbehaving.redirect("/there", 301)],
        "/there": [misbehaving.redirect(f"{server.url}/end")],
    }
    assert get(server, tmp_path, "photo") == {}
    assert had(tmp_path) == {"photo": photograph("/end")}


def test_redirects_between_hosts_end(server, tmp_path):
    other = server.url.replace("127.0.0.1", "localhost")
    server.plan = {"/photo": [misbehaving.redirect(f"{other}/b")], "/b": [misbehaving.redirect(f"{server.url}/photo")]}
    assert get(server, tmp_path, "photo") == {"photo": "more than 5 redirects"}
    assert server.asked() == {"/photo": 3, "/b": 3}


def test_nothing_is_led_from_https_to_http(monkeypatch, tmp_path):
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"Location": str(request.url.copy_with(scheme="http"))})

    monkeypatch.setattr(httpx.AsyncClient, "_init_transport", lambda *_, **__: httpx.MockTransport(answer))
    monkeypatch.setenv(addresses.ALLOW, "1")
    lost = download({"photo": "https://photos.example/a"}, tmp_path, manners=FAST)
    assert lost == {"photo": "redirected from https to 'http://photos.example/a'"}


@pytest.mark.parametrize("layers", [1, 2])
def test_the_limit_of_size_counts_what_is_unpacked(server, tmp_path, layers):
    whole, bomb = photograph("/packed"), bytes(200 << 20)
    for _ in range(layers):
        whole, bomb = gzip.compress(whole), gzip.compress(bomb)
    encoding = ", ".join(["gzip"] * layers)
    server.plan = {
        "/photo": [misbehaving.of(bomb, Content_Encoding=encoding)],
        "/packed": [misbehaving.of(whole, Content_Encoding=encoding)],
        "/torn": [misbehaving.of(b"not packed", Content_Encoding=encoding)],
    }
    tracemalloc.start()
    lost = get(server, tmp_path, "photo", "packed", "torn", manners=replace(FAST, size=1 << 20))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lost["photo"] == "larger than 1048576 bytes"
    assert lost["torn"].startswith("DecodingError: ")
    assert had(tmp_path) == {"packed": photograph("/packed")}
    assert most < 64 << 20


# Whom not to ask.


@pytest.fixture
def strict(server, monkeypatch) -> Server:
    monkeypatch.delenv(addresses.ALLOW)
    return server


def named(monkeypatch, hosts: dict[str, list[str]]) -> list[str]:
    """Answer as a name server; returns who was asked for."""
    asked: list[str] = []

    async def answer(_loop: object, host: str, port: int, **_given: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(0, 0, 0, "", (address, port)) for address in hosts.get(host, [host])]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", answer)
    return asked


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
     "100.64.0.1", "[fe80::1]", "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::a00:1]",
     "[2002:7f00:1::]", "224.0.0.1", "[ff02::1]", "255.255.255.255", "240.0.0.1", "[::]", "127.1", "2130706433"],
)  # fmt: skip
def test_what_is_not_of_the_public_internet_is_not_asked(strict, tmp_path, host):
    port = strict.url.rpartition(":")[2]
    lost = download({"photo": f"http://{host}:{port}/photo"}, tmp_path, manners=FAST)
    assert "not of the public internet; PALETTEOT_ALLOW_PRIVATE=1 allows it" in lost["photo"]
    assert "\n" not in lost["photo"]
    assert strict.log == []


def test_manners_may_allow_it(strict, tmp_path):
    assert get(strict, tmp_path, "photo", manners=replace(FAST, allow_private=True)) == {}


@pytest.mark.parametrize("found", [["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::1"]])
def test_a_name_counts_by_its_addresses(strict, tmp_path, monkeypatch, found):
    port = strict.url.rpartition(":")[2]
    named(monkeypatch, {"photos.example": found})
    lost = download({"photo": f"http://photos.example:{port}/photo"}, tmp_path, manners=FAST)
    assert lost["photo"].startswith(f"photos.example has the address {found[-1]}, not of the public internet")
    assert strict.log == []


def test_every_redirect_is_checked(strict, tmp_path, monkeypatch):
    """The first host is taken for public; it leads to a name, an address, and itself."""
    port = strict.url.rpartition(":")[2]
    named(monkeypatch, {"public.example": ["127.0.0.1"], "inner.example": ["10.0.0.1"]})
    check = addresses.check
    monkeypatch.setattr(
        addresses, "check", lambda host, found: list(found) if host == "public.example" else check(host, found)
    )
    for name, there in {"name": "inner.example", "address": "127.0.0.1", "mapped": "[::ffff:127.0.0.1]"}.items():
        strict.plan[f"/{name}"] = [misbehaving.redirect(f"http://{there}:{port}/secret")]
    strict.plan["/itself"] = [misbehaving.redirect("/end")]
    urls = {name: f"http://public.example:{port}/{name}" for name in ("name", "address", "mapped", "itself")}
    lost = download(urls, tmp_path, manners=FAST)
    assert lost.keys() == {"name", "address", "mapped"}
    assert all("not of the public internet" in why for why in lost.values())
    assert had(tmp_path) == {"itself": photograph("/end")}
    assert strict.asked()["/secret"] == 0


def test_the_address_that_was_checked_is_the_one_that_is_asked(tmp_path, monkeypatch):
    """A name server that says a public address first and a private one later is asked once, by nobody else."""
    asked: list[str] = []
    connected: list[str] = []

    async def rebinding(_loop: object, host: str, port: int, **_given: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(0, 0, 0, "", ("93.184.215.14" if len(asked) == 1 else "127.0.0.1", port))]

    async def connect(_backend: object, host: str, *_given: object) -> None:
        connected.append(host)
        raise httpcore2.ConnectError("nobody there")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", rebinding)
    monkeypatch.setattr(type(httpx.AsyncClient()._transport._pool._network_backend), "connect_tcp", connect)
    lost = download({"photo": "http://photos.example/x"}, tmp_path, manners=replace(FAST, tries=1), allow_fewer=True)
    assert lost == {"photo": "ConnectError: nobody there, 1 times"}
    assert (asked, connected) == (["photos.example"], ["93.184.215.14"])


@given(st.ip_addresses())
def test_addresses_that_are_let_through_are_public(address):
    try:
        assert addresses.check("host", [str(address)]) == [str(address)]
    except addresses.NotPublicError:
        return
    if isinstance(address, ipaddress.IPv6Address):
        mapped = int(address) & 0xFFFFFFFF if address in addresses.NAT64 else address.ipv4_mapped
        address = address if mapped is None else ipaddress.ip_address(mapped)
    assert address.is_global
    kinds = ("private", "loopback", "link_local", "reserved", "multicast", "unspecified")
    assert not [kind for kind in kinds if getattr(address, f"is_{kind}")]


def waits(server: Server, folder: Path, answer: Answer, **manners: float) -> float:
    """Return the seconds between the first and the second request for a photograph."""
    server.plan = {"/photo": [answer, fine]}
    assert get(server, folder, "photo", manners=replace(FAST, **manners)) == {}
    first, second = server.times("/photo")
    return second - first


@pytest.mark.parametrize("code", [429, 503])
def test_seconds_of_retry_after_are_waited(server, tmp_path, code):
    assert 1 <= waits(server, tmp_path, misbehaving.status(code, Retry_After=1)) < 3


def test_a_date_of_retry_after_is_waited_for(server, tmp_path):
    date = datetime.now(UTC) + timedelta(seconds=2)  # of which HTTP drops what is less than a second
    wait = (date.replace(microsecond=0) - datetime.now(UTC)).total_seconds()
    assert wait - 0.3 <= waits(server, tmp_path, misbehaving.status(503, Retry_After=format_datetime(date, True))) < 4


@pytest.mark.parametrize("asked", ["86400", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_is_waited_for_without_end(server, tmp_path, asked):
    assert 0.2 <= waits(server, tmp_path, misbehaving.status(429, Retry_After=asked), wait=0.2) < 3


def test_a_host_that_asks_for_time_is_left_alone(server, tmp_path):
    server.plan = {"/photo-9": [misbehaving.status(429, Retry_After=1), fine]}
    assert get(server, tmp_path, *names(40), manners=replace(FAST, concurrency=4)) == {}
    [start, again] = server.times("/photo-9")
    assert again - start >= 1
    assert not [path for when, path in server.log if start + 0.4 < when < start + 0.95]


def test_pauses_between_tries_grow(server, tmp_path):
    server.plan = {"/photo": [misbehaving.status(500)]}
    get(server, tmp_path, "photo", manners=replace(FAST, tries=4, backoff=0.1))
    times = server.times("/photo")
    gaps = [after - before for before, after in pairwise(times)]
    assert len(gaps) == 3
    assert all(0.05 * 2**i <= gap for i, gap in enumerate(gaps))
    assert gaps[2] < 2


def test_so_many_requests_a_second_and_no_more(server, tmp_path):
    assert get(server, tmp_path, *names(31), manners=replace(FAST, rate=40)) == {}
    times = sorted(when for when, _ in server.log)
    assert times[-1] - times[0] >= 0.95 * 30 / 40
    assert all(later - sooner > 0.9 * 10 / 40 - 0.1 for sooner, later in zip(times, times[10:], strict=False))


@pytest.mark.parametrize("concurrency", [1, 5])
def test_so_many_connections_at_a_time_and_no_more(server, tmp_path, concurrency):
    server.plan = {f"/{name}": [misbehaving.after(0.03)] for name in names(20)}
    assert get(server, tmp_path, *names(20), manners=replace(FAST, concurrency=concurrency)) == {}
    assert server.most == concurrency


def test_a_check_decides_what_is_kept(server, tmp_path):
    def check(content: bytes, url: str) -> None:
        if url.endswith("1"):
            raise DataError(f"{url}: only {len(content)} bytes")

    for _ in range(2):
        lost = get(server, tmp_path, *names(3), check=check)
        assert lost == {"photo-1": f"only {len(photograph('/photo-1'))} bytes"}
    assert had(tmp_path) == whole("photo-0", "photo-2")
    assert set(server.asked().values()) == {1}


def test_what_is_gone_is_remembered_and_what_passes_is_asked_for_again(server, tmp_path):
    told = {"a": 404, "b": 410, "c": 403, "d": 500}
    server.plan = {f"/{name}": [misbehaving.status(code)] for name, code in told.items()}
    first = get(server, tmp_path, *told)
    assert get(server, tmp_path, *told) == first
    assert server.asked() == {"/a": 1, "/b": 1, "/c": 2, "/d": 6}
    server.plan = {}
    assert get(server, tmp_path, *told) == {"a": "status 404 Told To", "b": "status 410 Told To"}
    assert download({"a": f"{server.url}/a?w=2"}, tmp_path, manners=FAST) == {}  # another URL is another question
    assert get(server, tmp_path, "a") == {}


@pytest.mark.parametrize("tail", [b"", b'{"name": "b", "ur', b"\0\0\xff\n", b"[1]\n7\nnull\n{}\n", b"\n\n"])
def test_a_journal_that_a_kill_cut_short_keeps_its_lines(server, tmp_path, tail):
    server.plan = {f"/{name}": [misbehaving.status(404)] for name in "abc"}
    get(server, tmp_path, "a")
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(tail)
    assert list(get(server, tmp_path, "b")) == ["b"]
    assert list(get(server, tmp_path, "a", "b", "c")) == ["a", "b", "c"]
    assert server.asked() == {"/a": 1, "/b": 1, "/c": 1}
    last = (tmp_path / JOURNAL).read_bytes().splitlines()[-1]
    assert json.loads(last) == {"name": "c", "url": f"{server.url}/c", "reason": "status 404 Told To"}


def test_what_passes_is_an_error_unless_fewer_may_do(server, tmp_path):
    server.plan = {"/a": [misbehaving.status(503)], "/c": [misbehaving.status(404)], "/d": [misbehaving.hang_up]}
    with pytest.raises(DataError) as caught:
        get(server, tmp_path, *"abcd", allow_fewer=False)
    assert str(caught.value) == (
        f"{server.url}/a: status 503 Told To, 3 times; 2 of 4 could not be had for such reasons. "
        "What was had is kept: run again to go on, or allow fewer to do without them"
    )
    assert had(tmp_path) == whole("b")
    assert get(server, tmp_path, *"abcd").keys() == {"a", "c", "d"}
    server.plan = {}
    assert get(server, tmp_path, *"abcd", allow_fewer=False).keys() == {"c"}  # is remembered


def test_an_empty_file_is_fetched_again(server, tmp_path):
    (tmp_path / "photo").touch()
    assert get(server, tmp_path, "photo") == {}
    assert had(tmp_path) == whole("photo")


def test_it_is_given_up_when_nothing_can_be_had_any_more(server, tmp_path):
    server.plan = {f"/photo-{number}": [misbehaving.status(502)] for number in range(20, 400)}
    with pytest.raises(DataError) as caught:
        get(server, tmp_path, *names(400), manners=replace(FAST, concurrency=4, patience=10))
    assert "status 502 Told To, 3 times; neither were the 9 before it" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert had(tmp_path) == whole(*names(20))
    assert len(server.asked()) < 40
    server.plan = {}
    assert get(server, tmp_path, *names(400)) == {}


def test_a_disk_that_is_full_is_one_plain_error(server, tmp_path, monkeypatch):
    def full(_self: Path, _content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        get(server, tmp_path, *names(10))
    assert had(tmp_path) == {}


def test_progress_goes_to_stderr_and_only_when_there_is_some(server, tmp_path, capfd):
    get(server, tmp_path, *names(3))
    out, err = capfd.readouterr()
    assert out == ""
    assert "photographs: 100%" in err
    get(server, tmp_path, *names(3))
    assert capfd.readouterr() == ("", "")


RUN = """
import json, sys
from dataclasses import replace
from pathlib import Path
from paletteot.images.download import POLITE, download
urls, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
download(urls, folder, manners=replace(POLITE, rate=2000, concurrency=8, tries=2, backoff=0.01))
"""


def test_a_killed_run_started_again_fetches_only_what_is_missing(server, tmp_path):
    wanted = names(120)
    gone = wanted[::6]
    slow = misbehaving.after(0.05)
    server.plan = {f"/{name}": [misbehaving.status(404) if name in gone else slow] for name in wanted}
    urls = {name: f"{server.url}/{name}" for name in wanted}
    killed = subprocess.Popen(
        [sys.executable, "-c", RUN, json.dumps(urls), str(tmp_path / "cache")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 30
    while len(server.log) < 60 and time.monotonic() < end:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(10) == -signal.SIGKILL
    time.sleep(0.2)  # until the server has read what was sent before the kill
    finished, remembered = had(tmp_path / "cache"), (tmp_path / "cache" / JOURNAL).read_text().splitlines()
    assert 20 < len(finished) < 80
    assert len(remembered) > 5
    before = len(server.log)
    assert list(get(server, tmp_path / "cache", *wanted)) == gone
    assert had(tmp_path / "cache").items() >= whole(*(name for name in wanted if name not in gone)).items()
    again = [target.removeprefix("/") for _, target in server.log[before:]]
    assert len(again) == len(set(again)) == len(wanted) - len(finished) - len(remembered)
    assert not set(again) & {*finished, *(json.loads(line)["name"] for line in remembered)}
