from __future__ import annotations

import hashlib

import polars as pl
import pytest

from paletteot import files
from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.tables import dtypes

PAIRS = pl.DataFrame(
    {"pair_id": [0, 1], "split": ["train", "train"], "source": ["a", "b"], "target": ["b", "a"]},
    schema=dtypes(schema.PAIRS),
)


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


def test_a_shard_cut_short_is_one_clear_line(tmp_path):
    path = tmp_path / "shard.parquet"
    files.write_parquet(path, PAIRS, schema.PAIRS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"shard\.parquet: not a whole Parquet file") as caught:
        files.read_parquet(path, schema.PAIRS)
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
        files.read_parquet(tmp_path / "t.parquet", schema.PAIRS)


def test_a_missing_file_says_what_makes_it(tmp_path):
    with pytest.raises(DataError, match="no such file; `dvc repro` makes it"):
        files.read_parquet(tmp_path / "none.parquet")


def test_sha256(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    assert files.sha256(tmp_path / "f") == hashlib.sha256(b"abc").hexdigest()
