"""Take part with a file, and look at what was judged earlier."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.cli import recording
from paletteot.errors import DataError, ParamsError

if TYPE_CHECKING:  # commands import what they need: --help is quick
    import polars as pl

    from paletteot.benchmark.submissions.submission import Part
    from paletteot.config.transport import Transport

CHUNK = 100
"""Pairs that a worker judges at a time."""


def submit(
    file: Annotated[
        Path | None, typer.Argument(help="YAML file of a submission, beside its Parquet file (docs/submit-a-file.md)")
    ] = None,
    rescore: Annotated[bool, typer.Option("--rescore", help="print what every record says; nothing is run")] = False,
) -> None:
    """Check a file of potentials, judge it under the protocol, and keep a record of it for the leaderboard."""
    import paletteot.engine as engine
    from paletteot.benchmark.records import store as records
    from paletteot.benchmark.submissions import submission
    from paletteot.project import paths
    from paletteot.project.parameters import load_params

    params = load_params()
    if rescore == (file is not None):
        raise ParamsError("submit must be given the YAML file of a submission, or --rescore")
    known = records.find(paths.RESULTS, params.dataset.version)
    if file is None:
        if not known:
            raise DataError(f"{paths.RESULTS}: no record of data version {params.dataset.version}")
        for record in known:
            recording.show(record, params.report)
        return
    taken = {*recording.names(params), *(one.facts.name for one in known if not one.facts.claimed)}
    try:
        found = submission.read(file, recording.pairs_of, taken=taken, version=params.dataset.version)
    except submission.SubmissionError as error:
        for problem in error.problems:
            typer.echo(problem, err=True)
        raise DataError(f"{file}: {len(error.problems)} problem(s); nothing was run") from None
    chunks = [(span, found.part(slice(*span))) for span in engine.spans(len(found.frame), CHUNK)]
    task = partial(_judge, found.facts.split, found.facts.track, params.transport)
    facts = found.recorded(recording.measured(params))
    recording.show(recording.record(facts, task, chunks, params), params.report)


@lru_cache(maxsize=1)
def _compiled(eps: float) -> None:
    """Let the solvers compile, outside of anybody's time."""
    import paletteot.warmstarts as warmstarts
    from paletteot.benchmark.protocol import BASE
    from paletteot.benchmark.tracks import runner as evaluate

    evaluate.warm_up(warmstarts.create(BASE), eps)


def _judge(split: str, track: str, transport: Transport, chunk: tuple[tuple[int, int], Part]) -> pl.DataFrame:
    from paletteot.benchmark.submissions import submission
    from paletteot.benchmark.tracks.packing import packed

    span, part = chunk
    _compiled(transport.eps)
    pairs = recording.pairs_of(split)[slice(*span)]
    return packed({track: submission.judge(part, pairs, track, **transport.model_dump())})
