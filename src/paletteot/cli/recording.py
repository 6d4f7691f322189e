"""Judge a contestant from outside on a whole split, once, and keep the rows for the boards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from paletteot.errors import ParamsError

if TYPE_CHECKING:  # commands import what they need: --help is quick
    from paletteot.benchmark.bootstrap import Bootstrap
    from paletteot.benchmark.records.facts import RecordFacts
    from paletteot.benchmark.records.store import Found, Record
    from paletteot.benchmark.schema import Track
    from paletteot.benchmark.tracks.runner import Chunk, Make
    from paletteot.cli.contestants import Stranger
    from paletteot.config.params import Params
    from paletteot.config.report import Report
    from paletteot.dataset.load import Pairs
    from paletteot.splits import Judged
    from paletteot.warmstarts.contract import WarmStart


@dataclass(frozen=True)
class Guarded:
    """Makes a stranger that stands for no answer with an answer that is a failure."""

    make: Stranger

    def __call__(self) -> WarmStart:
        """Make it."""
        from paletteot.guests.failsafe import Failsafe

        return Failsafe(self.make())


def of_class(make: Stranger, made: WarmStart, split: Judged, params: Params) -> Record:
    """Return the record of a contestant from outside on a split: the one that is there, or a new one.

    Raises ParamsError where its name reads like that of a contestant which is there already.
    """
    from paletteot.benchmark.records.facts import RecordFacts, version_of
    from paletteot.benchmark.records.words import is_taken
    from paletteot.project import judging

    files = {one.facts.name for one in known(params).records if one.facts.claimed}
    if is_taken(made.name, {*names(params), *files}):
        raise ParamsError(f"{make.code.label}: name must be nobody else's, but is {made.name!r}")
    hashes = make.hashes()
    facts = RecordFacts(
        name=made.name, by=(made.citation,), summary=made.summary, citation=made.citation, tracks=("A", "B"),
        splits=(split,), terms=judging.terms(params.dataset.version, params.transport), submitted=hashes,
        entry=make.code.attribute, version=version_of(hashes, make.code.attribute),
        measured=judging.measured(str(make)),
    )  # fmt: skip
    return record(facts, Guarded(make), params, make.verify)


def record(facts: RecordFacts, make: Make, params: Params, verify: Callable[[], None] = lambda: None) -> Record:
    """Return the record of what these facts say: the one that is there, or one of what the runner gives.

    verify: raises DataError where the code that ran is no more what was hashed. Killed and started again, it goes on
    from the last finished chunk.
    """
    import paletteot.engine as engine
    from paletteot.benchmark.records import store
    from paletteot.benchmark.tracks import runner
    from paletteot.project import closure, judging, paths

    place = paths.RESULTS / facts.place
    if place.exists():
        typer.echo(f"{place}: judged already, nothing was run")
        return store.read(place)
    (split,) = facts.splits
    chunks = chunks_of(split, facts.tracks, params)
    stop = runner.Stop(params.transport.atol, params.transport.max_iterations)
    asked = [facts.name, facts.version, facts.terms.model_dump(), chunks]
    key = engine.fingerprint(paths.PALETTES, paths.PLANS, asked, *closure.files(runner.__name__))
    folder = engine.partial_folder(f"record-{facts.version}-{split}", key)
    rows = runner.run(make, chunks, judging.pairs_of, stop, folder=folder, workers=params.workers, label=split)
    verify()
    store.write(place, facts, rows)
    engine.forget(folder)
    typer.echo(f"{place}: written")
    return store.read(place)


def chunks_of(split: Judged, tracks: Sequence[Track], params: Params) -> list[Chunk]:
    """Return every pair of a split, under the same tracks, and the relaxed iterations on as many as in the pipeline."""
    from paletteot.benchmark.tracks import runner
    from paletteot.project import judging

    sizes, asked = {split: len(judging.pairs_of(split))}, params.evaluate
    return list(runner.chunks_of(sizes, asked.batch, lambda *_: tuple(tracks), asked.relaxed, base="B" in tracks))


def known(params: Params) -> Found:
    """Return the records of guests that stand, and say which do not."""
    from paletteot.benchmark.records import store
    from paletteot.project import judging, paths

    found = store.find(paths.RESULTS, judging.terms(params.dataset.version, params.transport), names(params))
    for why in found.refused.values():
        typer.echo(f"a record does not stand: {why}", err=True)
    return found


def names(params: Params) -> set[str]:
    """Return the names of the contestants of the package and of the pipeline."""
    import paletteot.warmstarts as warmstarts

    return {*warmstarts.entries(), *map(warmstarts.family, params.evaluate.methods)}


def bootstrap(pairs: Pairs, report: Report) -> Bootstrap:
    """Return the bootstrap over the photographs of some pairs."""
    from paletteot.benchmark.bootstrap import Bootstrap

    return Bootstrap(pairs.frame, pairs.palettes.pictures, report.bootstrap, report.seed)


def show(one: Record, report: Report) -> None:
    """Print what a record says, beside the cold start."""
    from paletteot.benchmark.records import lines
    from paletteot.project import judging

    pairs = judging.pairs_of(one.facts.splits[0])
    typer.echo("\n".join(lines.record(one, pairs.frame.sort("pair_id"), bootstrap(pairs, report))))
