"""exp and log for compiled loops: branch-free, so that LLVM turns a loop over them into SIMD code; about 1 ns each.

No function that calls these may be compiled with fastmath "reassoc" and "nsz" together, nor inline them before LLVM
does: x + 2^52 - 2^52 would become x. numba does not see an edit here in its caches of the callers.

libm's scalar functions cost 4 to 6 ns, and vectorised ones (SVML) do not come with numba's wheels on every platform.
Range reduction after Cody and Waite 1980, "Software manual for the elementary functions"; largest error seen 2 ulp.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.extending import intrinsic

_LOG2E = 1.4426950408889634
_LN2 = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
_ROUND = 6755399441055744.0
"""1.5 * 2^52: adding it leaves the nearest integer in the lowest bits."""

_SQRT_HALF = 0x3FE6A09E667F3BCD
"""Bits of sqrt(1/2): mantissas are taken from [sqrt(1/2), sqrt(2))."""


@intrinsic
def _bits(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Return the bits of a float64 as int64."""
    return types.int64(types.float64), lambda _, builder, __, args: builder.bitcast(args[0], ir.IntType(64))


@intrinsic
def _real(typing: Any, x: Any) -> Any:  # noqa: ARG001
    """Return the float64 of int64 bits."""
    return types.float64(types.int64), lambda _, builder, __, args: builder.bitcast(args[0], ir.DoubleType())


@njit(fastmath={"contract"}, error_model="numpy")
def exp(x: float) -> float:  # pragma: no cover - compiled
    """Return the exponential; below -708 that of -708 (3e-308), above 709 that of 709. Undefined for NaN."""
    x = min(max(x, -708.0), 709.0)
    shifted = x * _LOG2E + _ROUND
    n = shifted - _ROUND
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = 1.6059043836821613e-10  # Taylor: 1/13! downwards, |r| <= ln 2 / 2
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 0.0001984126984126984
    p = p * r + 0.001388888888888889
    p = p * r + 0.008333333333333333
    p = p * r + 0.041666666666666664
    p = p * r + 0.16666666666666666
    p = p * r + 0.5
    p = p * (r * r) + r + 1.0
    return _real(_bits(p) + (_bits(shifted) << 52))  # type: ignore[call-arg]


@njit(fastmath={"contract"}, error_model="numpy")
def log(x: float) -> float:  # pragma: no cover - compiled
    """Return the natural logarithm of a normal positive number; undefined for others."""
    bits: int = _bits(x)  # type: ignore[call-arg]
    exponent = (bits - _SQRT_HALF) >> 52
    m: float = _real(bits - (exponent << 52))
    f = (m - 1.0) / (m + 1.0)  # log m = 2 artanh f
    q = f * f
    p = 2 / 21
    p = p * q + 2 / 19
    p = p * q + 2 / 17
    p = p * q + 2 / 15
    p = p * q + 2 / 13
    p = p * q + 2 / 11
    p = p * q + 2 / 9
    p = p * q + 2 / 7
    p = p * q + 2 / 5
    p = p * q + 2 / 3
    return exponent * _LN2 + (p * q * f + 2.0 * f)
