"""numba's ``njit`` for every compiled loop of the package; it keeps what it compiled on disk wherever it may write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def njit(*, cache: bool = False, **options: Any) -> Callable[[F], F]:
    """Return numba's decorator of these options, the same but for the cache where no folder can be written.

    cache: keep machine code in NUMBA_CACHE_DIR, in ``__pycache__`` beside the source, or in the user's cache folder.
    numba raises where it can write in none of them, as in a read-only install without a home; there each process
    compiles anew.
    """

    def compiled(function: F) -> F:
        try:
            made: F = numba.njit(cache=cache, **options)(function)
        except RuntimeError as error:
            if "cannot cache" not in str(error):
                raise
            made = numba.njit(**options)(function)
        return made

    return compiled
