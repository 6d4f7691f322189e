"""Take part with a file, and look at what was judged earlier."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paletteot.cli import recording
from paletteot.errors import DataError, ParamsError


def submit(
    file: Annotated[
        Path | None, typer.Argument(help="YAML file of a submission, beside its Parquet file (docs/submit-a-file.md)")
    ] = None,
    rescore: Annotated[bool, typer.Option("--rescore", help="print what every record says; nothing is run")] = False,
) -> None:
    """Check a file of potentials, judge it under the protocol, and keep a record of it for the leaderboard."""
    from paletteot.benchmark.submissions import submission
    from paletteot.project import judging, paths
    from paletteot.project.parameters import load_params

    params = load_params()
    if rescore == (file is not None):
        raise ParamsError("submit must be given the YAML file of a submission, or --rescore")
    known = recording.known(params).records
    if file is None:
        if not known:
            raise DataError(f"{paths.RESULTS}: no record of data version {params.dataset.version}")
        for record in known:
            recording.show(record, params.report)
        return
    taken = {*recording.names(params), *(one.facts.name for one in known if not one.facts.claimed)}
    try:
        found = submission.read(file, judging.pairs_of, taken=taken, version=params.dataset.version)
    except submission.SubmissionError as error:
        for problem in error.problems:
            typer.echo(problem, err=True)
        raise DataError(f"{file}: {len(error.problems)} problem(s); nothing was run") from None
    facts = found.recorded(judging.terms(params.dataset.version, params.transport), judging.measured())
    make = found.maker(judging.pairs_of(found.said.split))
    recording.show(recording.record(facts, make, params), params.report)
