from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import torch
from torch.utils.data import DataLoader

import paletteot
from paletteot.dataset import sources
from paletteot.errors import DataError
from paletteot.ot import certificate, sinkhorn
from tests.dataset import made


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return made.release(tmp_path_factory.mktemp("release") / "one")


@pytest.fixture
def copy(release, tmp_path):
    return shutil.copytree(release, tmp_path / "copy")


def test_a_split_is_problems_plans_and_potentials(release):
    plans = paletteot.load("test_unseen", version="1.0.0", source=release)
    assert len(plans) == 4
    assert plans.version == "1.0.0"
    for row in range(len(plans)):
        problem = plans.problem(row)
        assert problem.eps == made.EPS
        assert certificate.certify(problem, plans.potential(row)).target_error <= 1e-9
        np.testing.assert_array_equal(plans.plan(row), sinkhorn.plan(problem, plans.g[row]))
    assert plans.g.dtype == np.float64
    assert isinstance(plans.lazy, pl.LazyFrame)
    assert plans.frame["split"].unique().to_list() == ["test_unseen"]


def test_a_batch_is_the_problems_of_its_rows(release):
    plans = paletteot.load("train", source=release)
    for rows in (None, slice(1, 3), [5, 0], np.array([2])):
        batch = plans.batch(rows)
        chosen = np.arange(len(plans))[slice(None) if rows is None else rows]
        assert len(batch) == len(chosen)
        for place, row in enumerate(chosen):
            for field in ("x", "a", "y", "b"):
                np.testing.assert_array_equal(getattr(batch[place], field), getattr(plans.problem(int(row)), field))
    assert plans.batch([0]).eps == made.EPS


def test_one_row_is_read_without_the_others(release):
    plans = paletteot.load("train", source=release)
    rows = range(-len(plans), len(plans))
    assert len(plans.files) == 2
    found = [plans.potential(row) for row in rows]
    assert "g" not in plans.__dict__
    assert "frame" not in plans.__dict__
    np.testing.assert_array_equal(found, plans.g[list(rows)])


@pytest.mark.parametrize("row", [4, -5])
def test_a_row_beyond_the_last_is_an_index_error(release, row):
    plans = paletteot.load("test_unseen", source=release)
    for ask in (plans.problem, plans.plan, plans.potential):
        with pytest.raises(IndexError, match="row must be below 4"):
            ask(row)
    np.testing.assert_array_equal(plans.potential(-1), plans.potential(3))


def test_torch_gets_float64(release):
    plans = paletteot.load("test_unseen", source=release)
    tensors = plans.to_torch()
    assert tensors.g.dtype == tensors.x.dtype == tensors.a.dtype == tensors.eps.dtype == torch.float64
    np.testing.assert_array_equal(tensors.g.numpy(), plans.g)
    batch = next(iter(DataLoader(tensors, batch_size=3)))
    assert batch["x"].shape == (3, made.K, 3)
    assert {value.dtype for value in batch.values()} == {torch.float64}
    problem = plans.problem(2)
    for field in ("x", "a", "y", "b"):
        np.testing.assert_array_equal(tensors[2][field].numpy(), getattr(problem, field))


def test_the_pipelines_own_output_is_a_source_without_a_version(release, tmp_path):
    folder = made.pipeline_folder(tmp_path / "data")
    plans = paletteot.load("test_seen", source=folder)
    assert plans.version is None
    np.testing.assert_array_equal(plans.g, paletteot.load("test_seen", source=release).g)
    with pytest.raises(DataError, match=r"version must be 1\.0\.0, but has none, being the pipeline's own output"):
        paletteot.load("test_seen", source=folder, version="1.0.0")
    with pytest.raises(DataError, match="not a release"):
        sources.release(folder)


def test_without_a_source_what_lies_here_is_taken(release, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="source must be given: there is no data/release or data here"):
        paletteot.load("train")
    made.pipeline_folder(tmp_path / "data")
    assert paletteot.load("train").version is None
    shutil.copytree(release, tmp_path / "data" / "release")
    assert paletteot.load("train").version == "1.0.0"


def test_another_version_is_refused(release):
    with pytest.raises(DataError, match=r"version must be 2\.0\.0, but is 1\.0\.0"):
        paletteot.load("train", version="2.0.0", source=release)


def test_a_split_that_is_not_there_names_those_that_are(release):
    with pytest.raises(DataError, match=r"split must be one of test_seen, test_unseen, train, .*, but is 'tests'"):
        paletteot.load("tests", source=release)


@pytest.mark.parametrize("source", ["nowhere", "no such folder"])
def test_a_source_that_is_none_is_refused(source):
    with pytest.raises(DataError, match=r"source must be a folder, ORG/NAME\[@REVISION\] or a URL, but is"):
        paletteot.load("train", source=source)


@pytest.mark.parametrize("name", ["plans/test_unseen-00000-of-00001.parquet", "palettes/full-00000-of-00001.parquet"])
def test_an_altered_file_is_refused_by_name(copy, name):
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}: SHA-256 must be [0-9a-f]{{64}}, as in checksums\.sha256, but is"):
        paletteot.load("test_unseen", source=copy)


def test_a_missing_file_is_refused_by_name(copy):
    (copy / "plans/test_unseen-00000-of-00001.parquet").unlink()
    with pytest.raises(DataError, match=r"test_unseen-00000-of-00001\.parquet: no such file"):
        paletteot.load("test_unseen", source=copy)


def test_a_version_that_the_checksums_do_not_know_is_refused(copy):
    (copy / "VERSION").write_text("2.0.0\n")
    with pytest.raises(DataError, match="VERSION: SHA-256 must be"):
        paletteot.load("train", version="2.0.0", source=copy)


@pytest.mark.parametrize("line", ["no hash", "0" * 64 + " one-space"])
def test_checksums_that_are_none_are_refused_by_line(copy, line):
    (copy / "checksums.sha256").write_text(line + "\n")
    with pytest.raises(DataError, match=r"checksums\.sha256: line 1 must be '<sha256>  <file>'"):
        paletteot.load("train", source=copy)


def test_float32_potentials_name_their_cause(tmp_path):
    folder = made.pipeline_folder(tmp_path / "data")
    shard = folder / "plans" / "test_seen-00000-of-00001.parquet"
    pl.read_parquet(shard).with_columns(pl.col("g").cast(pl.Array(pl.Float32, made.K))).write_parquet(shard)
    with pytest.raises(DataError, match=r"column g must be Array\(Float64.*numpy and torch of `datasets` hand float64"):
        paletteot.load("test_seen", source=folder)


def test_a_damaged_page_of_a_split_is_one_line_that_names_it(tmp_path):
    """The footer is whole, so it is seen when rows are asked for: whatever polars raises then."""
    folder = made.pipeline_folder(tmp_path / "data")
    shard = folder / "plans" / "test_seen-00000-of-00001.parquet"
    raw = bytearray(shard.read_bytes())
    raw[4:40] = b"\xff" * 36  # the header of the first page
    shard.write_bytes(raw)
    plans = paletteot.load("test_seen", source=folder)
    with pytest.raises(DataError, match=r"split test_seen: not a whole Parquet file"):
        _ = plans.frame


def test_a_url_is_read_through_fsspec_and_kept_by_its_hash(release, tmp_path, monkeypatch):
    import fsspec

    monkeypatch.setenv("PALETTEOT_CACHE", str(tmp_path / "cache"))
    memory = fsspec.filesystem("memory")
    memory.put(str(release), "/released", recursive=True)
    plans = paletteot.load("test_unseen", version="1.0.0", source="memory://released/")
    np.testing.assert_array_equal(plans.g, paletteot.load("test_unseen", source=release).g)
    kept = plans.files[0]
    assert kept.name == sources.sha256(kept)

    # What was kept is not fetched again, unless it was altered here.
    shard = "/released/plans/test_unseen-00000-of-00001.parquet"
    memory.pipe(shard, b"nonsense")
    paletteot.load("test_unseen", source="memory://released")
    kept.write_bytes(b"altered")
    with pytest.raises(DataError, match=r"test_unseen-00000-of-00001\.parquet: SHA-256 must be"):
        paletteot.load("test_unseen", source="memory://released")
    memory.rm("/released", recursive=True)
    with pytest.raises(DataError, match="memory://released: cannot get VERSION"):
        paletteot.load("test_unseen", source="memory://released")


def test_a_protocol_nobody_knows_is_refused():
    with pytest.raises(DataError, match="nosuch://x: cannot be read: Protocol not known: nosuch"):
        paletteot.load("train", source="nosuch://x")


def test_importing_the_package_does_not_import_torch():
    code = "import sys, paletteot; sys.exit('torch' in sys.modules or 'datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
