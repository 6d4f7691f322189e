"""What records hold, as evaluations for the boards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from paletteot.benchmark.records import results
from paletteot.benchmark.records.facts import RecordFacts
from paletteot.benchmark.records.origin import Origin
from paletteot.benchmark.records.results import Evaluation
from paletteot.benchmark.records.store import Record
from paletteot.tables import dtypes


def evaluations(records: Iterable[Record], base: Evaluation) -> dict[str, Evaluation]:
    """Return the evaluation of each name, of all its tracks and splits; tables of a track it did not enter are empty.

    base: the cold start's; what it was not judged on is left out, as there is no ratio to it. Seconds of a start that
    are claimed are added to those measured of the iterations.
    """
    made: dict[str, list[Record]] = {}
    for record in records:
        made.setdefault(record.facts.name, []).append(record)
    return {name: _evaluation(name, ours, base) for name, ours in made.items()}


def _evaluation(name: str, records: Sequence[Record], base: Evaluation) -> Evaluation:
    whole = {}
    for table, columns in results.TABLES.items():
        parts = [pl.DataFrame(schema=dtypes(columns))]
        for record in records:
            if (frame := record.tables.get(table)) is not None:
                claimed = record.facts.claimed.seconds if record.facts.claimed else 0.0
                late = [one for one in ("init_seconds", "total_seconds") if one in frame.columns]
                kept = frame.join(getattr(base, table), on="pair_id", how="semi")
                parts.append(kept.with_columns(pl.col(late) + claimed))
        key = [column for column in ("pair_id", "acceleration", "atol") if column in columns]
        whole[table] = pl.concat(parts).sort(key)
    return Evaluation(name, **whole, origin=origin([record.facts for record in records]), guest=True)


def origin(facts: Sequence[RecordFacts]) -> Origin:
    """Return where the rows of a contestant's records come from, all that they say."""

    def together(values: Iterable[str]) -> str:
        return "; ".join(dict.fromkeys(filter(None, values)))

    claims = [f"the start on {one.claimed.hardware}, as claimed" for one in facts if one.claimed]
    return Origin(
        data=together(one.data_version for one in facts),
        code=together(one.measured.code_commit for one in facts),
        hardware=together([*(one.measured.hardware for one in facts), *claims]),
        claimed=bool(claims),
        by=together(value for one in facts for value in (*one.by, one.link)),
    )
