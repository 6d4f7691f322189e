from __future__ import annotations

import hashlib
import sys
from collections import Counter
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from paletteot.errors import DataError
from paletteot.images import bundled, crops
from paletteot.images.bundled import PHOTOGRAPHS, Bundled
from paletteot.images.render import render

MAY_BE_REDISTRIBUTED = {"public domain", "CC0-1.0", "CC-BY-2.0"}


def content(name: str) -> bytes:
    photograph = PHOTOGRAPHS[name]
    return files(photograph.module).joinpath(photograph.path).read_bytes()


COFFEE = content("coffee")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Make the coffee photograph ship in a module whose bytes the test chooses; None ships none."""
    module = "wheel_of_photographs"
    (tmp_path / module).mkdir()
    (tmp_path / module / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, module, raising=False)
    there = replace(PHOTOGRAPHS["coffee"], module=module)
    monkeypatch.setitem(PHOTOGRAPHS, "coffee", there)
    bundled._decoded.cache_clear()

    def ship(data: bytes | None) -> None:
        if data is not None:
            (tmp_path / module / there.path).write_bytes(data)

    yield ship
    bundled._decoded.cache_clear()


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_is_in_colour_and_the_one_recorded(name):
    assert hashlib.sha256(content(name)).hexdigest() == PHOTOGRAPHS[name].sha256
    pixels = bundled._decoded(name).astype(int)
    assert min(pixels.shape[:2]) >= 300
    assert pixels.shape[2] == 3
    assert (np.ptp(pixels, axis=2) > 8).mean() > 0.01


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_may_be_redistributed_on_its_terms(name):
    photograph = PHOTOGRAPHS[name]
    assert photograph.licence in MAY_BE_REDISTRIBUTED
    if photograph.licence.startswith("CC-BY"):  # section 4 of the licence: name the author, say what was changed
        assert "cropped and graded" in photograph.attribution
        assert "https://" in photograph.attribution


@given(count=st.integers(1, 120))
@settings(max_examples=15, deadline=None)
def test_photographs_are_shared_out_equally(count):
    shares = Counter(picture.group for picture in Bundled().pictures(count, grading=0, seed=0))
    assert set(shares) <= set(PHOTOGRAPHS)
    assert max(shares.values()) - min(shares.values()) <= 1
    assert len(shares) == min(count, len(PHOTOGRAPHS))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15, deadline=None)
def test_a_crop_lies_in_its_photograph_and_is_not_enlarged_beyond_reason(seed):
    for picture in Bundled().pictures(18, grading=1, seed=seed):
        height, width = bundled._decoded(picture.group).shape[:2]
        left, top, right, bottom = picture.crop
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert (right - left) / width >= crops.SMALLEST - 0.5 / width
        assert (bottom - top) / height >= crops.SMALLEST - 0.5 / height
        assert 512 / max(right - left, bottom - top) < 3.3


def test_positions_scales_and_aspects_all_vary():
    crops = np.array([picture.crop for picture in Bundled().pictures(180, grading=0, seed=1)], dtype=float)
    left, top, right, bottom = crops.T
    assert len(set(left)) > 50
    assert len(set(top)) > 50
    area, aspect = (right - left) * (bottom - top), (right - left) / (bottom - top)
    assert np.quantile(area, 0.9) > 2 * np.quantile(area, 0.1)
    assert aspect.min() < 0.7
    assert aspect.max() > 1.8


def rendered(picture, long_side):
    return render(Bundled().open(picture).pixels, picture, long_side)[0]


def test_names_and_origin_are_as_documented():
    pictures = Bundled().pictures(43, grading=1, seed=0)
    assert pictures[42].image_id == "bundled-00042"
    for picture in pictures:
        photograph = PHOTOGRAPHS[picture.group]
        assert picture.source == f"{photograph.distribution} {version(photograph.distribution)}"
        assert (picture.licence, picture.attribution) == (photograph.licence, photograph.attribution)


@pytest.mark.parametrize("number", range(len(PHOTOGRAPHS)))
def test_without_grading_the_pixels_are_the_resized_crop(number):
    picture = Bundled().pictures(number + 1, grading=0, seed=2)[number]
    pixels = rendered(picture, 50)
    photograph = PHOTOGRAPHS[picture.group]
    with Image.open(str(files(photograph.module).joinpath(photograph.path))) as image:
        crop = image.convert("RGB").crop(picture.crop)
    expected = crop.resize((pixels.shape[1], pixels.shape[0]), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(pixels, np.asarray(expected))


def test_a_grading_changes_the_colours_and_not_the_crop():
    plain, graded = (Bundled().pictures(9, grading=strength, seed=2) for strength in (0, 1))
    for one, two in zip(plain, graded, strict=True):
        assert one.crop == two.crop
        difference = rendered(one, 40).astype(int) - rendered(two, 40)
        assert np.abs(difference).mean() > 1


def test_the_photograph_kept_in_memory_is_not_touched():
    before = {name: bundled._decoded(name).copy() for name in PHOTOGRAPHS}
    for picture in Bundled().pictures(9, grading=1, seed=1):
        rendered(picture, 30)
    for name, pixels in before.items():
        np.testing.assert_array_equal(bundled._decoded(name), pixels)


def assert_refused(words: str) -> None:
    with pytest.raises(DataError) as caught:
        Bundled().pictures(9, grading=1, seed=0)
    message = str(caught.value)
    assert message.startswith(f"scikit-image {version('scikit-image')}, coffee.png: ")
    assert words in message
    assert "constraints.txt" in message
    assert "\n" not in message


def test_the_same_bytes_from_elsewhere_are_taken(shipped):
    shipped(COFFEE)
    assert len(Bundled().pictures(9, grading=1, seed=0)) == 9


def test_a_missing_photograph_is_one_clear_line(shipped):
    shipped(None)
    assert_refused("missing")


def test_a_truncated_photograph_is_one_clear_line(shipped):
    shipped(COFFEE[: len(COFFEE) // 2])
    assert_refused("differs from the one recorded")


def test_a_photograph_altered_in_one_bit_is_one_clear_line(shipped):
    changed = bytearray(COFFEE)
    changed[len(changed) // 2] ^= 1
    shipped(bytes(changed))
    assert_refused("differs from the one recorded")
