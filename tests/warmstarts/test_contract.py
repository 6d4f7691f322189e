"""What a start may claim to have spent, looked at before it is cast to anything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paletteot.errors import DataError
from paletteot.warmstarts.contract import MOST_PASSES, passes

INTEGERS = [np.dtype(code) for code in "bhilqBHILQ"]


@given(st.sampled_from(INTEGERS), st.integers(), st.integers(0, 3))
def test_whole_numbers_in_range_are_themselves_and_others_are_refused(dtype, number, n):
    """Of every dtype that can hold it, one or (n,), and as a plain number, however large."""
    limits = np.iinfo(dtype)
    ways = [number]
    if limits.min <= number <= limits.max:
        ways += [dtype.type(number), np.array(number, dtype), np.full(n, number, dtype)]
    for way in ways:
        if 0 <= number <= MOST_PASSES or (np.ndim(way) and not n):
            found = passes(way, n)
            assert (found.dtype, found.shape) == (np.int64, (n,))
            assert (found == number).all()
        else:
            with pytest.raises(DataError, match="iterations must be from 0 to 1000000, but hold "):
                passes(way, n)


@pytest.mark.parametrize(
    ("claimed", "words"),
    [
        (np.uint64(2**64 - 1000), "from 0 to 1000000, but hold 18446744073709550616"),
        (np.full(2, 2**64 - 1000, np.uint64), "from 0 to 1000000, but hold 18446744073709550616"),
        (2**40, "from 0 to 1000000, but hold 1099511627776"),
        (10**30, "from 0 to 1000000, but hold one of more than 20 digits"),
        (np.array([3, -1]), "from 0 to 1000000, but hold -1"),
        (np.array([3, MOST_PASSES + 1]), "from 0 to 1000000, but hold 1000001"),
        (True, "whole numbers, but are bool"),
        (np.array([True, False]), "whole numbers, but are bool"),
        (1.0, "whole numbers, but are float64"),
        (float("nan"), "whole numbers, but are float64"),
        (np.array([1, 2], object), "whole numbers, but are object"),
        ([1, 2**70], "whole numbers, but are object"),
        ([[1], [1, 2]], "whole numbers, but are a list"),
        (None, "whole numbers, but are object"),
        ("3", "whole numbers, but are <U1"),
        (np.array([1, 2], "m8[s]"), r"whole numbers, but are timedelta64\[s\]"),
        (np.array([1, 2, 3]), r"one number or \(2,\), but have shape \(3,\)"),
        (np.array([[1, 2]]), r"one number or \(2,\), but have shape \(1, 2\)"),
    ],
)
def test_what_is_no_number_of_passes_is_named(claimed, words):
    with pytest.raises(DataError, match=f"^iterations must be {words}$"):
        passes(claimed, 2)


def test_a_number_of_more_digits_than_python_writes_is_named():
    with pytest.raises(DataError, match="one of more than 20 digits"):
        passes(-(10**5000), 2)
