from __future__ import annotations

import os

import polars as pl
import pytest

from paletteot import tables
from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.tables import dtypes

PAIRS = pl.DataFrame(
    {"pair_id": [0, 1], "split": ["train", "train"], "source": ["a", "b"], "target": ["b", "a"]},
    schema=dtypes(schema.PAIRS),
)


def scanned(path, table=schema.PAIRS):
    return tables.scan_parquet([path], table).collect()


READERS = [tables.read_parquet, scanned]


def test_a_shard_cut_short_is_one_clear_line(tmp_path):
    path = tmp_path / "shard.parquet"
    tables.write_parquet(path, PAIRS, schema.PAIRS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"shard\.parquet: not a whole Parquet file") as caught:
        tables.read_parquet(path, schema.PAIRS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (PAIRS.drop("target"), "column target is missing; legal columns are pair_id, split, source, target"),
        (PAIRS.with_columns(pl.col("pair_id").cast(pl.Int64)), "column pair_id must be Int32, but is Int64"),
        (PAIRS.with_columns(source=pl.Series(["a", None])), "column source must have a value in every row, but row 1"),
    ],
)
def test_a_table_that_breaks_its_schema_names_the_column(tmp_path, frame, words):
    frame.write_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=words):
        tables.read_parquet(tmp_path / "t.parquet", schema.PAIRS)


@pytest.mark.parametrize("read", READERS)
def test_what_is_no_file_says_so(tmp_path, read):
    tables.write_parquet(tmp_path / "t.parquet", PAIRS, schema.PAIRS)
    with pytest.raises(DataError, match="no such file; `dvc repro` makes it"):
        read(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="must be a Parquet file, but is a folder"):
        read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("read", READERS)
def test_what_may_not_be_read_says_so(tmp_path, read):
    tables.write_parquet(tmp_path / "t.parquet", PAIRS, schema.PAIRS)
    (tmp_path / "t.parquet").chmod(0)
    with pytest.raises(DataError, match="cannot be read: permission denied"):
        read(tmp_path / "t.parquet")


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("name", ["[v1]", "run[2024]", "a?c", "all*", "**", "{a,b}", "50 %20"])
def test_glob_characters_in_a_path_mean_nothing(tmp_path, monkeypatch, name, read):
    tables.write_parquet(tmp_path / name / f"{name}.parquet", PAIRS, schema.PAIRS)
    tables.write_parquet(tmp_path / "abc" / "abc.parquet", PAIRS[:0], schema.PAIRS)
    assert read(tmp_path / name / f"{name}.parquet", schema.PAIRS).equals(PAIRS)
    monkeypatch.chdir(tmp_path / name)
    assert read(type(tmp_path)(f"{name}.parquet"), schema.PAIRS).equals(PAIRS)


def test_a_panic_of_polars_is_one_clear_line(tmp_path, monkeypatch):
    """Some damage makes polars panic, with an exception that `except Exception` does not see."""

    def panic(*_, **__):
        raise pl.exceptions.PanicException("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr(pl, "read_parquet", panic)
    with pytest.raises(DataError, match="t: not a whole Parquet file: called"):
        tables.read_parquet(tmp_path / "t")
