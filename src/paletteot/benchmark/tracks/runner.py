"""The one runner: whoever is judged, a contestant of ours, a stranger's class or a file, is judged here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

import paletteot.engine as engine
from paletteot.benchmark import schema
from paletteot.benchmark.accelerations import PLAIN
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.schema import Track
from paletteot.benchmark.tracks.accelerated import accelerations, track_b
from paletteot.benchmark.tracks.asking import ask
from paletteot.benchmark.tracks.newton import track_c
from paletteot.benchmark.tracks.reference import ladder, track_a
from paletteot.dataset.load import Pairs, Palettes
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Problems
from paletteot.splits import Judged
from paletteot.warmstarts.contract import Start, WarmStart

Rows = Mapping[str, pl.DataFrame]
"""Rows of each track by its name, and of the base under schema.PLAIN where they were asked for."""

Make = Callable[[], WarmStart]
"""Makes a contestant; hashable, so that a process makes each once, and picklable."""

PairsOf = Callable[[str], Pairs]
"""Gives the labelled pairs of a split; picklable."""


class Chunk(NamedTuple):
    """Pairs of a split that are judged together: from start to before stop, under which tracks.

    relaxed: whether Track B runs the relaxed iterations on them. base: whether it runs plain Sinkhorn from cold too.
    """

    split: Judged
    start: int
    stop: int
    tracks: tuple[Track, ...]
    relaxed: bool = True
    base: bool = False


@dataclass(frozen=True)
class Stop:
    """Where the reference iteration stops: largest change of log v, and the cap."""

    atol: float = sinkhorn.ATOL
    max_iterations: int = sinkhorn.MAX_ITERATIONS


class Cold:
    """The base of every ratio, as the protocol has it: log v = 0."""

    name, summary, citation = BASE, "log v = 0", "docs/protocol.md"

    def start(self, problems: Problems) -> Start:
        """Return the potentials of log v = 0, (batch, l)."""
        return Start(np.stack([sinkhorn.cold(problems[row]) for row in range(len(problems))]))


def judge(
    method: WarmStart, pairs: Pairs, stop: Stop, *,
    tracks: Collection[Track] = tuple(schema.TRACKS), relaxed: bool = True, base: bool = False,
) -> Rows:  # fmt: skip
    """Judge a contestant on a batch of labelled pairs; returns the rows of each track, none of one not asked for.

    The contestant is asked for its starts once, whatever the tracks. relaxed: whether Track B runs the relaxed
    iterations too, which take most of its time. base: whether the rows of plain Sinkhorn from cold go with them.
    """
    starts = ask(method, pairs)
    cap = stop.max_iterations
    judges: dict[Track, Callable[[], pl.DataFrame]] = {
        "A": lambda: track_a(starts, atol=stop.atol, max_iterations=cap),
        "B": lambda: track_b(starts, accelerations(starts, relaxed=relaxed), max_iterations=cap),
        "C": lambda: track_c(starts),
        "ladder": lambda: ladder(starts, max_iterations=cap),
    }
    none = {track: pl.DataFrame(schema=schema.track_dtypes(track)) for track in judges}
    rows = {track: judges[track]() if track in tracks else none[track] for track in judges}
    return rows | ({schema.PLAIN: plain(pairs, stop)} if base else {})


def plain(pairs: Pairs, stop: Stop) -> pl.DataFrame:
    """Return the rows of Track B of plain Sinkhorn from cold, with PLAIN for their acceleration."""
    return track_b(ask(Cold(), pairs), [PLAIN], max_iterations=stop.max_iterations)


def run(
    make: Make, chunks: Sequence[Chunk], pairs_of: PairsOf, stop: Stop, *, folder: Path, workers: int, label: str
) -> Rows:
    """Judge a contestant on all chunks and return the rows of all of them, in their order.

    folder: where finished chunks lie; those found there are not run again. workers, label: as `engine.run` has them.
    """
    files = engine.run(partial(_chunk, make, pairs_of, stop), chunks, folder=folder, workers=workers, label=label)
    whole = engine.collect(files)
    return {track: whole[track].list.explode(empty_as_null=False).struct.unnest() for track in whole.columns}


def rows(
    method: WarmStart, pairs: Pairs, stop: Stop, batch: int, tracks: Collection[Track], *, base: bool = False
) -> Rows:
    """Judge a contestant in this process, batch by batch as `run` does, and return the rows of all pairs."""
    parts = [
        judge(method, pairs[start:end], stop, tracks=tracks, base=base)
        for start, end in engine.spans(len(pairs), batch)
    ]
    return {name: pl.concat([part[name] for part in parts]) for name in parts[0]}


def warm_up(method: WarmStart) -> None:
    """Judge a contestant once on a problem of no consequence, so that no timing holds a compilation."""
    points = np.stack([np.eye(3), np.eye(3) + 1])
    palettes = Palettes(["x", "y"], ["x", "y"], ["x", "y"], points, np.full((2, 3), 1 / 3))
    frame = pl.DataFrame(
        {"pair_id": [0], "split": [""], "eps": [0.1]}, schema_overrides={"pair_id": pl.Int32, "eps": pl.Float64}
    )
    judge(method, Pairs(palettes, frame, np.array([0]), np.array([1])), Stop(max_iterations=100), base=True)


@lru_cache(maxsize=1)
def _contestant(make: Make) -> WarmStart:
    """Make a contestant and let it and the solvers compile, outside anybody's time."""
    made = make()
    warm_up(made)
    return made


def _chunk(make: Make, pairs_of: PairsOf, stop: Stop, chunk: Chunk) -> pl.DataFrame:
    """Return the rows of all tracks as one row: a column for each, its rows a list of structs."""
    made = _contestant(make)
    pairs = pairs_of(chunk.split)[chunk.start : chunk.stop]
    found = judge(made, pairs, stop, tracks=chunk.tracks, relaxed=chunk.relaxed, base=chunk.base)
    return pl.DataFrame([frame.to_struct(track).implode() for track, frame in found.items()])


def chunks_of(
    sizes: Mapping[Judged, int], batch: int, tracks_of: Callable[[Judged, int], tuple[Track, ...]],
    relaxed: Mapping[Judged, int], *, base: bool = False,
) -> Iterator[Chunk]:  # fmt: skip
    """Cut splits into chunks of at most ``batch`` pairs; those under no track are left out.

    sizes: pairs of each split. tracks_of: from a split and where a chunk stops, its tracks. relaxed: how many pairs of
    each split, from the first, the relaxed iterations run on; whole chunks.
    """
    for split, size in sizes.items():
        for start, stop in engine.spans(size, batch):
            if tracks := tracks_of(split, stop):
                yield Chunk(split, start, stop, tracks, stop <= relaxed.get(split, 0), base)
