"""Pictures made small for their palettes, and masks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.data import astronaut

from paletteot.errors import DataError
from paletteot.transfer.layers import BAND
from paletteot.transfer.masks import mask
from paletteot.transfer.photo import Photo
from paletteot.transfer.reduction import reduced

RED, BLUE = (200, 30, 40), (10, 40, 220)


def two_halves(h: int = 900, w: int = 1400) -> np.ndarray:
    pixels = np.empty((h, w, 3), np.uint8)
    pixels[:, : w // 2], pixels[:, w // 2 :] = RED, BLUE
    return pixels


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40))
def test_the_long_side_is_at_most_what_is_asked(h, w, long_side):
    pixels, counted = reduced(Photo.of(np.full((h, w, 3), (7, 99, 200), np.uint8)), long_side)
    assert max(pixels.shape[:2]) == min(long_side, max(h, w))
    assert counted.shape == pixels.shape[:2]
    assert counted.all()
    assert (pixels == (7, 99, 200)).all()


def test_a_small_picture_is_as_it_is():
    pixels = astronaut()
    small, counted = reduced(Photo.of(pixels), 512)
    assert np.array_equal(small, pixels)
    assert counted.all()


@pytest.mark.parametrize("shape", [(3000, 4000), (2999, 3989), (300, 7001)])
def test_it_is_what_resampling_at_once_gives(shape):
    image = Image.fromarray(astronaut()).resize(shape[::-1], Image.Resampling.BICUBIC)
    assert shape[0] * shape[1] > BAND / 2
    small, _ = reduced(Photo.of(np.asarray(image)))
    expected = np.asarray(image.resize(small.shape[1::-1], Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(small - expected).max() <= 6
    assert np.abs(small - expected).mean() < 0.5


def test_sixteen_bits_give_the_same():
    pixels = two_halves()
    small, _ = reduced(Photo.of(pixels))
    assert np.array_equal(reduced(Photo.of(pixels.astype(np.uint16) * 257))[0], small)


def test_what_is_masked_out_or_transparent_is_in_no_colour():
    pixels = two_halves()
    left = np.zeros(pixels.shape[:2], bool)
    left[:, :701] = True  # one column of blue with it
    for photo, chosen in (
        (Photo.of(pixels), left),
        (Photo.of(np.dstack([pixels, np.where(left, 3, 0).astype(np.uint8)])), None),
        (Photo.of(np.dstack([pixels, np.where(left, 3, 0).astype(np.uint8)])), left),
    ):
        small, counted = reduced(photo, 200, chosen)
        assert counted.mean() == pytest.approx(0.5, abs=0.01)
        kept = small[counted].reshape(-1, 3).astype(int)
        assert (np.abs(kept - RED).max(axis=1) <= 1).mean() > 0.97
        assert counted[:, :99].all()
        assert not counted[:, 102:].any()


def test_a_thin_thing_still_counts():
    pixels = two_halves()
    line = np.zeros(pixels.shape[:2], bool)
    line[:, 3] = True
    small, counted = reduced(Photo.of(pixels), 100, line)
    assert counted.any()
    assert np.abs(small[counted].astype(int) - RED).max() <= 8


def test_nothing_to_see_is_one_clear_line():
    with pytest.raises(DataError, match=r"^glass\.png: no pixel of it has a palette"):
        reduced(Photo.of(np.zeros((5, 5, 4), np.uint8), "glass.png"))


def test_a_mask_is_white_where_its_picture_belongs(tmp_path):
    levels = np.array([[0, 127, 128, 255]], np.uint8)
    Image.fromarray(levels).save(tmp_path / "m.png")
    expected, photo = [[False, False, True, True]], Photo.of(np.zeros((1, 4), np.uint16))
    assert mask(tmp_path / "m.png", photo).tolist() == expected
    assert mask(np.repeat(levels[..., None], 3, axis=2), photo).tolist() == expected
    assert mask(levels.astype(np.uint16) * 257, photo).tolist() == expected
    assert mask(levels >= 128, photo).tolist() == expected
    seen = np.dstack([np.full((1, 4, 3), 255, np.uint8), levels])
    assert mask(seen, photo).tolist() == expected


def test_a_mask_that_does_not_fit_is_one_clear_line(tmp_path):
    Image.new("L", (40, 30), 255).save(tmp_path / "m.png")
    with pytest.raises(DataError, match=r"^m\.png: a mask must be as large as its picture, 30 x 40, but is 40 x 30$"):
        mask(tmp_path / "m.png", Photo.of(np.zeros((40, 30), np.uint8)))
    with pytest.raises(DataError, match=r"^mask: a mask must be white somewhere"):
        mask(np.zeros((4, 4), bool), Photo.of(np.zeros((4, 4), np.uint8)))
