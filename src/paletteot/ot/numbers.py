"""What callers give as numbers and arrays, as float64 and int, or one clear line that says what is legal.

Compiled loops would answer another type with a page about types, and would compile anew for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paletteot.errors import ProblemError

LARGEST_WHOLE = 2**53
"""Whole numbers beyond this are not told apart in float64."""


def real(value: object, field: str, legal: str = "a number") -> float:
    """Return a number of any type as a float: Decimal, Fraction, NumPy's and torch's among them, 0-d arrays too.

    field, legal: how a message calls it. Raises ProblemError where it is none: text, None, complex, an array.
    """
    wrong = ProblemError(f"{field} must be {legal}, but is {_said(value)}")
    kind = value.dtype.kind if isinstance(value, np.ndarray | np.generic) else ""
    if isinstance(value, str | bytes | bytearray | complex) or kind not in ("", *"biuf") or _shape(value) != ():
        raise wrong  # float() would read text, and take arrays of one element and, with a warning, complex ones
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise wrong from None


def positive(value: object, field: str, legal: str = "a positive number") -> float:
    """Return a number above 0 that is finite, as `real` does."""
    number = real(value, field, legal)
    if not 0 < number < np.inf:
        raise ProblemError(f"{field} must be {legal}, but is {_said(value)}")
    return number


def whole(value: object, field: str, least: int = 0, most: int = LARGEST_WHOLE) -> int:
    """Return a whole number from least to most, of any type, as an int.

    Raises ProblemError where it is none.
    """
    number = real(value, field, "a whole number")
    if not number.is_integer():
        raise ProblemError(f"{field} must be a whole number, but is {_said(value)}")
    if not least <= number <= most:
        legal = f"at least {least}" if most == LARGEST_WHOLE and number < least else f"from {least} to {most}"
        raise ProblemError(f"{field} must be {legal}, but is {_said(value)}")
    return int(number)


def falling(values: Sequence[float], field: str) -> NDArray[np.float64]:
    """Return positive numbers that fall, (n,), n at least 1.

    Raises ProblemError where they do not, or are no numbers.
    """
    wrong = ProblemError(f"{field} must be positive and fall, but are {_said(values)}")
    try:
        numbers = np.array([real(value, field) for value in values])
    except (ProblemError, TypeError):
        raise wrong from None
    if isinstance(values, str | bytes) or not len(numbers) or not (numbers > 0).all() or (np.diff(numbers) >= 0).any():
        raise wrong
    return numbers


def reals(values: ArrayLike, field: str, dtype: str | None = None) -> NDArray[np.float64]:
    """Return an array as float64, contiguous; the same one where it is that already.

    dtype: the one that it must have, in any byte order; None for any of real numbers.
    Raises ProblemError where it cannot be one or has another dtype: ragged, text, complex numbers.
    """
    legal = "an array of real numbers" if dtype is None else dtype
    try:
        given = np.asarray(values)
        found = given.dtype.name
        # NumPy would drop imaginary parts with a warning, and read text.
        if given.dtype.kind not in "cSUMm" and dtype in (None, found):
            return np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        found = type(values).__name__
    raise ProblemError(f"{field} must be {legal}, but is {found}")


def _shape(value: object) -> tuple[int, ...]:
    return tuple(getattr(value, "shape", ()))


def _said(value: object) -> str:
    """Return what a message shows of a value: one line, not a whole array."""
    words = " ".join(repr(value).split())
    return words if len(words) <= 80 else f"{words[:77]}..."
