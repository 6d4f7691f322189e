from __future__ import annotations

import numpy as np
import pytest

import paletteot.lab as cielab
from paletteot.transfer import pixels


def darker(lab):
    return lab * [0.5, 1, 1]


def picture(dtype, shape=(40, 30)):
    top = np.iinfo(dtype).max
    return np.random.default_rng(1).integers(0, top, (*shape, 3), dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_pixel_is_moved_as_its_colour_is(dtype):
    given = picture(dtype)
    before = given.copy()
    expected = cielab.to_srgb(darker(cielab.from_srgb(given)), dtype)
    np.testing.assert_array_equal(pixels.moved(given, darker), expected)
    np.testing.assert_array_equal(given, before)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_masked_out_keeps_every_bit(dtype):
    given = picture(dtype)
    mask = np.random.default_rng(2).random(given.shape[:2]) < 0.5
    made = pixels.moved(given, darker, mask)
    np.testing.assert_array_equal(made[~mask], given[~mask])
    np.testing.assert_array_equal(made[mask], pixels.moved(given, darker)[mask])


def test_tiles_do_not_show(monkeypatch):
    given = picture(np.uint16)
    whole = pixels.moved(given, darker)
    monkeypatch.setattr(pixels, "AT_ONCE", 17)
    np.testing.assert_array_equal(pixels.moved(given, darker), whole)


def test_a_colour_is_moved_once_however_often_it_occurs():
    asked = []

    def counted(lab):
        asked.append(len(lab))
        return lab

    pixels.moved(np.repeat(picture(np.uint8, (5, 1)), 100, axis=1), counted)
    assert sum(asked) == 5


def test_views_and_other_orders_of_memory_are_read_as_they_look():
    given = picture(np.uint8)[::-1, :, ::-1].swapaxes(0, 1)
    np.testing.assert_array_equal(pixels.moved(given, darker), pixels.moved(np.ascontiguousarray(given), darker))


def test_distinct_colours_are_those_of_the_picture():
    given = picture(np.uint8)
    np.testing.assert_array_equal(pixels.colours(given), cielab.from_srgb(np.unique(given.reshape(-1, 3), axis=0)))
