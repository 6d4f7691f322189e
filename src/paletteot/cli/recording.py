"""Judge a contestant from outside on a whole split, once, and keep the rows for the boards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import typer

from paletteot.errors import ParamsError

if TYPE_CHECKING:  # commands import what they need: --help is quick
    import polars as pl

    from paletteot.benchmark.records.facts import Measured, RecordFacts
    from paletteot.benchmark.records.store import Record
    from paletteot.cli.contestants import Stranger
    from paletteot.config.params import Params
    from paletteot.config.report import Report
    from paletteot.config.transport import Transport
    from paletteot.dataset.load import Pairs
    from paletteot.warmstarts.contract import WarmStart

Chunk = TypeVar("Chunk")

TRACKS: tuple[Literal["A", "B"], ...] = ("A", "B")
"""Under which a class is judged for a record: those of starts."""


def measured(params: Params) -> Measured:
    """Return when, where, with which code and on which data something is judged that is judged now."""
    from paletteot.benchmark.records.facts import Measured
    from paletteot.project import provenance

    return Measured.model_validate({**provenance.now(), "transport": params.transport.model_dump()})


def record(
    facts: RecordFacts, task: Callable[[Chunk], pl.DataFrame], chunks: Sequence[Chunk], params: Params
) -> Record:
    """Return the record of what these facts say: the one that is there, or one of what the task makes of the chunks.

    task: returns the rows of a chunk, packed. Killed and started again, it goes on from the last finished chunk.
    """
    import paletteot.benchmark as benchmark
    import paletteot.engine as engine
    import paletteot.ot
    from paletteot.benchmark.records import store as records
    from paletteot.benchmark.tracks.packing import unpacked
    from paletteot.project import paths

    place = paths.RESULTS / facts.place
    if place.exists():
        typer.echo(f"{place}: judged already, nothing was run")
        return records.read(place)
    rooms = [Path(room.__path__[0]) for room in (paletteot.ot, benchmark)]
    asked = [facts.name, facts.version, facts.split, len(chunks), params.transport.model_dump()]
    key = engine.fingerprint(paths.PALETTES, paths.PLANS, *asked, *rooms)
    folder = engine.partial_folder(f"record-{facts.version}-{facts.split}", key)
    files = engine.run(task, chunks, folder=folder, workers=params.workers, label=f"{facts.split}")
    records.write(paths.RESULTS, facts, unpacked(files))
    engine.forget(folder)
    typer.echo(f"{place}: written")
    return records.read(place)


def load_pairs(split: str) -> Pairs:
    """Return the labelled pairs of a split."""
    from paletteot.dataset import load
    from paletteot.project import paths

    return load.load_plans(paths.PLANS, load.load_palettes(paths.PALETTES), split)


pairs_of = lru_cache(maxsize=8)(load_pairs)
"""The same, read once in a process."""


def names(params: Params) -> set[str]:
    """Return the names of the contestants of the package and of the pipeline."""
    import paletteot.warmstarts as warmstarts

    return {*warmstarts.BUILT_IN, *map(warmstarts.family, params.evaluate.methods)}


def of_class(make: Stranger, made: WarmStart, pairs: Pairs, params: Params) -> Record:
    """Return the record of a contestant from outside on the pairs of a split: the one that is there, or a new one.

    Raises ParamsError where its name is that of a contestant which is there already.
    """
    import paletteot.engine as engine
    from paletteot.benchmark.records import store as records
    from paletteot.benchmark.records.facts import RecordFacts, version_of
    from paletteot.project import paths

    known = records.find(paths.RESULTS, params.dataset.version)
    if made.name in {*names(params), *(one.facts.name for one in known if one.facts.claimed)}:
        raise ParamsError(f"{make.code.label}: name must be nobody else's, but is {made.name!r}")
    hashes, split = make.hashes(), pairs.frame["split"][0]
    facts = RecordFacts(
        name=made.name, by=(made.citation,), summary=made.summary, tracks=TRACKS, split=split,
        data_version=params.dataset.version, version=version_of({**hashes, "class": make.code.attribute}),
        submitted=hashes, measured=measured(params),
    )  # fmt: skip
    chunks = engine.spans(len(pairs), params.evaluate.batch)
    return record(facts, partial(_chunk, make, split, params.transport), chunks, params)


@lru_cache(maxsize=1)
def _contestant(make: Stranger, eps: float) -> WarmStart:
    """Make the contestant and let it and the solvers compile, outside anybody's time."""
    from paletteot.benchmark.tracks import runner as referee
    from paletteot.guests.failsafe import Failsafe

    made = make()
    referee.warm_up(made, eps)
    return Failsafe(made)


def _chunk(make: Stranger, split: str, transport: Transport, span: tuple[int, int]) -> pl.DataFrame:
    import polars as pl

    from paletteot.benchmark.tracks import base
    from paletteot.benchmark.tracks import runner as referee
    from paletteot.benchmark.tracks.packing import packed

    pairs, asked = pairs_of(split)[slice(*span)], transport.model_dump()
    rows = referee.judge(_contestant(make, transport.eps), pairs, **asked, tracks=TRACKS)
    cold = base.plain(pairs, eps=transport.eps, max_iterations=transport.max_iterations)
    return packed({"A": rows["A"], "B": pl.concat([rows["B"], cold])})


def show(one: Record, report: Report) -> None:
    """Print what a record says, beside the cold start."""
    from paletteot.benchmark.pictures import Pictures
    from paletteot.benchmark.records import lines as record_lines

    pairs = pairs_of(one.facts.split).frame.sort("pair_id")
    pictures = Pictures(pairs.select("pair_id", "source", "target"), report.bootstrap, report.seed)
    typer.echo("\n".join(record_lines.lines(one, pairs, pictures)))
