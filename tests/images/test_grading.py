from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot.images import grading

WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, 2 degrees
TO_XYZ = np.array([
    [0.4124564, 0.3575761, 0.1804375],
    [0.2126729, 0.7151522, 0.0721750],
    [0.0193339, 0.1191920, 0.9503041],
])  # fmt: skip
"""IEC 61966-2-1."""

gradings = st.fixed_dictionaries(
    {
        "gamma": st.floats(0.25, 4),
        "contrast": st.floats(0.4, 2.5),
        "angle": st.floats(-np.pi, np.pi),
        "chroma_a": st.floats(0.2, 3),
        "chroma_b": st.floats(0.2, 3),
        "shift_a": st.floats(-30, 30),
        "shift_b": st.floats(-30, 30),
    }
)


def rgb_to_lab(rgb):
    """CIE 15 by hand, float64, independent of scikit-image."""
    value = np.asarray(rgb, dtype=float) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    t = linear @ TO_XYZ.T / WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def lab_to_rgb(lab):
    y = (lab[..., 0] + 16) / 116
    f = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    t = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = np.clip((np.maximum(t, 0) * WHITE) @ np.linalg.inv(TO_XYZ).T, 0, 1)
    value = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * np.clip(value, 0, 1)


def picture(seed: int = 0, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (12, 16, 3)).astype(np.uint8)


def only(**changes: float) -> dict[str, float]:
    return {**grading.IDENTITY, **changes}


@given(seed=st.integers(0, 2**32))
def test_strength_zero_is_the_identity(seed):
    assert grading.draw(np.random.default_rng([seed]), 0) == grading.IDENTITY


@pytest.mark.parametrize("nothing", [{}, grading.IDENTITY])
def test_the_identity_gives_back_the_pixels(nothing):
    pixels = picture()
    np.testing.assert_array_equal(grading.apply(pixels, nothing), picture())


@given(seed=st.integers(0, 2**32), strength=st.floats(0.05, 2))
def test_strength_scales_every_parameter(seed, strength):
    one, scaled = (grading.draw(np.random.default_rng([seed]), s) for s in (1, strength))
    assert list(one) == list(grading.IDENTITY)
    for name in ("angle", "shift_a", "shift_b"):
        assert scaled[name] == pytest.approx(strength * one[name], abs=3e-6)
    for name in ("gamma", "contrast", "chroma_a", "chroma_b"):
        assert scaled[name] == pytest.approx(one[name] ** strength, rel=1e-4)


def test_draws_repeat_and_differ_between_seeds():
    draws = [grading.draw(np.random.default_rng([seed]), 1) for seed in range(50)]
    assert draws == [grading.draw(np.random.default_rng([seed]), 1) for seed in range(50)]
    for name in grading.IDENTITY:
        assert len({draw[name] for draw in draws}) == 50


@given(seed=st.integers(0, 1000), made=gradings)
@settings(max_examples=60, deadline=None)
def test_apply_is_the_documented_formula(seed, made):
    pixels = picture(seed)
    lab = rgb_to_lab(pixels)
    light = 100 * (np.clip(lab[..., 0], 0, 100) / 100) ** made["gamma"]
    light = np.clip(50 + made["contrast"] * (light - 50), 0, 100)
    turn = np.exp(1j * made["angle"]) * (lab[..., 1] + 1j * lab[..., 2])
    a, b = made["chroma_a"] * turn.real + made["shift_a"], made["chroma_b"] * turn.imag + made["shift_b"]
    expected = lab_to_rgb(np.stack([light, a, b], axis=-1))
    graded = grading.apply(pixels, made)
    assert graded.dtype == np.uint8
    inside = ((expected > 0) & (expected < 255)).all(axis=2)  # outside sRGB it is a matter of how one clips
    assert np.abs(graded - expected)[inside].max(initial=0) <= 1.01


@given(grey=st.integers(0, 255), angle=st.floats(-np.pi, np.pi), a=st.floats(0.2, 3), b=st.floats(0.2, 3))
@settings(deadline=None)
def test_grey_stays_grey_without_a_white_balance_shift(grey, angle, a, b):
    pixels = np.full((1, 2, 3), grey, dtype=np.uint8)
    graded = grading.apply(pixels, only(angle=angle, chroma_a=a, chroma_b=b)).astype(int)
    assert np.abs(graded - grey).max() <= 1


@given(gamma=st.floats(0.25, 4), contrast=st.floats(0.4, 2.5))
@settings(deadline=None)
def test_tone_and_contrast_keep_the_order_of_greys(gamma, contrast):
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    light = grading.apply(ramp, only(gamma=gamma, contrast=contrast)).astype(int).sum(axis=2)[0]
    assert (np.diff(light) >= -2).all()  # rounding of three channels
    assert light[-1] > light[0]


def test_each_parameter_does_what_its_name_says():
    pixels = picture(low=100, high=156)
    before = rgb_to_lab(pixels)

    def after(**changes: float) -> np.ndarray:
        return rgb_to_lab(grading.apply(pixels, only(**changes))) - before

    assert (after(gamma=1.5)[..., 0] < 0).all()
    assert (
        np.sign(after(contrast=1.5)[..., 0][np.abs(before[..., 0] - 50) > 2]).tolist()
        == np.sign(before[..., 0][np.abs(before[..., 0] - 50) > 2] - 50).tolist()
    )
    for axis, name in ((1, "shift_a"), (2, "shift_b")):
        moved = after(**{name: 5.0})
        assert moved[..., axis].mean() == pytest.approx(5, abs=0.2)
        moved[..., axis] = 0
        assert np.abs(moved).mean() < 0.5
    for axis, name in ((1, "chroma_a"), (2, "chroma_b")):
        assert np.abs(after(**{name: 0.5})[..., axis] + before[..., axis] / 2).max() < 1.5
    turned = rgb_to_lab(grading.apply(pixels, only(angle=np.pi / 2)))
    assert np.abs(turned[..., 1] + before[..., 2]).max() < 1.5
    assert np.abs(turned[..., 2] - before[..., 1]).max() < 1.5


@given(made=gradings)
@settings(max_examples=20, deadline=None)
def test_colours_that_leave_srgb_are_clipped_without_a_warning(made):
    corners = np.array([[[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)]], dtype=np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grading.apply(corners, {**made, "chroma_b": 3.0, "shift_b": 30.0}).shape == corners.shape
