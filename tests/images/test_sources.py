"""The contract, held against every source that is registered."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from paletteot import images
from paletteot.images.source import Source


@pytest.fixture(params=sorted(images.SOURCES))
def source(request) -> Source:
    return images.source(request.param)


def test_picture_i_depends_on_the_seed_and_i_alone(source):
    many = source.pictures(25, grading=1, seed=3)
    assert source.pictures(7, grading=1, seed=3) == many[:7]
    assert source.pictures(25, grading=1, seed=3) == many
    other = source.pictures(25, grading=1, seed=4)
    assert all(one.crop != two.crop or one.grading != two.grading for one, two in zip(many, other, strict=True))


def test_pictures_have_names_of_their_own_that_make_file_names(source):
    names = [picture.image_id for picture in source.pictures(300, grading=1, seed=0)]
    assert len(set(names)) == 300
    assert all(name.replace("-", "").isalnum() and name.isascii() for name in names)


def test_every_picture_says_where_it_came_from_and_what_may_be_done_with_it(source):
    for picture in source.pictures(20, grading=1, seed=0):
        for field in ("group", "source", "licence", "attribution"):
            assert getattr(picture, field).strip(), (picture.image_id, field)


@pytest.mark.parametrize("long_side", [16, 61])
def test_rendering_gives_srgb_bytes_with_the_long_side_asked_for(source, long_side):
    for picture in source.pictures(20, grading=1, seed=5):
        pixels = source.render(picture, long_side)
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3
        assert max(pixels.shape[:2]) == long_side
        left, top, right, bottom = picture.crop
        shape = np.array([bottom - top, right - left]) * long_side / max(bottom - top, right - left)
        assert np.abs(pixels.shape[:2] - np.maximum(shape, 1)).max() <= 0.5


def test_a_worker_process_renders_the_same_bytes(source):
    copied, pictures = pickle.loads(pickle.dumps((source, source.pictures(9, grading=1, seed=6))))
    for picture, original in zip(pictures, source.pictures(9, grading=1, seed=6), strict=True):
        np.testing.assert_array_equal(copied.render(picture, 40), source.render(original, 40))
