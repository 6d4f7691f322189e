"""Tables as people and spreadsheets read them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

import polars as pl

MARKS = re.compile(r"[\\`*\[\]<>|~&$@]|:(?=//)|(?<=www)\.|(?<![^\W_])_|_(?![^\W_])", re.IGNORECASE)
"""What means something to Markdown inside a line."""

FORMULA = r"^\s*[=+\-@＝＋－＠\t\r\n]"
"""How a cell begins that a spreadsheet runs: in full width too, and behind spaces."""

SAFE = ":/?#&=%@+,;~"
"""What an address keeps as it is; a bracket in it would end the link."""


def cells(row: Mapping[str, object], formats: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a row as people see them: by the format of their column, nothing where there is none."""
    return {name: _text(value, formats.get(name, "")) for name, value in row.items()}


def _text(value: object, form: str) -> str:
    if value is None:
        return ""
    return ("yes" if value else "no") if isinstance(value, bool) else format(value, form)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose cells show as typed."""
    lines = [header, ["---"] * len(header), *([escape(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


class Markdown(str):
    """Text that is Markdown already, and is not escaped."""


def link(text: str, address: str) -> Markdown:
    """Return a link that shows a text as typed. address: of http or https."""
    return Markdown(f"[{escape(text)}]({quote(address, safe=SAFE)})")


def escape(text: str) -> str:
    """Return text that Markdown shows as typed: names are data. An underscore inside a word means nothing there.

    Addresses that GitHub would make a link of by itself, with ``://``, ``www.`` or ``@``, stay text too.
    """
    if isinstance(text, Markdown):
        return text
    return re.sub(MARKS, r"\\\g<0>", " ".join(text.split()))


def to_csv(board: pl.DataFrame) -> str:
    """Return a board as CSV; text that a spreadsheet would run as a formula gets an apostrophe in front."""
    text = pl.col(pl.String)
    safe = pl.when(text.str.contains(FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep()
    return board.with_columns(safe).write_csv(float_precision=6)
