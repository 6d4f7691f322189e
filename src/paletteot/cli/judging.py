"""Judge contestants and look at the table."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from paletteot.cli import recording
from paletteot.cli.contestants import Memory, Reference, Sandbox, Seconds, Stranger, Trust, Weights, maker
from paletteot.errors import DataError, ParamsError
from paletteot.guests.mode import Mode
from paletteot.splits import EVALUATED


class Track(StrEnum):
    """The tracks of the protocol."""

    A = "A"
    B = "B"
    C = "C"


def evaluate(
    contestant: Reference,
    track: Annotated[Track, typer.Option(help="A: starts; B: with acceleration; C: before Newton")] = Track.A,
    split: Annotated[str, typer.Option(help="split of the data set")] = "test_unseen",
    limit: Annotated[int, typer.Option(help="number of problems, from the first; 0 for all")] = 0,
    weights: Weights = None,
    trust: Trust = False,
    record: Annotated[
        bool, typer.Option("--record", help="judge code from outside under Tracks A and B, and keep it for the boards")
    ] = False,
    seconds: Seconds = 300,
    memory: Memory = 8,
    sandbox: Sandbox = Mode.AUTO,
) -> None:
    """Judge a contestant under a track of the protocol and print its lines, beside the cold start's."""
    from threadpoolctl import threadpool_limits

    from paletteot.benchmark import conformance, schema
    from paletteot.benchmark.records import lines
    from paletteot.benchmark.tracks import runner
    from paletteot.guests.failsafe import Failsafe
    from paletteot.project import judging, paths
    from paletteot.project.parameters import load_params
    from paletteot.warmstarts.contract import family

    params = load_params()
    if limit < 0:
        raise ParamsError(f"--limit must be at least 0, but is {limit}")
    legal = {str(one): one for one in EVALUATED}
    if split not in legal:
        raise ParamsError(f"--split must be one of {', '.join(legal)}, but is {split!r}")
    named = [one for name, one in params.evaluate.methods.items() if contestant in (name, family(name))]
    file = weights or (named[0].file if named else None)
    make, taken = maker(contestant, file, trust=trust, seconds=seconds, memory=memory, sandbox=sandbox)
    if record and (limit or track != Track.A):
        raise ParamsError("--record judges every pair of a split under Tracks A and B: leave out --limit and --track")
    if record and (named or not isinstance(make, Stranger)):
        raise ParamsError(f"--record is for code from outside; {contestant} is judged by `dvc repro`")
    pairs = judging.pairs_of(split)
    pairs = pairs[: limit or len(pairs)]
    if not len(pairs):
        raise DataError(f"{paths.PLANS}: split {split} holds no pair")
    with threadpool_limits(1):  # as in the pipeline
        made = make()
        if wrong := list(conformance.names(made, taken)):
            raise ParamsError(f"{contestant}: {'; '.join(wrong)}")
        if record and isinstance(make, Stranger):
            recording.show(recording.of_class(make, made, legal[split], params), params.report)
            typer.echo(make, err=True)  # what else is said is the record's, whenever it was made
            return
        stop = runner.Stop(params.transport.atol, params.transport.max_iterations)
        runner.warm_up(made)
        tracks: list[schema.Track] = [track.value]
        asked = (pairs, stop, params.evaluate.batch, tracks)
        rows = runner.rows(Failsafe(made), *asked, base=track == Track.B)
        cold = rows if track == Track.A else runner.rows(runner.Cold(), *asked)
    name, bootstrap = made.name if taken else contestant, recording.bootstrap(pairs, params.report)
    sample = bootstrap.sample(pairs.frame["pair_id"])
    typer.echo(f"{split}, {sample.words}, Track {track.value}")
    if track == Track.A:
        said = [*lines.starts(name, rows["A"], pairs.frame, bootstrap), *lines.few(sample)]
    elif track == Track.B:
        said = [
            *lines.accelerated(name, rows["B"], rows[schema.PLAIN], bootstrap, cold["B"]),
            *lines.few(sample),
        ]
    else:
        said = lines.newton(name, rows["C"], cold["C"])
    typer.echo("\n".join(f"  {line}" for line in said))
    if isinstance(make, Stranger):
        make.verify()
        typer.echo(make)


def leaderboard() -> None:
    """Print the leaderboard of the last report."""
    from paletteot.project import paths

    board = paths.REPORTS / "leaderboard.md"
    if not board.is_file():
        raise DataError(f"{board}: no such file; `dvc repro` makes it")
    typer.echo(board.read_text(encoding="utf-8"))
