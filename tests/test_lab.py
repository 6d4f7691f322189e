from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import lab2rgb, rgb2lab

import paletteot.lab as cielab


def test_lab_is_scikit_images():
    levels = np.arange(256, dtype=np.uint8)
    grey = np.stack([levels] * 3, axis=1)
    colours = np.concatenate([grey, np.random.default_rng(0).integers(0, 256, (20_000, 3)).astype(np.uint8)])
    np.testing.assert_allclose(cielab.from_srgb(colours), rgb2lab(colours[None])[0], atol=5e-13)


def test_there_and_back_is_the_same_colour():
    steps = np.arange(0, 256, 5, dtype=np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1)
    np.testing.assert_array_equal(cielab.to_srgb(cielab.from_srgb(colours)), colours)


@given(st.floats(-20, 120), st.floats(-150, 150), st.floats(-150, 150))
def test_srgb_of_any_lab_is_scikit_images_to_a_level(light, a, b):
    lab = np.array([[[light, a, b]]])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*negative Z values.*")
        expected = 255 * np.clip(lab2rgb(lab), 0, 1)
    assert np.abs(cielab.to_srgb(lab) - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("shape", [(0, 3), (3,), (2, 4, 3)])
def test_shapes_are_kept(shape):
    colours = np.full(shape, 7, dtype=np.uint8)
    assert cielab.from_srgb(colours).shape == cielab.to_srgb(cielab.from_srgb(colours)).shape == shape
    assert cielab.from_srgb(colours[..., ::-1]).shape == shape
