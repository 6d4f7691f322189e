from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paletteot.lab as cielab
from paletteot.transfer import gamut
from paletteot.transfer.colour_map import BLOCK, ColourMap
from tests.conftest import palette


def some(seed: int, k: int = 16, **choices) -> ColourMap:
    rng = np.random.default_rng(seed)
    x, a = palette(rng, k)
    return ColourMap(x, a, x + rng.normal(size=(k, 3)) * 10, **choices)


def colours(seed: int, n: int = 200):
    return cielab.from_srgb(np.random.default_rng(seed).integers(0, 256, (n, 3), dtype=np.uint8))


@given(st.integers(0, 1000), st.floats(0.5, 64))
def test_smooth_is_its_formula(seed, sigma):
    made, lab = some(seed, sigma=sigma), colours(seed)
    squares = ((lab[:, None] - made.x) ** 2).sum(axis=2)
    logs = np.log(made.a) - squares / (2 * sigma**2)
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(made.freely(lab), lab + weights @ (made.t - made.x), atol=1e-8)


def test_hard_gives_each_colour_the_place_of_its_atom():
    made, lab = some(1, method="hard"), colours(1)
    nearest = ((lab[:, None] - made.x) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(made.freely(lab), made.t[nearest])


@pytest.mark.parametrize("method", ["smooth", "hard"])
def test_strength_is_the_share_of_the_way(method):
    lab = colours(2)
    none, half, whole = (some(2, method=method, strength=strength).freely(lab) for strength in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(none, lab, atol=1e-12)
    np.testing.assert_allclose(half, (lab + whole) / 2, atol=1e-12)


@pytest.mark.parametrize("method", ["smooth", "hard"])
def test_kept_luminance_is_kept_through_the_gamut_too(method):
    lab = colours(3)
    made = some(3, method=method, keep_luminance=True).fitted(lab)
    yellow = (lab[:, 0] > 92) & (lab[:, 2] > 0)  # where sRGB is not convex lightness gives way a little
    np.testing.assert_allclose(made(lab)[~yellow, 0], lab[~yellow, 0], atol=1e-9)


@given(st.integers(0, 1000))
def test_whatever_it_gives_is_inside_of_srgb(seed):
    lab = colours(seed)
    made = some(seed).fitted(lab)
    np.testing.assert_allclose(gamut.reach(made(lab)), 0, atol=1e-4)


def test_a_map_that_moves_nothing_gives_every_byte_back():
    x, a = palette(np.random.default_rng(5), 16)
    still = ColourMap(x, a, x)
    levels = np.random.default_rng(5).integers(0, 256, (5000, 3), dtype=np.uint8)
    lab = cielab.from_srgb(levels)
    np.testing.assert_array_equal(cielab.to_srgb(still.fitted(lab)(lab)), levels)


def test_threads_change_no_bit():
    lab = colours(6, 3 * BLOCK + 7)
    alone, together = some(6, workers=1).fitted(lab), some(6, workers=3).fitted(lab)
    np.testing.assert_array_equal(alone(lab), together(lab))
    assert alone(lab[:0]).shape == (0, 3)
    assert alone(lab.reshape(-1, 1, 3)).shape == (len(lab), 1, 3)
