"""Palettes of other sizes than 128, and of several sizes side by side."""

from __future__ import annotations

import numpy as np
import pytest

import paletteot
from paletteot.palettes import palette

SIZES = (2, 16, 128, 1024)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    y, x = np.mgrid[:96, :128]
    noise = np.random.default_rng(0).integers(0, 60, (96, 128, 3))
    return np.clip(np.stack([2 * x, 2 * y, 255 - x - y], 2) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def made(photograph) -> dict[int, paletteot.Problem]:
    return {k: palette(photograph, k=k, sample=4000, refinements=2, seed=1) for k in SIZES}


@pytest.mark.parametrize("k", SIZES)
def test_any_size_up_to_1024_is_a_palette(made, k):
    one = made[k]
    assert one.centroids.shape == (k, 3)
    assert one.weights.shape == (k,)
    assert one.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (np.diff(one.weights) <= 0).all()


def test_more_atoms_mean_less_inertia(made):
    inertia = [made[k].inertia for k in SIZES]
    assert inertia == sorted(inertia, reverse=True)


def test_a_picture_of_fewer_colours_than_atoms_is_padded_with_weight_zero():
    pixels = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8)
    one = palette(pixels, k=1024, sample=256, refinements=1, seed=0)
    assert (one.weights > 0).sum() == 3
    assert not one.centroids[3:].any()


def test_palettes_of_different_sizes_meet_as_they_are_and_padded(made):
    small, large = made[16], made[128]
    problem = paletteot.Problem(small.centroids, small.weights, large.centroids, large.weights)
    padded = paletteot.Problem(
        np.vstack([small.centroids, np.zeros((112, 3))]), np.append(small.weights, np.zeros(112)),
        large.centroids, large.weights,
    )  # fmt: skip
    g, g_padded = paletteot.solve(problem).g, paletteot.solve(padded).g
    np.testing.assert_allclose(g_padded, g, atol=1e-8)
    np.testing.assert_allclose(paletteot.plan(padded, g_padded)[:16], paletteot.plan(problem, g), atol=1e-9)
    assert not paletteot.plan(padded, g_padded)[16:].any()
