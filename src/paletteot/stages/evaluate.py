"""Stage 6: one contestant meets the evaluation splits under Track A."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import polars as pl

import paletteot.ot
from paletteot import config, engine, warmstarts
from paletteot.benchmark import evaluate
from paletteot.dataset import schema
from paletteot.dataset.load import Pairs, load_palettes, load_plans
from paletteot.files import replacing, write_parquet
from paletteot.stages import common
from paletteot.warmstarts.contract import WarmStart

Span = tuple[str, int, int]


def stage(params: config.Params, method: str) -> None:
    """Read palettes, plans and the contestant's file, write data/evaluations/METHOD."""
    file = Path(params.evaluate.methods[method])
    warmstarts.create(method, file)  # says what is wrong before any work is done
    splits = {
        split: len(load_plans(common.PLANS, load_palettes(common.PALETTES), split)) for split in params.evaluate.splits
    }
    settings = (params.transport, params.evaluate)
    key = engine.fingerprint(
        common.PALETTES, common.PLANS, file, method, [one.model_dump() for one in settings],
        Path(paletteot.ot.__path__[0]), Path(evaluate.__file__),
    )  # fmt: skip
    folder = engine.partial_folder(f"evaluate-{method}", key)
    chunks = [(split, *span) for split, size in splits.items() for span in engine.spans(size, params.evaluate.batch)]
    files = engine.run(
        partial(_chunk, method, file, params.transport), chunks,
        folder=folder, workers=params.workers, label=f"evaluate {method}",
    )  # fmt: skip
    frame = engine.collect(files)
    with replacing(common.EVALUATIONS / method) as fresh:
        write_parquet(fresh / "iterations.parquet", frame, schema.ITERATIONS)
        write_parquet(fresh / "seconds.parquet", frame, schema.SECONDS)
    engine.forget(folder)


@lru_cache(maxsize=4)
def _split(split: str) -> Pairs:
    return load_plans(common.PLANS, load_palettes(common.PALETTES), split)


@lru_cache(maxsize=1)
def _contestant(method: str, file: Path, eps: float) -> WarmStart:
    """Make the contestant and let it and the solver compile, outside anybody's time."""
    contestant = warmstarts.create(method, file)
    evaluate.warm_up(contestant, eps)
    return contestant


def _chunk(method: str, file: Path, transport: config.Transport, span: Span) -> pl.DataFrame:
    split, start, stop = span
    return evaluate.track_a(
        _contestant(method, file, transport.eps), _split(split)[start:stop], **transport.model_dump()
    )  # fmt: skip
