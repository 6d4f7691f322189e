"""Stage 6: one contestant meets the evaluation splits, under every track that is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import polars as pl

import paletteot.ot
from paletteot import benchmark, config, engine, warmstarts
from paletteot.benchmark import evaluate
from paletteot.dataset import schema
from paletteot.dataset.load import Pairs, load_palettes, load_plans
from paletteot.files import read_parquet, replacing, write_json, write_parquet
from paletteot.stages import common, provenance
from paletteot.warmstarts.contract import WarmStart, family

JUDGING = ("evaluate", "starts", "accelerate", "second_order", "protocol")
"""Modules of the benchmark that an evaluation depends on."""

Span = tuple[config.Split, int, int]
Chunk = tuple[Span, tuple[str, ...]]
"""A span of a split's pairs, and the tracks it is judged under."""


def stage(params: config.Params, method: str) -> None:
    """Read palettes, plans and the contestant's file, write data/evaluations/METHOD."""
    file = Path(params.evaluate.methods[method])
    warmstarts.create(family(method), file)  # says what is wrong before any work is done
    asked = params.evaluate
    names = dict.fromkeys([*asked.splits, *asked.accelerated, *asked.newton.splits])
    spans = [(split, *span) for split in names for span in engine.spans(len(_split(split)), asked.batch)]
    chunks = [(span, chosen) for span in spans if (chosen := tracks(asked, family(method), span))]
    rooms = [Path(benchmark.__path__[0]) / f"{module}.py" for module in JUDGING]
    key = engine.fingerprint(
        common.PALETTES, common.PLANS, file, method, params.transport.model_dump(), chunks,
        Path(paletteot.ot.__path__[0]), *rooms,
    )  # fmt: skip
    folder = engine.partial_folder(f"evaluate-{method}", key)
    files = engine.run(
        partial(_chunk, family(method), file, params.transport), chunks,
        folder=folder, workers=params.workers, label=f"evaluate {method}",
    )  # fmt: skip
    rows = unpacked(files)
    with replacing(common.EVALUATIONS / method) as fresh:
        for track, tables in schema.TRACKS.items():
            for name, table in tables.items():
                write_parquet(fresh / f"{name}.parquet", rows[track], table)
        write_json(fresh / common.JUDGED, provenance.now())
    engine.forget(folder)


def tracks(asked: config.Evaluate, name: str, span: Span) -> tuple[str, ...]:
    """Return the tracks under which a contestant, by its name without a seed, is judged on a span of pairs."""
    split, _, stop = span
    accelerated = name not in asked.only_track_a and stop <= asked.accelerated.get(split, 0)
    newton = name in asked.newton.methods and split in asked.newton.splits
    return (*(["A"] if split in asked.splits else []), *(["B"] if accelerated else []), *(["C"] if newton else []))


def packed(rows: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of all tracks as one row: a column for each track, its rows a list of structs."""
    return pl.DataFrame([frame.to_struct(track).implode() for track, frame in rows.items()])


def unpacked(files: Sequence[Path]) -> Mapping[str, pl.DataFrame]:
    """Return the rows of each track in files of what ``packed`` makes."""
    whole = pl.concat([read_parquet(file) for file in files])
    return {track: whole[track].list.explode(empty_as_null=False).struct.unnest() for track in whole.columns}


@lru_cache(maxsize=4)
def _split(split: str) -> Pairs:
    return load_plans(common.PLANS, load_palettes(common.PALETTES), split)


@lru_cache(maxsize=1)
def _contestant(name: str, file: Path, eps: float) -> WarmStart:
    """Make the contestant and let it and the solvers compile, outside anybody's time."""
    contestant = warmstarts.create(name, file)
    evaluate.warm_up(contestant, eps)
    return contestant


def _chunk(name: str, file: Path, transport: config.Transport, chunk: Chunk) -> pl.DataFrame:
    (split, start, stop), tracks = chunk
    contestant = _contestant(name, file, transport.eps)
    return packed(evaluate.judge(contestant, _split(split)[start:stop], **transport.model_dump(), tracks=tracks))
