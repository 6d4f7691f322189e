"""exp and log for compiled loops: branch-free, so that LLVM turns a loop over them into SIMD code; about 1 ns each.

No function that calls these may be compiled with any fastmath: x + 2^52 - 2^52 would become x, and a multiplication and
an addition that are one instruction on one CPU round twice on another. numba does not see an edit here in its caches of
the callers.

libm's functions differ in last bits from one CPU, system and version to the next; its scalar ones cost 4 to 6 ns, and
vectorised ones (SVML) do not come with numba's wheels on every platform.
Range reduction after Cody and Waite 1980, "Software manual for the elementary functions"; the polynomials are the
Chebyshev interpolants of (exp r - 1 - r) / r^2 and (log m - 2 f) / f^3, good to 2e-17, in the order of Estrin 1960,
which leaves no long chain of additions waiting for each other. Largest error seen 2 ulp.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from paletteot.compiled import njit

_LOG2E = 1.4426950408889634
_LN2 = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
_ROUND = 6755399441055744.0
"""1.5 * 2^52: adding it leaves the nearest integer in the lowest bits."""

_SQRT_HALF = 0x3FE6A09E667F3BCD
"""Bits of sqrt(1/2): mantissas are taken from [sqrt(1/2), sqrt(2))."""

_TINY = 2.2250738585072014e-308
"""Smallest normal number."""

_SCALE, _LOG_SCALE = 2.0**54, 37.42994775023705


@intrinsic
def _bits(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Return the bits of a float64 as int64."""
    return types.int64(types.float64), lambda _, builder, __, args: builder.bitcast(args[0], ir.IntType(64))


@intrinsic
def _real(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Return the float64 of int64 bits."""
    return types.float64(types.int64), lambda _, builder, __, args: builder.bitcast(args[0], ir.DoubleType())


@njit(error_model="numpy")
def exp(x: float) -> float:  # pragma: no cover - compiled
    """Return the exponential; below -708 that of -708 (3e-308), above 709 that of 709. Undefined for NaN."""
    x = min(max(x, -708.0), 709.0)
    shifted = x * _LOG2E + _ROUND
    n = shifted - _ROUND
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    p = (0.5 + 0.16666666666666669 * r) + (0.04166666666662413 + 0.008333333333330062 * r) * r2
    q = 0.0013888888917213717 + 0.00019841269863053618 * r
    q += (2.4801521295954376e-05 + 2.7557268459997064e-06 * r) * r2
    p = (p + q * r4) + (2.7620088445409746e-07 + 2.510038549551032e-08 * r) * (r4 * r4)
    p = (p * r2 + r) + 1.0
    return _real(_bits(p) + (_bits(shifted) << 52))  # type: ignore[call-arg]


@njit(error_model="numpy")
def log(x: float) -> float:  # pragma: no cover - compiled
    """Return the natural logarithm of a normal positive number; undefined for others."""
    bits: int = _bits(x)  # type: ignore[call-arg]
    exponent = (bits - _SQRT_HALF) >> 52
    m: float = _real(bits - (exponent << 52))
    f = (m - 1.0) / (m + 1.0)  # log m = 2 artanh f
    q = f * f
    q2 = q * q
    p = (0.666666666666667 + 0.39999999999899444 * q) + (0.2857142862600327 + 0.22222211130259878 * q) * q2
    p += ((0.18182889455674947 + 0.15331710618210773 * q) + 0.14616585424888623 * q2) * (q2 * q2)
    return exponent * _LN2 + (p * q * f + 2.0 * f)


@njit(error_model="numpy")
def log_of_any(x: float) -> float:  # pragma: no cover - compiled
    """Return the natural logarithm of any number: -inf of 0, NaN of negative ones, of subnormal ones too."""
    if _TINY <= x < np.inf:
        return log(x)
    if 0.0 < x < _TINY:
        return log(x * _SCALE) - _LOG_SCALE
    if x == 0.0:
        return -np.inf
    return x if x == np.inf else np.nan


@njit(error_model="numpy")
def expm1(x: float) -> float:  # pragma: no cover - compiled
    """Return exp x - 1 to 2e-16, and to 1e-15 of itself where x is below 1e-5; NaN of NaN."""
    if abs(x) < 1e-5:
        return x + x * x * (0.5 + x / 6)
    return exp(x) - 1.0 if x == x else x
