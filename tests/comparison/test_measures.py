"""What the measures of colour transfer say of results that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paletteot.comparison import measures
from paletteot.palettes import Palette, palette

PICTURES = arrays(np.uint8, st.tuples(st.integers(8, 20), st.integers(8, 20), st.just(3)))


def made(pixels) -> Palette:
    return palette(pixels, k=8, sample=256, refinements=2, seed=2)


def plain(*colours: tuple[int, int, int], side: int = 16) -> np.ndarray:
    """Return a picture of vertical stripes of one width."""
    return np.repeat(np.array(colours, dtype=np.uint8)[None], side, axis=0).repeat(side // len(colours), axis=1)


def of_atoms(*lab: tuple[float, float, float]) -> Palette:
    return Palette(np.array(lab, dtype=float), np.full(len(lab), 1 / len(lab)), 0.0, len(lab))


@settings(max_examples=25, deadline=None)
@given(PICTURES)
def test_a_picture_is_itself(pixels):
    found = measures.measure(pixels, pixels, made(pixels), made(pixels))
    assert found.w1 == pytest.approx(0, abs=1e-9)
    assert found.w2 == pytest.approx(0, abs=1e-6)
    assert found.gradient_ssim == pytest.approx(1, abs=1e-9)
    assert found.ssim == pytest.approx(1, abs=1e-9)
    assert found.banding == 0
    assert found.neutrals_moved in (None, pytest.approx(0, abs=1e-9))


@settings(max_examples=25, deadline=None)
@given(PICTURES, PICTURES)
def test_distances_are_symmetric_and_in_order(one, other):
    there, back = measures.wasserstein(made(one), made(other)), measures.wasserstein(made(other), made(one))
    assert there == pytest.approx(back, abs=1e-6)
    assert 0 <= there[0] <= there[1] + 1e-9


@settings(max_examples=25, deadline=None)
@given(PICTURES, st.integers(0, 2**32 - 1))
def test_measures_are_within_their_range(pixels, seed):
    result = np.random.default_rng(seed).integers(0, 256, pixels.shape, dtype=np.uint8)
    assert -1 <= measures.ssim(pixels, result) <= 1
    assert -1 <= measures.gradient_ssim(pixels, result) <= 1
    assert 0 <= measures.banding(pixels, result) <= 1


@given(st.floats(0, 80))
def test_a_shift_costs_its_length(shift):
    one, moved = of_atoms((10, 0, 0), (60, 20, 0)), of_atoms((10, 0, shift), (60, 20, shift))
    assert measures.wasserstein(one, moved) == (pytest.approx(shift, abs=1e-9), pytest.approx(shift, abs=1e-6))


def test_atoms_without_weight_are_nowhere():
    one = Palette(np.array([[50.0, 0, 0], [0, 0, 0]]), np.array([1.0, 0]), 0.0, 1)
    assert measures.wasserstein(one, of_atoms((50, 0, 30))) == pytest.approx((30, 30))


def test_edges_are_told_from_colours():
    grey, tinted = plain((60, 60, 60), (180, 180, 180)), plain((60, 60, 60), (180, 180, 180))
    tinted[..., 0] = np.minimum(tinted[..., 0] + 5, 255)
    turned = np.ascontiguousarray(grey.transpose(1, 0, 2))
    assert measures.gradient_ssim(grey, tinted) > 0.95
    assert measures.gradient_ssim(grey, turned) < measures.gradient_ssim(grey, tinted)


def test_a_plain_picture_has_edges_to_compare_too():
    grey, noise = plain((90, 90, 90)), plain((90, 90, 90))
    noise[::2, ::3] += 60
    assert measures.gradient_ssim(grey, grey) == 1
    assert measures.gradient_ssim(grey, noise) < 0.1


def test_new_edges_on_smooth_ground_are_banding_and_old_ones_are_none():
    smooth = plain((128, 128, 128), (129, 129, 129), side=32)
    bands, harmless = plain((100, 100, 100), (150, 150, 150), side=32), plain((90, 60, 60), (92, 60, 60), side=32)
    assert measures.banding(smooth, bands) == pytest.approx(2 / 32)
    assert measures.banding(smooth, harmless) == 0
    assert measures.banding(bands, plain((0, 0, 0), (255, 255, 255), side=32)) == 0
    coloured = plain((128, 128, 128), (128, 148, 118), side=32)
    assert measures.banding(smooth, coloured) > 0


def test_whites_that_turn_pink_are_seen_and_colours_that_turn_are_not():
    white, pink = plain((250, 250, 250), (200, 30, 30)), plain((250, 220, 225), (200, 30, 30))
    assert measures.neutrals_moved(white, pink) > 5
    assert measures.neutrals_moved(white, plain((250, 250, 250), (30, 30, 200))) == 0
    assert measures.neutrals_moved(plain((200, 30, 30), (90, 90, 90)), pink) is None
