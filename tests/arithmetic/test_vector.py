from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from paletteot.arithmetic import vector

ULP = 2.0
"""Largest error that vector.py speaks of, and what rounding of the expected value adds."""

TINY, LARGEST = np.finfo(np.float64).tiny, np.finfo(np.float64).max


def over(function):
    """Return a compiled loop over an array, which LLVM may turn into SIMD code."""

    @njit
    def loop(x):
        found = np.empty_like(x)
        for i in range(len(x)):
            found[i] = function(x[i])
        return found

    return loop


exps, logs, logs_of_any, expm1s = map(over, (vector.exp, vector.log, vector.log_of_any, vector.expm1))


def off_by(found, expected):
    """Return the distance to the true values, in units of their last place."""
    return np.abs((found - expected) / np.spacing(np.abs(expected.astype(np.float64))))


def test_exp_is_numpys_over_its_whole_range():
    x = np.concatenate([np.linspace(-708, 709, 200_001), np.random.default_rng(0).normal(size=100_000)])
    assert off_by(exps(x), np.exp(x.astype(np.longdouble))).max() <= ULP


def test_log_is_numpys_over_its_whole_range():
    rng = np.random.default_rng(1)
    x = np.concatenate([np.exp(rng.uniform(-708, 709, 200_000)), 1 + rng.uniform(-0.5, 0.5, 100_000), [TINY, LARGEST]])
    assert off_by(logs(x), np.log(x.astype(np.longdouble))).max() <= ULP


@given(x=st.floats(-708, 709))
def test_exp_of_any_number(x):
    assert off_by(exps(np.array([x])), np.exp(np.array([x], dtype=np.longdouble))).max() <= ULP


@given(x=st.floats(TINY, LARGEST))
def test_log_of_any_number(x):
    if x == 1.0:
        assert logs(np.array([x]))[0] == 0.0
    else:
        assert off_by(logs(np.array([x])), np.log(np.array([x], dtype=np.longdouble))).max() <= ULP


@given(x=st.floats(-700, 700))
def test_the_logarithm_of_an_exponential_is_the_number(x):
    assert logs(exps(np.array([x])))[0] == pytest.approx(x, rel=1e-15, abs=5e-16)


def test_exp_stays_finite_and_positive_beyond_its_range():
    ends = exps(np.array([-708.0, -709.0, -1e300, -np.inf, 709.0, 710.0, 1e300, np.inf]))
    np.testing.assert_array_equal(ends[:4], ends[0])
    np.testing.assert_array_equal(ends[4:], ends[4])
    np.testing.assert_allclose(ends[[0, 4]], np.exp([-708.0, 709.0]), rtol=1e-15)


def test_exact_values_are_exact():
    np.testing.assert_array_equal(exps(np.array([0.0, -0.0])), 1.0)
    np.testing.assert_array_equal(logs(np.array([1.0])), 0.0)


def test_one_alone_and_one_of_many_are_alike():
    x = np.random.default_rng(2).normal(size=33) * 50
    for function, values in ((exps, x), (logs, np.exp(x))):
        alone = np.array([function(values[i : i + 1])[0] for i in range(len(values))])
        np.testing.assert_allclose(function(values), alone, rtol=5e-16)


@given(x=st.floats())
def test_log_of_any_number_is_numpys(x):
    with np.errstate(all="ignore"):
        expected = np.log(np.array([x]))
    np.testing.assert_allclose(logs_of_any(np.array([x])), expected, rtol=5e-16, atol=5e-16)


@given(x=st.one_of(st.floats(-708, 709), st.floats(-1e-4, 1e-4), st.just(np.nan)))
def test_expm1_is_numpys_near_zero_too(x):
    expected = np.expm1(np.array([x]))
    np.testing.assert_allclose(expm1s(np.array([x])), expected, rtol=1e-15, atol=2.3e-16 if abs(x) >= 1e-5 else 0)
