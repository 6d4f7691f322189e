from __future__ import annotations

from functools import partial
from pathlib import Path

import polars as pl
import pytest
from threadpoolctl import threadpool_info

from paletteot import engine
from paletteot.errors import DataError


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


def test_unfinished_work_of_other_inputs_is_cleared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (engine.partial_folder("stage", "old") / "chunk").write_text("x")
    assert engine.partial_folder("stage", "new").is_dir()
    assert [one.name for one in Path(".partial/stage").iterdir()] == ["new"]
