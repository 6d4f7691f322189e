"""Stage 6: one contestant meets the evaluation splits, under every track that is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import paletteot.engine as engine
import paletteot.warmstarts as warmstarts
from paletteot.benchmark import schema
from paletteot.benchmark.tracks import runner as evaluate
from paletteot.config.evaluate import Evaluate
from paletteot.config.transport import Transport
from paletteot.dataset.load import Pairs, load_palettes, load_plans
from paletteot.files import replacing, write_json
from paletteot.project import closure, paths, provenance
from paletteot.splits import Split
from paletteot.tables import write_parquet
from paletteot.warmstarts.contract import WarmStart, family

if TYPE_CHECKING:
    from paletteot.config.params import Params

Span = tuple[Split, int, int]
Chunk = tuple[Span, tuple[str, ...], bool]
"""A span of a split's pairs, the tracks it is judged under, and whether Track B runs the relaxed iterations on it."""


def stage(params: Params, method: str) -> None:
    """Read palettes, plans and the contestant's file, write data/evaluations/METHOD."""
    file = Path(params.evaluate.methods[method])
    warmstarts.create(family(method), file)  # says what is wrong before any work is done
    asked = params.evaluate
    names = dict.fromkeys([*asked.splits, *asked.accelerated, *asked.ladder, *asked.newton.splits])
    spans = [(split, *span) for split in names for span in engine.spans(len(_split(split)), asked.batch)]
    chunks = [
        (span, chosen, within(asked.relaxed, span)) for span in spans if (chosen := tracks(asked, family(method), span))
    ]
    key = engine.fingerprint(
        paths.PALETTES, paths.PLANS, file, method, params.transport.model_dump(), chunks,
        *closure.files(__name__, *warmstarts.code(family(method))),
    )  # fmt: skip
    folder = engine.partial_folder(f"evaluate-{method}", key)
    files = engine.run(
        partial(_chunk, family(method), file, params.transport), chunks,
        folder=folder, workers=params.workers, label=f"evaluate {method}",
    )  # fmt: skip
    rows = unpacked(files)
    with replacing(paths.EVALUATIONS / method) as fresh:
        for track, tables in schema.TRACKS.items():
            for name, table in tables.items():
                write_parquet(fresh / f"{name}.parquet", rows[track], table)
        write_json(fresh / paths.JUDGED, provenance.now())
    engine.forget(folder)


def tracks(asked: Evaluate, name: str, span: Span) -> tuple[str, ...]:
    """Return the tracks under which a contestant, by its name without a seed, is judged on a span of pairs."""
    judged = {
        "A": within(asked.splits, span),
        "B": name not in asked.only_track_a and within(asked.accelerated, span),
        "C": name in asked.newton.methods and span[0] in asked.newton.splits,
        "ladder": within(asked.ladder, span),
    }
    return tuple(track for track, wanted in judged.items() if wanted)


def within(problems: Mapping[Split, int], span: Span) -> bool:
    """Return whether a span lies whole among the first so many problems of its split."""
    split, _, stop = span
    return stop <= problems.get(split, 0)


def packed(rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of all tracks as one row: a column for each track, its rows a list of structs."""
    return pl.DataFrame([frame.to_struct(track).implode() for track, frame in rows.items()])


def unpacked(files: Sequence[Path]) -> Mapping[str, pl.DataFrame]:
    """Return the rows of each track in files of what ``packed`` makes."""
    whole = engine.collect(files)
    return {track: whole[track].list.explode(empty_as_null=False).struct.unnest() for track in whole.columns}


@lru_cache(maxsize=4)
def _split(split: str) -> Pairs:
    return load_plans(paths.PLANS, load_palettes(paths.PALETTES), split)


@lru_cache(maxsize=1)
def _contestant(name: str, file: Path, eps: float) -> WarmStart:
    """Make the contestant and let it and the solvers compile, outside anybody's time."""
    contestant = warmstarts.create(name, file)
    evaluate.warm_up(contestant, eps)
    return contestant


def _chunk(name: str, file: Path, transport: Transport, chunk: Chunk) -> pl.DataFrame:
    (split, start, stop), tracks, relaxed = chunk
    contestant = _contestant(name, file, transport.eps)
    pairs = _split(split)[start:stop]
    return packed(evaluate.judge(contestant, pairs, **transport.model_dump(), tracks=tracks, relaxed=relaxed))
