from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paletteot.lab as cielab
from paletteot.transfer import gamut
from paletteot.transfer.gamut import KNEE, compress, reach

NUMBERS = st.floats(-1e3, 1e3)
COLOURS = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=40)
BYTES = st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=40)
LEVEL = 1 / 255


def srgb(lab: np.ndarray) -> np.ndarray:
    """Return sRGB of CIELAB by colour-science, not clipped; white and matrix are those of paletteot.lab."""
    colour = pytest.importorskip("colour")
    xyz = colour.Lab_to_XYZ(lab, colour.XYZ_to_xy(np.array(cielab.WHITE)))
    to_xyz = [[0.412453, 0.35758, 0.180423], [0.212671, 0.71516, 0.072169], [0.019334, 0.119193, 0.950227]]
    return colour.models.RGB_COLOURSPACE_sRGB.cctf_encoding(xyz @ np.linalg.inv(to_xyz).T)


def rays(n: int, seed: int = 0, lightest: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    """Return lightness (n,) and the hue's cosine and sine (n, 2)."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    return rng.uniform(1, lightest, n), np.stack([np.cos(angle), np.sin(angle)], axis=1)


def largest(light: np.ndarray, hue: np.ndarray) -> np.ndarray:
    return np.array([gamut.largest_at(l, *h, 60.0) for l, h in zip(light.tolist(), hue.tolist(), strict=True)])


def at(light: np.ndarray, hue: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    return np.column_stack([light, hue * chroma[:, None]])


def test_the_boundary_is_where_colour_science_sees_it():
    light, hue = rays(2000, lightest=92.0)
    most = largest(light, hue)
    within, beyond = srgb(at(light, hue, most - 0.01)), srgb(at(light, hue, most + 0.05))
    assert ((within > -1e-4) & (within < 1 + 1e-4)).all()
    assert ((beyond < -1e-5) | (beyond > 1 + 1e-5)).any(axis=1).all()


def test_the_largest_chroma_of_all_is_blues():
    light, hue = rays(20_000, lightest=99.0)
    blue = cielab.from_srgb(np.array([[0, 0, 255]], np.uint8))[0]
    assert largest(light, hue).max() <= np.hypot(*blue[1:]) < gamut.MOST_CHROMA


@pytest.mark.parametrize("guess", [0.0, 1e-9, 20.0, 139.9, 140.0])
def test_the_boundary_does_not_hang_on_where_the_search_begins(guess):
    light, hue = rays(2000, lightest=99.9)
    found = [gamut.largest_at(l, *h, guess) for l, h in zip(light.tolist(), hue.tolist(), strict=True)]
    np.testing.assert_allclose(found, largest(light, hue), atol=2 * gamut.CLOSE)


@given(COLOURS)
def test_everything_finite_ends_inside_and_a_byte_of_it_is_not_clipped(colours):
    found = srgb(compress(np.array(colours)))
    assert ((found > -2e-3 * LEVEL) & (found < 1 + 0.02 * LEVEL)).all()


@pytest.mark.parametrize("extreme", [1e308, -1e308, 1e-308, 0.0])
def test_extremes_end_inside(extreme):
    found = compress(np.array([[50, extreme, extreme], [extreme, 10, -10], [50, 10, extreme], [extreme] * 3]))
    assert np.isfinite(found).all()
    assert reach(found) == 0.0


@given(COLOURS)
def test_lightness_and_hue_are_kept(colours):
    lab = np.array(colours)
    found = compress(lab)
    light = np.clip(lab[:, 0], 0, 100)
    drop = light - found[:, 0]
    may_fall = np.array(
        [gamut.fall(one, *gamut.polar(*row)[1:3]) for one, row in zip(light, lab.tolist(), strict=True)]
    )
    assert (drop >= 0).all()
    assert (drop <= may_fall + gamut.FALL_SEARCH * (may_fall > 0) + 2 * gamut.CLOSE).all()
    chroma, before = np.hypot(*found[:, 1:].T), np.hypot(*lab[:, 1:].T)
    np.testing.assert_allclose(
        found[:, 1:] * before[:, None], lab[:, 1:] * chroma[:, None], atol=1e-9 * (1 + before.max())
    )


@given(BYTES)
def test_a_picture_that_is_inside_stays_as_it_is_to_the_bit(colours):
    lab = cielab.from_srgb(np.array(colours, np.uint8))
    assert reach(lab) == 0.0
    np.testing.assert_array_equal(compress(lab), lab)


@given(BYTES, st.floats(0, 1e3))
def test_below_the_knee_nothing_moves_whatever_the_reach(colours, farthest):
    lab = cielab.from_srgb(np.array(colours, np.uint8))
    beneath = lab * [1, KNEE - 1e-3, KNEE - 1e-3]
    beneath = beneath[(beneath[:, 0] < 90) & (beneath[:, 0] > 0.1)]
    np.testing.assert_array_equal(compress(beneath, farthest), beneath)


@given(BYTES, st.floats(0, 1e3))
def test_what_was_inside_loses_at_most_a_twentieth_of_its_chroma(colours, farthest):
    lab = cielab.from_srgb(np.array(colours, np.uint8))
    lost = np.hypot(*lab[:, 1:].T) - np.hypot(*compress(lab, farthest)[:, 1:].T)
    assert (lost >= -1e-9).all()
    assert (lost <= (1 - KNEE) / 2 * np.hypot(*lab[:, 1:].T) + 0.01).all()


@given(st.floats(1, 60), st.floats(0, 6.28), st.floats(0.5, 80))
def test_chroma_stays_in_order_and_no_two_collapse(light, angle, farthest):
    hue = np.array([[np.cos(angle), np.sin(angle)]])
    most = largest(np.array([light]), hue)[0]
    chroma = np.linspace(0.5 * most, most + farthest, 50)
    found = np.hypot(*compress(at(np.full(50, light), np.repeat(hue, 50, axis=0), chroma), farthest)[:, 1:].T)
    assert (np.diff(found) > 0).all()
    assert found[-1] == pytest.approx(most, abs=3 * gamut.CLOSE)


@given(st.floats(1, 60), st.floats(0, 6.28), st.floats(1e-6, 1e-3))
def test_as_the_reach_goes_to_nothing_so_does_the_compression(light, angle, farthest):
    hue = np.array([[np.cos(angle), np.sin(angle)]])
    lab = at(np.full(20, light), np.repeat(hue, 20, axis=0), np.linspace(0, 1, 20) * largest(np.array([light]), hue))
    np.testing.assert_allclose(compress(lab, farthest), lab, atol=1.1 * farthest + 1e-3)


def test_it_is_continuous_across_the_boundary_and_the_knee():
    light, hue = rays(500)
    most = largest(light, hue)
    for share in (KNEE, 1.0, 1.3):
        below, above = (compress(at(light, hue, most * share + step), 50.0) for step in (-1e-3, 1e-3))
        assert np.abs(above - below).max() < 2.5e-3


def test_only_light_warm_colours_may_give_up_lightness():
    angle = np.radians(np.arange(0, 360, 5))
    for light, share in ((0, 0), (60, 0), (70, 0.5), (80, 1), (100, 1)):
        depth = np.array([gamut.fall(light, np.cos(one), np.sin(one)) for one in angle])
        assert np.degrees(angle[depth > 1e-9]).round().tolist() == (list(range(30, 145, 5)) if share else [])
        assert depth.max() == pytest.approx(gamut.FALL * share)


def test_light_warm_colours_end_inside_and_keep_their_chroma():
    rng = np.random.default_rng(0)
    angle, chroma = np.radians(rng.uniform(20, 150, 20_000)), rng.uniform(20, 120, 20_000)
    lab = np.column_stack([rng.uniform(60, 100, 20_000), np.cos(angle) * chroma, np.sin(angle) * chroma])
    found = compress(lab)
    assert ((srgb(found) > -1e-5) & (srgb(found) < 1 + 1e-4)).all()
    assert gamut.FALL - 0.5 < (lab[:, 0] - found[:, 0]).max() <= gamut.FALL + 0.1
    golden = np.array([[95.0, -17.0, 93.0]])  # sRGB has chroma 40 at this lightness, 93 at L* 93
    assert np.hypot(*compress(golden)[0, 1:]) > 85


@pytest.mark.parametrize("farthest", [1e-6, 1e-3, 0.1, 1.0, 5.0, 50.0])
def test_the_corners_of_srgb_move_as_little_as_others(farthest):
    corners = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)
    lab = cielab.from_srgb(corners)
    assert np.abs(compress(lab, farthest) - lab).max() <= min(7.0, 2 * farthest + 0.02)


def test_the_reach_of_tiles_is_the_pictures():
    lab = np.random.default_rng(0).normal(size=(900, 3)) * [30, 40, 40] + [50, 0, 0]
    parts = np.split(lab, 9)
    assert max(map(reach, parts)) == pytest.approx(reach(lab), abs=2 * gamut.CLOSE)
    whole = compress(lab)
    np.testing.assert_allclose(np.concatenate([compress(one, reach(lab)) for one in parts]), whole, rtol=0, atol=0)


def test_the_reach_is_the_largest_chroma_beyond():
    light, hue = rays(300)
    beyond = np.linspace(-5, 12, 300)
    lab = at(light, hue, np.maximum(largest(light, hue) + beyond, 0))
    assert reach(lab) == pytest.approx(12, abs=1e-4)
    assert reach(lab[beyond < -1e-3]) == 0.0


@pytest.mark.parametrize("n", [0, 1])
def test_few_colours(n):
    assert compress(np.full((n, 3), 50.0)).shape == (n, 3)
    assert reach(np.zeros((n, 3))) == 0.0
