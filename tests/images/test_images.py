from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from paletteot import images
from paletteot.dataset import schema
from paletteot.errors import DataError, ParamsError
from paletteot.files import sha256, write_parquet
from paletteot.images import bundled, grading, manifest
from paletteot.images.bundled import PHOTOGRAPHS, Bundled

SOURCE = Bundled()


def test_every_photograph_is_there_and_states_a_licence():
    for name, photograph in PHOTOGRAPHS.items():
        assert bundled._decoded(name).shape[2] == 3
        assert photograph.licence in {"public domain", "CC0-1.0", "CC-BY-2.0"}
        assert photograph.attribution


def test_pictures_are_shared_equally_over_the_photographs():
    groups = [picture.group for picture in SOURCE.pictures(90, grading=1, seed=0)]
    assert {groups.count(name) for name in PHOTOGRAPHS} == {90 // len(PHOTOGRAPHS)}


def test_a_picture_depends_on_the_seed_and_its_number_alone():
    few, many = SOURCE.pictures(5, grading=1, seed=7), SOURCE.pictures(20, grading=1, seed=7)
    assert few == many[:5]
    assert few != SOURCE.pictures(5, grading=1, seed=8)


@settings(max_examples=30, deadline=None)
@given(number=st.integers(0, 200), seed=st.integers(0, 99))
def test_crops_lie_inside_their_photograph(number, seed):
    picture = SOURCE.pictures(number + 1, grading=1, seed=seed)[number]
    height, width, _ = bundled._decoded(picture.group).shape
    left, top, right, bottom = picture.crop
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@pytest.mark.parametrize("long_side", [32, 512])
def test_the_long_side_is_the_one_asked_for(long_side):
    for picture in SOURCE.pictures(4, grading=1, seed=0):
        pixels = SOURCE.render(picture, long_side)
        assert max(pixels.shape[:2]) == long_side
        assert pixels.dtype == np.uint8


def test_strength_zero_leaves_colours_alone():
    picture = SOURCE.pictures(1, grading=0, seed=0)[0]
    assert picture.grading == grading.IDENTITY
    left, top, right, bottom = picture.crop
    crop = Image.fromarray(bundled._decoded(picture.group)[top:bottom, left:right])
    scale = 64 / max(crop.size)
    size = tuple(max(1, round(side * scale)) for side in crop.size)
    np.testing.assert_array_equal(SOURCE.render(picture, 64), np.asarray(crop.resize(size, Image.Resampling.LANCZOS)))


def test_a_grading_does_what_its_names_say():
    grey = np.full((1, 1, 3), 128, np.uint8)
    warm = grading.apply(grey, {**grading.IDENTITY, "shift_b": 20.0})
    assert warm[0, 0, 0] > warm[0, 0, 2]  # yellow: more red than blue
    dark = grading.apply(grey, {**grading.IDENTITY, "gamma": 2.0})
    assert dark.max() < 128
    flat = grading.apply(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8), {**grading.IDENTITY, "contrast": 0.5})
    assert 50 < flat[0, 0].max() < flat[0, 1].min() < 200
    red = np.array([[[200, 30, 30]]], np.uint8)
    plain = grading.apply(red, {**grading.IDENTITY, "chroma_a": 0.0, "chroma_b": 0.0})
    assert np.ptp(plain) <= 1


def folder_of(tmp_path, count=3):
    rows = [
        manifest.write_jpeg(SOURCE.render(picture, 48), picture, tmp_path, 92)
        for picture in SOURCE.pictures(count, grading=1, seed=0)
    ]
    write_parquet(tmp_path / manifest.NAME, pl.DataFrame(rows, schema=schema.dtypes(schema.IMAGES)), schema.IMAGES)
    return manifest.read(tmp_path)


def test_the_manifest_says_where_each_picture_came_from(tmp_path):
    frame = folder_of(tmp_path)
    for row in frame.iter_rows(named=True):
        assert row["sha256"] == sha256(tmp_path / f"{row['image_id']}.jpg")
        pixels = manifest.load_pixels(tmp_path, row)
        assert pixels.shape == (row["height"], row["width"], 3)
        assert set(json.loads(row["grading"])) == set(grading.IDENTITY)
        assert row["licence"] == PHOTOGRAPHS[row["group"]].licence


def test_a_missing_picture_is_named(tmp_path):
    frame = folder_of(tmp_path)
    (tmp_path / "bundled-00001.jpg").unlink()
    with pytest.raises(DataError, match=r"image_id names bundled-00001, but .*bundled-00001\.jpg is missing"):
        manifest.read(tmp_path)
    with pytest.raises(DataError, match=r"bundled-00001\.jpg: the picture is missing"):
        manifest.load_pixels(tmp_path, frame.row(1, named=True))


@pytest.mark.parametrize("content", [b"", b"not a picture", None])
def test_what_is_not_a_whole_picture_is_named(tmp_path, content):
    frame = folder_of(tmp_path)
    file = tmp_path / "bundled-00000.jpg"
    file.write_bytes(file.read_bytes()[:300] if content is None else content)
    with pytest.raises(DataError, match=r"bundled-00000\.jpg: not a whole picture"):
        manifest.load_pixels(tmp_path, frame.row(0, named=True))


def test_another_picture_under_the_same_name_is_found(tmp_path):
    frame = folder_of(tmp_path)
    (tmp_path / "bundled-00000.jpg").write_bytes((tmp_path / "bundled-00001.jpg").read_bytes())
    with pytest.raises(DataError, match=r"bundled-00000\.jpg: sha256 must be"):
        manifest.load_pixels(tmp_path, frame.row(0, named=True))


def test_another_version_of_a_photograph_is_refused(monkeypatch):
    changed = PHOTOGRAPHS["coffee"].__class__(**{**PHOTOGRAPHS["coffee"].__dict__, "sha256": "0" * 64})
    monkeypatch.setitem(PHOTOGRAPHS, "coffee", changed)
    bundled._decoded.cache_clear()
    with pytest.raises(DataError, match=r"scikit-image .*coffee\.png: the photograph differs from the one recorded"):
        bundled._decoded("coffee")
    bundled._decoded.cache_clear()


def test_an_unknown_source_gets_the_legal_names():
    with pytest.raises(ParamsError, match=r"params\.yaml: images\.source must be one of bundled, but is 'web'"):
        images.source("web")
