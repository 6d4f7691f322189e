"""What is known of a contestant: the rows of all its records, who made it, and where the rows come from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.benchmark import schema
from paletteot.benchmark.records.facts import RecordFacts
from paletteot.benchmark.records.store import Record, key
from paletteot.errors import DataError
from paletteot.tables import dtypes

TABLES = {name: table for tables in schema.TRACKS.values() for name, table in tables.items()}
"""Every table of an evaluation by its name."""


@dataclass(frozen=True)
class About:
    """What is said of a start; '' where nothing is. All of a guest's text is a stranger's.

    learned, kernel_only: whether it knows something from data, and whether it makes passes over the kernel only; None
    where nobody here can know.
    """

    summary: str = ""
    citation: str = ""
    authors: str = ""
    link: str = ""
    learned: bool | None = False
    kernel_only: bool | None = True

    @property
    def href(self) -> str:
        """The link where it is one that a browser may follow, else ''."""
        return web_address(self.link)


@dataclass(frozen=True)
class Origin:
    """Of a contestant's rows: data version, code commit, hardware, and the MLflow run of its weights; '' is not known.

    run, url: the run's id, and its page where a tracking server has one. claimed: whether the seconds of the start are
    what its makers say, not measured here. by: who made it, where that is not this package.
    """

    data: str = ""
    code: str = ""
    hardware: str = ""
    run: str = ""
    url: str = ""
    claimed: bool = False
    by: str = ""

    @property
    def href(self) -> str:
        """The page of the run where it is one that a browser may follow, else ''."""
        return web_address(self.url)


NOT_SAID = About()
NOT_KNOWN = Origin()


@dataclass(frozen=True)
class Evaluation:
    """One contestant's rows, in the order of pair_id: of Track A, B and C what repeats, and seconds, which do not.

    The frames are the tables of schema.TRACKS, by the same names; those of tracks that it did not enter are empty.
    guest: it comes from outside the package, and may have entered some splits and tracks only.
    """

    method: str
    iterations: pl.DataFrame
    seconds: pl.DataFrame
    accelerated: pl.DataFrame
    accelerated_seconds: pl.DataFrame
    newton: pl.DataFrame
    newton_seconds: pl.DataFrame
    ladder: pl.DataFrame
    about: About = NOT_SAID
    origin: Origin = NOT_KNOWN
    guest: bool = False

    @property
    def counts(self) -> NDArray[np.int64]:
        """Iterations of each problem of Track A, the start's own passes over the kernel included, (n,)."""
        total = self.iterations["iterations"].cast(pl.Int64) + self.iterations["init_iterations"]
        return total.to_numpy().astype(np.int64)

    def split(self, name: str) -> Evaluation:
        """Return the rows of one split."""
        parts = {table: getattr(self, table).filter(pl.col("split") == name) for table in TABLES}
        return Evaluation(self.method, **parts, about=self.about, origin=self.origin, guest=self.guest)


def of_records(records: Iterable[Record], base: Evaluation | None = None) -> dict[str, Evaluation]:
    """Return the evaluation of each name, of all its records.

    base: the cold start's, for guests: what it was not judged on is left out, as there is no ratio to it. Seconds of a
    start that are claimed are added to those measured of the iterations.
    """
    made: dict[str, list[Record]] = {}
    for record in records:
        made.setdefault(record.facts.name, []).append(record)
    return {name: _evaluation(name, ours, base) for name, ours in made.items()}


def _evaluation(name: str, records: Sequence[Record], base: Evaluation | None) -> Evaluation:
    whole = {}
    for table, columns in TABLES.items():
        parts = [pl.DataFrame(schema=dtypes(columns))]
        for record in records:
            if (frame := record.tables.get(table)) is not None:
                claimed = record.facts.claimed.seconds if record.facts.claimed else 0.0
                late = [one for one in ("init_seconds", "total_seconds") if one in frame.columns]
                kept = frame.with_columns(pl.col(late) + claimed)
                parts.append(kept if base is None else kept.join(getattr(base, table), on="pair_id", how="semi"))
        together = pl.concat(parts)
        whole[table] = together.sort(key(together))
    facts = [record.facts for record in records]
    return Evaluation(name, **whole, about=_about(facts), origin=_origin(facts), guest=base is not None)


def _about(facts: Sequence[RecordFacts]) -> About:
    last = facts[-1]
    return About(last.summary, last.citation, ", ".join(last.by), last.link, last.learned, last.kernel_only)


def _origin(facts: Sequence[RecordFacts]) -> Origin:
    """Return where the rows of a contestant's records come from, all that they say."""

    def together(values: Iterable[str]) -> str:
        return "; ".join(dict.fromkeys(filter(None, values)))

    claims = [f"the start on {one.claimed.hardware}, as claimed" for one in facts if one.claimed]
    return Origin(
        data=together(one.terms.data_version for one in facts),
        code=together(one.measured.code_commit for one in facts),
        hardware=together([*(one.measured.hardware for one in facts), *claims]),
        claimed=bool(claims),
        by=together(value for one in facts for value in (*one.by, one.link)),
    )


def check_same_pairs(one: Evaluation, other: Evaluation) -> None:
    """Raise DataError when two contestants were not judged on the same pairs: no paired ratio exists then.

    A guest may have entered some splits only; in those it must have all pairs.
    """
    pair, base = ["pair_id", "split"], one.iterations
    if other.guest:
        base = base.filter(pl.col("split").is_in(other.iterations["split"].unique().implode()))
    if not base.select(pair).equals(other.iterations.select(pair)):
        raise DataError(
            f"data/evaluations: pair_id and split of {other.method} must be those of {one.method}; "
            f"`dvc repro` judges both on the same pairs"
        )


def web_address(text: str) -> str:
    """Return a link of http or https as it is, anything else (javascript:, a path) as ''."""
    return text if re.match(r"https?://[^\s/]", text) else ""
