"""Take part with a file, and look at what was judged earlier."""

from __future__ import annotations

import os
import platform
import re
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.errors import DataError, ParamsError

if TYPE_CHECKING:  # commands import what they need: --help is quick
    import polars as pl

    from paletteot import config
    from paletteot.benchmark.submission import Part, Submission
    from paletteot.benchmark.submission_record import Record
    from paletteot.dataset.load import Pairs

CHUNK = 100
"""Pairs that a worker judges at a time."""

RESULTS = "results"
"""Folder of the records, in that of the reports."""


def submit(
    file: Annotated[
        Path | None, typer.Argument(help="YAML file of a submission, beside its Parquet file (docs/submit-a-file.md)")
    ] = None,
    rescore: Annotated[bool, typer.Option("--rescore", help="print what every record says; nothing is run")] = False,
) -> None:
    """Check a file of potentials, judge it under the protocol, and print its lines beside the cold start's."""
    from paletteot.benchmark import submission, submission_record
    from paletteot.stages import common

    params = common.load_params()
    root = common.REPORTS / RESULTS
    if rescore == (file is not None):
        raise ParamsError("submit must be given the YAML file of a submission, or --rescore")
    if file is None:
        records = submission_record.find(root, params.dataset.version)
        if not records:
            raise DataError(f"{root}: no record of data version {params.dataset.version}")
        for record in records:
            _show(record, params.report)
        return
    try:
        found = submission.read(file, _pairs, taken=_taken(params), version=params.dataset.version)
    except submission.SubmissionError as error:
        for problem in error.problems:
            typer.echo(problem, err=True)
        raise DataError(f"{file}: {len(error.problems)} problem(s); nothing was run") from None
    place = submission_record.place(root, found)
    if place.exists():
        typer.echo(f"{place}: judged already, nothing was run")
    else:
        _run(found, params, place)
        typer.echo(f"{place}: written")
    _show(submission_record.read(place), params.report)


def _taken(params: config.Params) -> set[str]:
    """Return the names of the contestants that are there."""
    from paletteot import warmstarts

    return {*warmstarts.BUILT_IN, *map(warmstarts.family, params.evaluate.methods)}


def _run(found: Submission, params: config.Params, place: Path) -> None:
    """Judge a submission, chunk by chunk, and write its record; killed and started again, it goes on."""
    import paletteot.ot
    from paletteot import benchmark, engine
    from paletteot.benchmark import submission_record
    from paletteot.stages import common, provenance

    facts, transport = found.facts, params.transport
    rooms = [Path(room.__path__[0]) for room in (paletteot.ot, benchmark)]
    chunks = [(span, found.part(slice(*span))) for span in engine.spans(len(found.frame), CHUNK)]
    key = engine.fingerprint(common.PALETTES, common.PLANS, found.version, CHUNK, transport.model_dump(), *rooms)
    folder = engine.partial_folder(f"submit-{found.version}", key)
    files = engine.run(
        partial(_judge, facts.split, facts.track, transport), chunks,
        folder=folder, workers=params.workers, label="submit",
    )  # fmt: skip
    measured = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": _machine(),
        "code_commit": provenance.git_commit(),
        "plans_dvc_hash": provenance.dvc_hash(common.PLANS),
        "transport": transport.model_dump(),
    }
    submission_record.write(place, found, engine.collect(files), measured)
    engine.forget(folder)


def _machine() -> str:
    """Return processor, cores and system."""
    information = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", information.read_text()) if information.is_file() else None
    name = model[1].strip() if model else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


@lru_cache(maxsize=8)
def _pairs(split: str) -> Pairs:
    from paletteot.dataset import load
    from paletteot.stages import common

    return load.load_plans(common.PLANS, load.load_palettes(common.PALETTES), split)


@lru_cache(maxsize=1)
def _compiled(eps: float) -> None:
    """Let the solvers compile, outside of anybody's time."""
    from paletteot import warmstarts
    from paletteot.benchmark import evaluate
    from paletteot.benchmark.protocol import BASE

    evaluate.warm_up(warmstarts.create(BASE), eps)


def _judge(split: str, track: str, transport: config.Transport, chunk: tuple[tuple[int, int], Part]) -> pl.DataFrame:
    from paletteot.benchmark import submission

    span, part = chunk
    _compiled(transport.eps)
    return submission.judge(part, _pairs(split)[slice(*span)], track, **transport.model_dump())


def _show(record: Record, report: config.Report) -> None:
    from paletteot.benchmark import submission_lines
    from paletteot.benchmark.pictures import Pictures

    pairs = _pairs(record.facts["split"]).frame.sort("pair_id")
    pictures = Pictures(pairs.select("pair_id", "source", "target"), report.bootstrap, report.seed)
    typer.echo("\n".join(submission_lines.lines(record, pairs, pictures)))
