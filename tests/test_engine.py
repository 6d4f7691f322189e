from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from threadpoolctl import threadpool_info

from paletteot import chunks, engine, workers
from paletteot.errors import BusyError, DataError, WorkerError


def _square(log: Path, span: tuple[int, int]) -> pl.DataFrame:
    with log.open("a") as stream:
        stream.write(f"{span[0]}\n")
    return pl.DataFrame({"n": [n * n for n in range(*span)]})


def _fails_at_six(span: tuple[int, int]) -> pl.DataFrame:
    if span[0] == 6:
        raise DataError("somefile: field must be legal")
    return pl.DataFrame({"n": list(range(*span))})


def _threads(_: int) -> pl.DataFrame:
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))
    return pl.DataFrame({"threads": [one["num_threads"] for one in threadpool_info()] or [1]})


def test_rows_come_back_in_order(tmp_path):
    files = engine.run(partial(_square, tmp_path / "log"), engine.spans(10, 3), folder=tmp_path, workers=2, label="x")
    assert engine.collect(files)["n"].to_list() == [n * n for n in range(10)]


def test_a_finished_chunk_is_not_run_again_and_a_cut_one_is(tmp_path):
    log = tmp_path / "log"
    spans = engine.spans(12, 3)
    files = engine.run(partial(_square, log), spans, folder=tmp_path, workers=1, label="x")
    log.unlink()
    files[1].unlink()
    files[2].write_bytes(files[2].read_bytes()[:40])
    again = engine.run(partial(_square, log), spans, folder=tmp_path, workers=1, label="x")
    assert sorted(log.read_text().split(), key=int) == ["3", "6"]
    assert engine.collect(again)["n"].to_list() == [n * n for n in range(12)]
    assert sorted(tmp_path.glob("*.parquet")) == again


def test_a_chunk_of_another_function_or_with_other_arguments_is_run_again(tmp_path):
    files = engine.run(partial(_square, tmp_path / "log"), engine.spans(9, 3), folder=tmp_path, workers=1, label="x")
    again = engine.run(_fails_at_six, engine.spans(6, 3), folder=tmp_path, workers=1, label="x")
    assert engine.collect(again)["n"].to_list() == list(range(6))
    assert not any(file.exists() for file in files)
    other = engine.run(_fails_at_six, [(0, 3), (3, 5)], folder=tmp_path, workers=1, label="x")
    assert other[0] == again[0]
    assert engine.collect(other)["n"].to_list() == list(range(5))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    engine.run(_roots, engine.spans(24, 6), folder=folder, workers=1, label="x")
    return folder


def _roots(span: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame({"root": [n**0.5 for n in range(*span)], "name": [f"{n}" for n in range(*span)]})


ROOTS = _roots((0, 24))


def test_no_flipped_bit_of_a_finished_chunk_reaches_the_result(finished):
    rng = random.Random(0)
    for _ in range(300):
        file = rng.choice(sorted(finished.iterdir()))
        content = bytearray(file.read_bytes())
        bit = rng.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        with pytest.raises(DataError, match="was changed after it was finished"):
            engine.collect([file])
        again = engine.run(_roots, engine.spans(24, 6), folder=finished, workers=1, label="x")
        assert engine.collect(again).equals(ROOTS)
    assert len(list(finished.iterdir())) == 4


def _exchanged(one: Path, other: Path) -> None:
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def _renamed(one: Path, other: Path) -> None:
    one.replace(one.with_name(f"{other.name[:5]}{one.name[5:]}"))


def _as_it_was(one: Path, _: Path) -> None:
    """A chunk of another run, written there by the same means."""
    number, question = one.stem.split("-")[:2]
    chunks.write(one.parent, int(number), question[::-1], ROOTS)
    one.unlink()


SPOILS = {
    "exchanged": _exchanged,
    "doubled": lambda one, other: other.write_bytes(one.read_bytes()),
    "under another's number": _renamed,
    "of another run": _as_it_was,
    "empty": lambda one, _: one.write_bytes(b""),
    "torn": lambda one, _: one.write_bytes(one.read_bytes()[:-9]),
    "with a tail": lambda one, _: one.write_bytes(one.read_bytes() + b"PAR1"),
    "by an older version": lambda one, _: one.replace(one.with_name("00000.parquet")),
}


@pytest.mark.parametrize("spoil", SPOILS)
def test_a_chunk_that_is_not_what_was_written_here_is_made_anew(tmp_path, spoil):
    files = engine.run(_roots, engine.spans(24, 6), folder=tmp_path, workers=1, label="x")
    SPOILS[spoil](files[0], files[2])
    again = engine.run(_roots, engine.spans(24, 6), folder=tmp_path, workers=1, label="x")
    assert engine.collect(again).equals(ROOTS)
    assert again == sorted(tmp_path.iterdir()) == files


def test_a_chunk_of_another_place_is_made_anew(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    files = engine.run(_roots, engine.spans(24, 6), folder=tmp_path / "one", workers=1, label="x")
    moved = files[0].rename(tmp_path / "two" / files[0].name)
    again = engine.run(_roots, engine.spans(24, 6), folder=tmp_path / "two", workers=1, label="x")
    assert not moved.exists()
    assert engine.collect(again).equals(ROOTS)


def test_an_error_in_a_worker_ends_the_run_and_keeps_what_is_finished(tmp_path):
    with pytest.raises(DataError, match="somefile: field must be legal"):
        engine.run(_fails_at_six, engine.spans(9, 3), folder=tmp_path, workers=1, label="x")
    assert len(list(tmp_path.glob("*.parquet"))) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_have_one_blas_thread(tmp_path, workers):
    files = engine.run(_threads, [0, 1, 2], folder=tmp_path, workers=workers, label="x")
    assert set(engine.collect(files)["threads"]) == {1}


def test_fingerprint_sees_contents_not_names_of_parents(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("same")
    assert engine.fingerprint(tmp_path / "one", {"k": 1}) == engine.fingerprint(tmp_path / "two", {"k": 1})
    assert engine.fingerprint(tmp_path / "one", {"k": 1}) != engine.fingerprint(tmp_path / "two", {"k": 2})
    (tmp_path / "two" / "file").write_text("other")
    assert engine.fingerprint(tmp_path / "one") != engine.fingerprint(tmp_path / "two")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("here")
def test_unfinished_work_of_other_inputs_stays_for_a_week():
    old, other = engine.partial_folder("stage", "old"), engine.partial_folder("stage", "other")
    for folder in (old, other):
        (folder / "chunk").write_text("x")
        long_ago = time.time() - engine.STALE - 60
        for one in (folder / "chunk", folder):
            os.utime(one, (long_ago, long_ago))
        engine._held.pop(folder.absolute()).release()  # as when the process ends
    (other / "chunk").touch()
    new = engine.partial_folder("stage", "new")
    assert sorted(one.name for one in new.parent.iterdir()) == ["new", "new.lock", "other", "other.lock"]
    engine.forget(new)
    engine.forget(engine.partial_folder("stage", "other"))
    assert not Path(".partial").exists()


ELSEWHERE = """
import sys, paletteot.engine as engine
from paletteot.endings import one_line
with one_line():
    print(engine.partial_folder(*sys.argv[1:]), flush=True)
    sys.stdin.read()
"""


@pytest.mark.usefixtures("here")
def test_work_that_another_process_is_at_is_left_alone():
    with subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, "stage", "theirs"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == ".partial/stage/theirs\n"
        os.utime(".partial/stage/theirs", (0, 0))
        mine = engine.partial_folder("stage", "mine")
        assert Path(".partial/stage/theirs").is_dir()
        with pytest.raises(BusyError, match=r"\.partial/stage/theirs: another process is making the same just now"):
            engine.partial_folder("stage", "theirs")
        engine.forget(mine)
        assert Path(".partial/stage/theirs").is_dir()
        other.stdin.close()
        other.wait(30)
    engine.forget(engine.partial_folder("stage", "theirs"))
    assert not Path(".partial").exists()


def test_as_many_workers_as_a_container_grants(monkeypatch):
    monkeypatch.setattr(workers.joblib, "cpu_count", lambda: 1)
    assert (engine.cores(0), engine.cores(3)) == (1, 3)


def test_without_semaphores_the_work_is_done_in_one_process(tmp_path, monkeypatch, capsys):
    monkeypatch.delitem(workers.BACKENDS, "loky")
    files = engine.run(_process, [0, 1, 2], folder=tmp_path, workers=2, label="x")
    assert set(engine.collect(files)["process"]) == {os.getpid()}
    said = [line for line in capsys.readouterr().err.splitlines() if "chunk" not in line and line.strip()]
    assert said == ["no shared memory for worker processes (/dev/shm): working in one process"]


def _process(_: int) -> pl.DataFrame:
    return pl.DataFrame({"process": [os.getpid()]})


def _killed_at_two(number: int) -> pl.DataFrame:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return pl.DataFrame({"n": [number]})


def test_a_worker_that_the_system_ends_is_one_clear_line(tmp_path):
    with pytest.raises(WorkerError, match="a worker process was ended from outside, perhaps because memory ran out"):
        engine.run(_killed_at_two, list(range(4)), folder=tmp_path, workers=2, label="x")
