"""What may be passed on: the licences of the pictures decide."""

from __future__ import annotations

import polars as pl

from paletteot.errors import PaletteOTError

UNSPLASH = "Unsplash Data License Terms"
"""The licence of pictures from the Unsplash Lite data set."""

PASSED_ON = frozenset(
    ("public domain", "CC0-1.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "MIT", "Unlicense", "PDDL-1.0")
)
"""Licences under which palettes of a picture may be published, with its attribution."""

FORBIDDEN = {
    UNSPLASH: (
        "term 3A forbids to disclose, disseminate or publish any portion of the licensed data in any manner, "
        "term 3B to sublicense or redistribute it (unsplash.com/data-terms)"
    ),
}
"""Licences that forbid it, and where they say so."""


class LicenceError(PaletteOTError):
    """A release may not be published."""


def check(images: pl.DataFrame) -> None:
    """Check that palettes and labels of these pictures may be published; images: the table of that name.

    Raises LicenceError with the reason.
    """
    counts = images.group_by("licence").len().sort("licence").rows()
    for licence, pictures in counts:
        if licence in PASSED_ON:
            continue
        why = FORBIDDEN.get(licence, f"not known to allow it; known to are {', '.join(sorted(PASSED_ON))}")
        raise LicenceError(
            f"{pictures} of {len(images)} pictures may not be passed on, nor what is derived from them: "
            f"{licence!r}: {why}. What may go, photo ids and how to rebuild, goes with --only-ids"
        )
