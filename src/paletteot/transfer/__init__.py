"""Colour transfer: one picture's colours moved onto another by transport between their palettes."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paletteot.transfer.run import Transfer


class _Callable(ModuleType):
    """The room, called as the function that it is named for.

    Importing any of its modules makes this one an attribute of the package, where it would hide `paletteot.transfer`.
    """

    def __call__(self, *arguments: Any, **more: Any) -> Transfer:
        from paletteot.transfer.run import transfer

        return transfer(*arguments, **more)


sys.modules[__name__].__class__ = _Callable
