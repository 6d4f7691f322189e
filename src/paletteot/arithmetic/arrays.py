"""The sums and logarithms of `lanes` and `vector` for whole arrays, to be called from Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from paletteot.arithmetic import lanes, vector
from paletteot.compiled import njit

Array = NDArray[np.float64]


@njit(cache=True, nogil=True)
def total(u: Array) -> float:  # pragma: no cover - compiled
    """Return sum_j u_j, (n,) contiguous."""
    return lanes.total(u)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def dot(u: Array, v: Array) -> float:  # pragma: no cover - compiled
    """Return sum_j u_j v_j, both (n,) contiguous."""
    return lanes.dot(u, v)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def l1(u: Array, v: Array) -> float:  # pragma: no cover - compiled
    """Return sum_j |u_j - v_j|, both (n,) contiguous."""
    return lanes.l1(u, v)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def _logs(u: Array, found: Array) -> None:  # pragma: no cover - compiled
    for j in range(len(u)):
        found[j] = vector.log_of_any(u[j])


def log(values: Array) -> Array:
    """Return the natural logarithms of an array of any shape, float64."""
    flat = np.ascontiguousarray(values, dtype=np.float64).reshape(-1)
    found = np.empty_like(flat)
    _logs(flat, found)
    return found.reshape(np.shape(values))
