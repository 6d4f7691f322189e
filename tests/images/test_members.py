"""Files in archives that rows of a data set name: who is asked for them, and what a failure means."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import datasets
import pytest

from paletteot.errors import DataError
from paletteot.images import addresses, members
from paletteot.images.huggingface import HuggingFace
from tests.images import misbehaving
from tests.images.misbehaving import photograph

Lost = Callable[..., dict[str, str]]


def packed(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, photograph(f"/{name}"))
    return buffer.getvalue()


def tarred(name: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(photograph(f"/{name}"))
        archive.addfile(info, io.BytesIO(photograph(f"/{name}")))
    return buffer.getvalue()


@pytest.fixture
def web(monkeypatch) -> Iterator[misbehaving.Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv(addresses.ALLOW, "1")
    monkeypatch.setattr(members, "WHOLE", replace(members.WHOLE, tries=2, backoff=0.01, read=2.0, size=1 << 16))
    with misbehaving.serving() as running:
        yield running


@pytest.fixture
def lost(tmp_path) -> Lost:
    """Fetch what rows name; return why some cannot be had, by number of the row."""

    def fetch(*paths: str, **given: bool) -> dict[str, str]:
        images = [{"bytes": None, "path": path} for path in paths]
        made = datasets.Dataset.from_dict({"image": images}).cast_column("image", datasets.Image())
        if not (tmp_path / "a.parquet").exists():  # written anew it would be drawn from anew
            made.to_parquet(str(tmp_path / "a.parquet"), batch_size=1000)
        source = HuggingFace(str(tmp_path / "a.parquet"), None, None, None, tmp_path / "cache", **given)
        pictures = source.pictures(len(paths), grading=0, seed=0)
        why = source.fetch(pictures)
        assert all("\n" not in one for one in why.values())
        for picture in pictures:
            assert (source.sample / picture.image_id).is_file() == (picture.image_id not in why)
        return {name.removeprefix("hf-").lstrip("0") or "0": one for name, one in why.items()}

    return fetch


def test_an_archive_on_the_web_is_fetched_once_for_all_its_members(web, lost, tmp_path):
    web.plan = {
        "/a.zip": [misbehaving.of(packed("a.png", "b.png"), kind="application/zip")],
        "/c.tar": [misbehaving.of(tarred("c.png"), kind="application/x-tar")],
    }
    paths = [f"zip://a.png::{web.url}/a.zip", f"zip://b.png::{web.url}/a.zip", f"tar://c.png::{web.url}/c.tar"]
    for _ in range(2):
        assert lost(*paths) == {}
        assert web.asked() == {"/a.zip": 1, "/c.tar": 1}
    for number, name in enumerate("abc"):
        assert (tmp_path / f"cache/sample/hf-{number:09d}").read_bytes() == photograph(f"/{name}.png")


def test_what_is_gone_says_why_and_the_others_are_had(web, lost):
    web.plan = {
        "/a.zip": [misbehaving.of(packed("a.png"))], "/gone.zip": [misbehaving.status(404)],
        "/torn.zip": [misbehaving.of(packed("a.png")[:-30])], "/large.zip": [misbehaving.endless],
        "/ftp.zip": [misbehaving.redirect("ftp://127.0.0.1/a.zip")], "/loop.zip": [misbehaving.redirect("/loop.zip")],
    }  # fmt: skip
    paths = [f"zip://a.png::{web.url}/{name}.zip" for name in ("a", "gone", "torn", "large", "ftp", "loop")]
    why = lost(*paths, f"zip://b.png::{web.url}/a.zip")
    assert why.keys() == {"1", "2", "3", "4", "5", "6"}
    assert why["1"] == f"{web.url}/gone.zip: status 404 Told To"
    assert why["2"] == "its file cannot be read: File is not a zip file"
    assert why["3"] == f"{web.url}/large.zip: larger than 65536 bytes"
    assert why["4"].startswith(f"{web.url}/ftp.zip: no URL that can be asked for")
    assert why["5"] == f"{web.url}/loop.zip: more than 5 redirects"
    assert why["6"] == "its file cannot be read: b.png"


@pytest.mark.parametrize("answer", [misbehaving.status(503), misbehaving.hang_up, misbehaving.cut(0.5)])
def test_what_passes_is_an_error_unless_fewer_may_do(web, lost, answer):
    """Once such a file counted as gone, and another picture took its place."""
    web.plan = {"/a.zip": [answer], "/b.zip": [misbehaving.of(packed("b.png"))]}
    paths = [f"zip://a.png::{web.url}/a.zip", f"zip://b.png::{web.url}/b.zip"]
    with pytest.raises(DataError, match=r"2 times; 1 of 2 could not be had for such reasons\. .*run again to go on"):
        lost(*paths)
    assert lost(*paths, allow_fewer=True).keys() == {"0"}
    web.plan["/a.zip"] = [misbehaving.of(packed("a.png"))]
    assert lost(*paths) == {}
    assert web.asked()["/b.zip"] == 1


@pytest.mark.parametrize("there", ["127.0.0.1", "[::ffff:127.0.0.1]"])
def test_a_redirect_leads_nowhere_private(web, lost, monkeypatch, there):
    """The first host is taken for public. Once only that one was looked at, and redirects were followed anywhere."""
    check, port = addresses.check, web.url.rpartition(":")[2]
    monkeypatch.delenv(addresses.ALLOW)
    monkeypatch.setattr(addresses, "check", lambda host, to: list(to) if host == "localhost" else check(host, to))
    web.plan = {
        "/a.zip": [misbehaving.redirect(f"http://{there}:{port}/secret.zip")],
        "/secret.zip": [misbehaving.of(packed("a.png"))],
    }
    assert "not of the public internet" in lost(f"zip://a.png::http://localhost:{port}/a.zip")["0"]
    assert web.asked() == {"/a.zip": 1}


def test_nothing_leads_through_what_is_no_archive(web, lost, tmp_path):
    """References say where to read on: once a server could have any file of this machine taken for a picture."""
    (tmp_path / "secret.png").write_bytes(photograph("/secret"))
    references = json.dumps({"a.png": [f"file://{tmp_path}/secret.png"]}).encode()
    web.plan = {"/a.json": [misbehaving.of(references, kind="application/json")]}
    (tmp_path / "a.json").write_bytes(references)
    steps = ("reference://a.png", "simplecache://", "zip://a.png::reference://a.zip", "file://a", "")
    why = lost(*(f"{step}::{web.url}/a.json" for step in steps), f"reference://a.png::{tmp_path}/a.json")
    assert len(why) == len(steps) + 1
    assert all("but only zip, tar, gzip, bz2, lz4, xz, zstd are legal" in one for one in why.values())
    assert web.log == []


def test_an_archive_here_that_is_damaged_is_no_reason_to_run_again(lost, tmp_path):
    (tmp_path / "whole.zip").write_bytes(packed("a.png"))
    (tmp_path / "torn.zip").write_bytes(packed("a.png")[:-30])
    why = lost(f"zip://a.png::{tmp_path}/whole.zip", f"zip://a.png::{tmp_path}/torn.zip")
    assert why == {"1": "its file cannot be read: File is not a zip file"}


@pytest.mark.parametrize("folder", ["[v1]", "a?c", "all*"])
def test_a_name_that_looks_like_a_pattern_is_a_name(web, tmp_path, folder):
    web.plan = {"/a.zip": [misbehaving.of(packed("a.png"))]}
    here, gone = members.fetch({"a": f"zip://a.png::{web.url}/a.zip"}, tmp_path / folder, allow_fewer=False)
    assert gone == {}
    assert members.take(here["a"], Path(tmp_path / "a")) is None
    assert (tmp_path / "a").read_bytes() == photograph("/a.png")
