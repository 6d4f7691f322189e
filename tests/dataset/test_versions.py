from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from paletteot.dataset import layout, versions
from paletteot.dataset.versions import Change, VersionError
from tests.dataset import made

SHARD = "plans/test_unseen-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = made.release(tmp_path_factory.mktemp("release") / "one")
    return folder, versions.manifest(folder)


@pytest.fixture
def copy(first, tmp_path):
    return Path(shutil.copytree(first[0], tmp_path / "copy"))


def rewrite(folder: Path, change, name: str = SHARD) -> None:
    change(pl.read_parquet(folder / name)).write_parquet(folder / name)


def one_more(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame, frame[[-1]].with_columns(pair_id=pl.lit(99, pl.Int32))])


CHANGES = {
    "nothing": (lambda _: None, Change.NONE, ""),
    "a word of the card": (
        lambda f: (f / "README.md").write_text("other"), Change.PATCH, "README.md has changed"
    ),
    "new rows at the end": (lambda f: rewrite(f, one_more), Change.MINOR, "plans, split test_unseen has 1 new rows"),
    "a new column": (
        lambda f: rewrite(f, lambda t: t.with_columns(extra=1)), Change.MINOR,
        "plans, split test_unseen has a new column extra",
    ),
    "a new split": (
        lambda f: shutil.copy(f / SHARD, f / SHARD.replace("test_unseen", "test_far")), Change.MINOR,
        "plans has a new split test_far",
    ),
    "a byte of a column": (
        lambda f: rewrite(f, lambda t: t.with_columns(newton_steps=pl.col("newton_steps") + 1)), Change.MAJOR,
        "plans, split test_unseen: values of column newton_steps have changed",
    ),
    "rows in another order": (
        lambda f: rewrite(f, lambda t: t[[1, 0, 2, 3]]), Change.MAJOR, "values of column pair_id have changed"
    ),
    "a row less": (
        lambda f: rewrite(f, lambda t: t[:-1]), Change.MAJOR, "plans, split test_unseen has 3 rows, not 4"
    ),
    "new rows before the old": (
        lambda f: rewrite(f, lambda t: one_more(t)[[4, 0, 1, 2, 3]]), Change.MAJOR, "values of column pair_id"
    ),
    "another dtype": (
        lambda f: rewrite(f, lambda t: t.with_columns(pl.col("pair_id").cast(pl.Int64))), Change.MAJOR,
        "column pair_id is Int64, not Int32",
    ),
    "a column less": (
        lambda f: rewrite(f, lambda t: t.drop("gap")), Change.MAJOR, "has no column gap any more"
    ),
    "a split less": (lambda f: (f / SHARD).unlink(), Change.MAJOR, "plans has no split test_unseen any more"),
    "other palettes": (
        lambda f: rewrite(f, lambda t: t.with_columns(inertia=2.0), "palettes/full-00000-of-00001.parquet"),
        Change.MAJOR, "palettes, split full: values of column inertia have changed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_how_much_a_change_weighs(first, copy, change):
    make, weight, words = CHANGES[change]
    make(copy)
    found, reasons = versions.compare(first[1], copy)
    assert found is weight
    assert words in "; ".join(reasons)


def test_the_same_rows_in_other_shards_are_a_text_change(first, copy):
    shard = pl.read_parquet(copy / SHARD)
    (copy / SHARD).unlink()
    for number in range(2):
        shard[2 * number : 2 * number + 2].write_parquet(copy / f"plans/test_unseen-0000{number}-of-00002.parquet")
    assert versions.compare(first[1], copy)[0] is Change.PATCH


@pytest.mark.parametrize(
    ("change", "least"), [("a word of the card", "1.0.1"), ("a new column", "1.1.0"), ("a byte of a column", "2.0.0")]
)
@pytest.mark.parametrize("version", ["0.9.9", "1.0.0", "1.0.1", "1.1.0", "2.0.0", "3.1.4"])
def test_a_version_that_says_less_than_the_change_is_refused(first, copy, change, least, version):
    CHANGES[change][0](copy)
    (copy / "VERSION").write_text(f"{version}\n")
    if version >= least:
        assert versions.check(first[1], copy).startswith(f"{version}: a ")
    else:
        with pytest.raises(VersionError, match=rf"dataset\.version must be at least {least}, but is {version}"):
            versions.check(first[1], copy)


def test_what_has_not_changed_may_stay(first, copy):
    assert versions.check(first[1], copy) == "1.0.0: as it was"
    (copy / "VERSION").write_text("0.1.0\n")
    with pytest.raises(VersionError, match=r"must be at least 1\.0\.0, but is 0\.1\.0"):
        versions.check(first[1], copy)


def test_the_manifest_knows_every_file(first):
    folder, manifest = first
    assert manifest["files"] == layout.hashes(folder)
    assert manifest["tables"]["plans"]["train"]["rows"] == 6


@pytest.mark.parametrize("version", ["1.0", "v1.0.0", "1.0.0-rc1", "", "one"])
def test_a_version_is_three_numbers(version):
    with pytest.raises(VersionError, match=r"version must be X\.Y\.Z"):
        versions.parse(version)
