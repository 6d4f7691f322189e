"""The page of colour transfer: pictures before and after, and ours beside others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from paletteot.report.site.facts import Transfers
from paletteot.report.site.tables import Cell, Table

PICTURES = "pictures"
"""Folder of the site that pictures lie in."""

COLUMNS = {
    "method": "ours: hard, and smooth with its sigma in LAB units; then others",
    "W1": "distance of the result's palette to B's by exact transport, LAB units, median of the pairs; less is better",
    "gradient SSIM": "structural similarity of the result's edges to A's; more is better",
    "SSIM": "structural similarity of the result's lightness to A's",
    "banding": "share of A's smooth pixels that have an edge in the result",
    "whites moved": "mean CIEDE2000 that A's whites moved, of pairs that have some",
    "s": "median seconds, on one of several workers",
    "front": "no other is as good on both W1 and gradient SSIM and better on one; ours with greys kept stand apart",
}
_SHOWN = {
    "W1": ("w1", ".1f"),
    "gradient SSIM": ("gradient_ssim", ".3f"),
    "SSIM": ("ssim", ".3f"),
    "banding": ("banding", ".2%"),
    "whites moved": ("neutrals_moved", ".1f"),
    "s": ("seconds", ".2f"),
}


def files(shown: Transfers) -> Iterator[str]:
    """Give the names of the pictures that the page shows."""
    for one in shown.examples:
        yield from one.files[1:]


def page(shown: Transfers) -> dict[str, Any]:
    """Return what the page shows."""
    return {"examples": shown.examples, "pictures": PICTURES, "table": _table(shown)}


def _table(shown: Transfers) -> Table:
    rows = []
    for row in shown.board.iter_rows(named=True):
        cells = {"method": Cell(row["method"], row["method"])}
        for name, (column, digits) in _SHOWN.items():
            value = row[column]
            cells[name] = Cell("") if value is None else Cell(format(value, digits), value)
        words = "yes" if row["front"] else "no"
        rows.append(cells | {"front": Cell(words, words)})
    most = max(shown.board["pairs"].to_list(), default=0)
    return Table(f"Ours (hard, smooth) and other libraries', medians of {most} pairs", COLUMNS, rows)
