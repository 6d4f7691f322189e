from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as vectors
from numba import njit
from numba.core.errors import TypingError

from paletteot.arithmetic import arrays, lanes

LANES = 8


@njit
def dot3(u, v, w):
    return lanes.dot3(u, v, w)


@njit
def scaled_l1(u, v, w):
    return lanes.scaled_l1(u, v, w)


@njit
def four_dots(matrix, row, v):
    return lanes.four_dots(matrix, row, v)


def by_hand(terms: np.ndarray) -> float:
    """The order that the module writes down, one addition at a time."""
    whole = len(terms) - len(terms) % LANES
    acc = [0.0] * LANES
    for j in range(whole):
        acc[j % LANES] += float(terms[j])
    total = ((acc[0] + acc[4]) + (acc[2] + acc[6])) + ((acc[1] + acc[5]) + (acc[3] + acc[7]))
    for term in terms[whole:]:
        total += float(term)
    return total


lengths = st.integers(0, 70)
seeds = st.integers(0, 2**32)


@given(n=lengths, seed=seeds)
def test_every_sum_is_in_the_order_that_is_written_down(n, seed):
    u, v, w = np.random.default_rng(seed).normal(size=(3, n)) * 10.0 ** np.random.default_rng(seed).integers(-9, 9, n)
    assert arrays.total(u) == by_hand(u)
    assert arrays.dot(u, v) == by_hand(u * v)
    assert arrays.l1(u, v) == by_hand(np.abs(u - v))
    assert dot3(u, v, w) == by_hand(u * v * w)
    assert scaled_l1(u, v, w) == by_hand(np.abs(u * v - w))


@given(n=lengths, rows=st.integers(4, 9), seed=seeds)
def test_four_rows_at_once_are_as_one_each(n, rows, seed):
    rng = np.random.default_rng(seed)
    matrix, v, first = rng.normal(size=(rows, n)), rng.normal(size=n), int(rng.integers(0, rows - 3))
    assert four_dots(matrix, first, v) == tuple(arrays.dot(matrix[i], v) for i in range(first, first + 4))


@settings(deadline=None)
@given(u=vectors(np.float64, lengths, elements=st.floats()))
def test_what_is_no_number_stays_none(u):
    with np.errstate(all="ignore"):
        np.testing.assert_equal(arrays.total(u), by_hand(u))


@pytest.mark.parametrize("wrong", [np.zeros((3, 3)), np.zeros(6)[::2], np.zeros(3, dtype=np.float32)])
def test_other_arrays_are_refused_when_they_are_compiled(wrong):
    with pytest.raises(TypingError):
        arrays.total(wrong)


@given(values=vectors(np.float64, st.tuples(st.integers(0, 4), st.integers(0, 5)), elements=st.floats(1e-300, 1e300)))
def test_logarithms_keep_their_shape(values):
    found = arrays.log(values.T)
    assert found.shape == values.T.shape
    np.testing.assert_allclose(found, np.log(values.T), rtol=5e-16, atol=5e-16)
