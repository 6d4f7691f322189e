from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import polars as pl
import pytest
from safetensors import SafetensorError

from paletteot import files
from paletteot.errors import DataError


def test_what_was_there_stays_whole_when_writing_fails(tmp_path):
    target = tmp_path / "out"
    target.write_text("earlier")

    def write_half() -> None:
        with files.replacing(target) as fresh:
            fresh.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert target.read_text() == "earlier"
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stale").write_text("x")
    with files.replacing(tmp_path / "out") as fresh:
        fresh.mkdir()
        (fresh / "new").write_text("y")
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["new"]
    assert [one.name for one in tmp_path.iterdir()] == ["out"]


def test_a_file_never_replaces_a_folder_nor_a_folder_a_file(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "thesis.txt").write_text("thesis")
    (tmp_path / "note").write_text("note")
    with pytest.raises(DataError, match="results: must be a file, to be replaced by one, but is a folder"):
        files.write_text(tmp_path / "results", "x")
    with pytest.raises(DataError, match="note: must be a folder"), files.replacing(tmp_path / "note") as fresh:
        fresh.mkdir()
    assert (tmp_path / "results" / "thesis.txt").read_text() == "thesis"
    assert (tmp_path / "note").read_text() == "note"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["note", "results"]


WRITERS = {
    "python": lambda fresh: fresh.write_bytes(b"x" * 65536),
    "polars": lambda fresh: pl.DataFrame({"n": range(65536)}).write_parquet(fresh),
    "safetensors": lambda _: (_ for _ in ()).throw(SafetensorError("I/O error: No space left (os error 28)")),
}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_an_error_of_the_system_that_names_the_file(tmp_path, writer):
    target = tmp_path / "out.parquet"

    def write() -> None:
        with files.replacing(target) as fresh:
            fresh.symlink_to("/dev/full")
            WRITERS[writer](fresh)

    with pytest.raises(OSError, match="No space left on device") as caught:
        write()
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(target))
    assert list(tmp_path.iterdir()) == []


def test_what_a_disk_refuses_in_a_folder_names_the_folder(tmp_path):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left", str(fresh / "inside"))

    with pytest.raises(OSError, match="No space left") as caught, files.replacing(tmp_path / "out") as fresh:
        full()
    assert caught.value.filename == str(tmp_path / "out")


def test_a_fault_of_the_code_stays_what_it_is(tmp_path):
    with pytest.raises(FileNotFoundError), files.replacing(tmp_path / "out"):
        (tmp_path / "nowhere").read_text()
    with pytest.raises(ZeroDivisionError), files.replacing(tmp_path / "out"):
        1 / 0  # noqa: B018


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    steps = []
    monkeypatch.setattr(files.os, "fsync", lambda _: steps.append("sync"))
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: steps.append("rename") or replace(self, to))
    files.write_text(tmp_path / "out", "x")
    assert steps == ["sync", "rename", "sync"]


def test_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert files.sha256(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()
