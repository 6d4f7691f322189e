"""What a figure rests on: problems, the photographs on their two sides, and how many of those are independent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import polars as pl

FEWEST = 10
"""Groups of photographs below which people are shown no interval: what is called 95 % covers 87 % in simulations of
ten, 81 % of five, 73 % of three (docs/protocol.md, section 4)."""

SIZES = ("problems", "photographs", "groups")
"""The columns of a board that say what a row rests on."""


@dataclass(frozen=True)
class Sample:
    """How many problems, photographs on either side of them, and groups of these: those of one series together."""

    problems: int
    photographs: int
    groups: int

    @classmethod
    def of(cls, row: Mapping[str, object]) -> Sample:
        """Return that of a row of a board, by the columns SIZES."""
        return cls(*(int(str(row[name])) for name in SIZES))

    @property
    def columns(self) -> dict[str, int]:
        """The columns SIZES of a row of a board."""
        return asdict(self)

    @property
    def few(self) -> bool:
        """Whether there are too few photographs for an interval that is worth reading."""
        return self.groups < FEWEST

    @property
    def whose(self) -> str:
        """How many photographs, in words."""
        apart = "" if self.groups == self.photographs else f" in {self.groups:,} groups"
        return f"{self.photographs:,} photograph{'' if self.photographs == 1 else 's'}{apart}"

    @property
    def words(self) -> str:
        """Problems and photographs, in words."""
        return f"{self.problems:,} problem{'' if self.problems == 1 else 's'} of {self.whose}"

    @property
    def warning(self) -> str:
        """The line that stands beside figures of few photographs, '' beside others."""
        return f"{self.whose}: no interval worth reading, nor a rank" if self.few else ""

    def interval(self, median: float, low: float, high: float) -> str:
        """Return a median with the ends of its interval as people see it, the median alone where there are few."""
        return f"{median:.3f}" + ("" if self.few else f" ({low:.3f} to {high:.3f})")


def words_of(board: pl.DataFrame) -> str:
    """Return what the rows of a board rest on: that of its first row, then whose differs. board: SIZES and family."""
    first, *others = [
        (Sample(*sizes), names)
        for *sizes, names in board.group_by(SIZES, maintain_order=True).agg("family").iter_rows()
    ]
    return "; ".join([first[0].words, *(f"{', '.join(dict.fromkeys(who))} on {of.words}" for of, who in others)])


def warning_of(board: pl.DataFrame) -> str:
    """Return the line that stands beside a board of few photographs, '' beside others. board: with SIZES."""
    samples = [Sample(*sizes) for sizes in board.select(SIZES).unique(maintain_order=True).iter_rows()]
    return "; ".join(dict.fromkeys(one.warning for one in samples if one.few))
