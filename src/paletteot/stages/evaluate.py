"""Stage 7: one contestant meets the evaluation splits, under every track that is asked of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import paletteot.engine as engine
import paletteot.warmstarts as warmstarts
from paletteot.benchmark.records import store
from paletteot.benchmark.records.facts import RecordFacts, version_of
from paletteot.benchmark.schema import Track
from paletteot.benchmark.tracks import runner
from paletteot.benchmark.tracks.runner import Chunk, Stop
from paletteot.config.evaluate import Evaluate
from paletteot.files import sha256
from paletteot.guests import contestants
from paletteot.project import closure, judging, paths
from paletteot.splits import Judged
from paletteot.warmstarts.contract import WarmStart, family

if TYPE_CHECKING:
    from paletteot.config.params import Params


@dataclass(frozen=True)
class Maker:
    """Makes a contestant by its name. file: what it reads."""

    name: str
    file: Path | None

    def __call__(self) -> WarmStart:
        """Make it."""
        return contestants.create(self.name, self.file)


def stage(params: Params, method: str) -> None:
    """Read palettes, plans and the contestant's file, write data/evaluations/METHOD, a record."""
    entry, source = warmstarts.entries().get(family(method)), params.evaluate.methods[method]
    make = Maker(family(method), source.file)
    made = make()  # says what is wrong before any work is done
    asked, stop = params.evaluate, Stop(params.transport.atol, params.transport.max_iterations)
    chunks = chunks_of(asked, family(method))
    key = engine.fingerprint(
        paths.PALETTES, paths.PLANS, Path(source.code), Path(source.reads), method, [stop.atol, stop.max_iterations],
        chunks, *closure.files(__name__, *warmstarts.code(family(method))),
    )  # fmt: skip
    folder = engine.partial_folder(f"evaluate-{method}", key)
    rows = runner.run(
        make, chunks, judging.pairs_of, stop, folder=folder, workers=params.workers, label=f"evaluate {method}"
    )
    submitted = {file: sha256(Path(file)) for file in (source.code, source.reads) if Path(file).is_file()}
    facts = RecordFacts(
        name=method, summary=made.summary, citation=made.citation,
        learned=entry.learned if entry else None, kernel_only=entry.kernel_only if entry else None,
        tracks=tuple(dict.fromkeys(track for chunk in chunks for track in chunk.tracks)),
        splits=tuple(dict.fromkeys(chunk.split for chunk in chunks)),
        terms=judging.terms(params.dataset.version, params.transport),
        submitted=submitted, version=version_of(submitted, ""), measured=judging.measured(),
    )  # fmt: skip
    shutil.rmtree(fresh := paths.EVALUATIONS / f".{method}.tmp", ignore_errors=True)
    store.write(fresh, facts, rows)
    shutil.rmtree(paths.EVALUATIONS / method, ignore_errors=True)
    fresh.rename(paths.EVALUATIONS / method)
    engine.forget(folder)


def chunks_of(asked: Evaluate, name: str) -> list[Chunk]:
    """Return what a contestant, by its name without a seed, is judged on and under."""
    names = dict.fromkeys([*asked.splits, *asked.accelerated, *asked.ladder, *asked.newton.splits])
    sizes = {split: len(judging.pairs_of(split)) for split in names}
    return list(
        runner.chunks_of(sizes, asked.batch, lambda split, stop: tracks(asked, name, split, stop), asked.relaxed)
    )


def tracks(asked: Evaluate, name: str, split: Judged, stop: int) -> tuple[Track, ...]:
    """Return the tracks under which a contestant is judged on pairs of a split that end before ``stop``."""
    judged: dict[Track, bool] = {
        "A": within(asked.splits, split, stop),
        "B": name not in asked.only_track_a and within(asked.accelerated, split, stop),
        "C": name in asked.newton.methods and split in asked.newton.splits,
        "ladder": within(asked.ladder, split, stop),
    }
    return tuple(track for track, wanted in judged.items() if wanted)


def within(problems: Mapping[Judged, int], split: Judged, stop: int) -> bool:
    """Return whether pairs that end before ``stop`` lie among the first so many problems of their split."""
    return stop <= problems.get(split, 0)
