from __future__ import annotations

import hashlib
import json
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.images import grading, manifest
from paletteot.images.source import Original, Picture
from paletteot.tables import dtypes, write_parquet

NAME = "manifest.parquet"

GRADING = grading.IDENTITY


def picture(name: str) -> Picture:
    return Picture(name, "group", "package 1.0", "CC0-1.0", "somebody", f"{name}.png", None, GRADING)


def smooth(height: int = 46, width: int = 57) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([4 * x, 5 * y, 255 - 2 * x - 2 * y], axis=2).clip(0, 255).astype(np.uint8)


def made(name: str, folder: Path, pixels: np.ndarray | None = None, quality: int = 92) -> dict[str, object]:
    original = Original(smooth() if pixels is None else pixels, "0" * 64)
    return manifest.write_jpeg(original, picture(name), folder, long_side=57, quality=quality)


@pytest.fixture
def folder(tmp_path) -> Path:
    rows = [made(name, tmp_path) for name in ("one", "two")]
    frame = pl.DataFrame(rows, schema=dtypes(schema.IMAGES))
    write_parquet(tmp_path / NAME, frame, schema.IMAGES)
    return tmp_path


@pytest.fixture
def row(folder):
    return manifest.read(folder / NAME, folder).row(0, named=True)


def assert_refused(caught: pytest.ExceptionInfo[DataError], file: Path, words: str) -> None:
    assert str(caught.value).startswith(f"{file}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_row_says_what_the_file_is(folder):
    frame = manifest.read(folder / NAME, folder)
    assert frame["image_id"].to_list() == ["one", "two"]
    for one in frame.iter_rows(named=True):
        content = (folder / f"{one['image_id']}.jpg").read_bytes()
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        with Image.open(BytesIO(content)) as image:
            assert image.format == "JPEG"
            assert image.size == (one["width"], one["height"]) == (57, 46)
        assert one["crop"] == [0, 0, 57, 46]
        assert (one["place"], one["original_sha256"]) == (f"{one['image_id']}.png", "0" * 64)
        assert json.loads(one["grading"]) == GRADING
        expected = ("group", "package 1.0", "CC0-1.0", "somebody")
        assert (one["group"], one["source"], one["licence"], one["attribution"]) == expected


def test_writing_repeats_to_the_byte_and_leaves_nothing_else(tmp_path):
    first, second = (made("one", tmp_path) for _ in range(2))
    assert first == second
    assert [file.name for file in tmp_path.iterdir()] == ["one.jpg"]


def test_a_picture_that_cannot_be_written_spoils_nothing(tmp_path, monkeypatch):
    made("one", tmp_path)
    before = (tmp_path / "one.jpg").read_bytes()

    def full(_self: Path, content: bytes) -> int:
        with _self.open("wb") as stream:
            stream.write(content[:20])
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space left"):
        made("one", tmp_path, 255 - smooth())
    assert [file.name for file in tmp_path.iterdir()] == ["one.jpg"]
    assert (tmp_path / "one.jpg").read_bytes() == before


def test_quality_is_handed_on(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (57, 57, 3)).astype(np.uint8)
    sizes = []
    for quality in (30, 92):
        made("one", tmp_path, noise, quality)
        sizes.append((tmp_path / "one.jpg").stat().st_size)
    assert sizes[1] > 1.5 * sizes[0]


def test_pixels_come_back_as_the_jpeg_holds_them(folder, row):
    pixels = manifest.load_pixels(folder, row)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (46, 57, 3)
    with Image.open(folder / "one.jpg") as image:
        np.testing.assert_array_equal(pixels, np.asarray(image.convert("RGB")))
    assert np.abs(pixels.astype(int) - smooth()).mean() < 3


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_picture_names_the_file(folder, row, share):
    content = (folder / "one.jpg").read_bytes()
    (folder / "one.jpg").write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError) as caught:
        manifest.load_pixels(folder, row)
    assert_refused(caught, folder / "one.jpg", "not a whole picture")


def test_a_folder_in_place_of_a_picture_names_the_file(folder, row):
    (folder / "one.jpg").unlink()
    (folder / "one.jpg").mkdir()
    with pytest.raises(DataError) as caught:
        manifest.load_pixels(folder, row)
    assert_refused(caught, folder / "one.jpg", "not a whole picture")


def test_bytes_after_the_end_are_refused(folder, row):
    with (folder / "one.jpg").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(DataError) as caught:
        manifest.load_pixels(folder, row)
    assert_refused(caught, folder / "one.jpg", "sha256 must be")


def test_a_manifest_that_is_missing_says_what_makes_it(tmp_path):
    with pytest.raises(DataError) as caught:
        manifest.read(tmp_path / NAME, tmp_path)
    assert_refused(caught, tmp_path / NAME, "dvc repro")


def test_a_manifest_cut_short_names_the_file(folder):
    file = folder / NAME
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(DataError) as caught:
        manifest.read(folder / NAME, folder)
    assert_refused(caught, file, "not a whole Parquet file")


@pytest.mark.parametrize("column", list(schema.IMAGES))
def test_a_manifest_without_a_column_names_it(folder, column):
    file = folder / NAME
    pl.read_parquet(file).drop(column).write_parquet(file)
    with pytest.raises(DataError) as caught:
        manifest.read(folder / NAME, folder)
    assert_refused(caught, file, f"column {column} is missing")
