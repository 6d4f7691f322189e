"""Judge contestants and look at the table."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.cli import recording
from paletteot.cli.contestants import Memory, Reference, Sandbox, Seconds, Stranger, Trust, Weights, maker
from paletteot.errors import DataError, ParamsError
from paletteot.guests.mode import Mode

if TYPE_CHECKING:
    import polars as pl

    from paletteot.config.params import Params
    from paletteot.dataset.load import Pairs
    from paletteot.warmstarts.contract import WarmStart


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

    from paletteot.benchmark import conformance
    from paletteot.benchmark.tracks import runner as referee
    from paletteot.guests.failsafe import Failsafe
    from paletteot.project import paths
    from paletteot.project.parameters import load_params
    from paletteot.warmstarts.contract import family

    params = load_params()
    if limit < 0:
        raise ParamsError(f"--limit must be at least 0, but is {limit}")
    if split not in (legal := [name for name in params.pairs.sizes() if name != "train"]):
        raise ParamsError(f"--split must be one of {', '.join(legal)}, but is {split!r}")
    named = [file for one, file in params.evaluate.methods.items() if contestant in (one, family(one))]
    file = weights or (Path(named[0]) if named else None)
    make, taken = maker(contestant, file, trust=trust, seconds=seconds, memory=memory, sandbox=sandbox)
    if record and (limit or track != Track.A):
        raise ParamsError("--record judges every pair of a split under Tracks A and B: leave out --limit and --track")
    if record and (named or not isinstance(make, Stranger)):
        raise ParamsError(f"--record is for code from outside; {contestant} is judged by `dvc repro`")
    pairs = recording.load_pairs(split)
    pairs = pairs[: limit or len(pairs)]
    if not len(pairs):
        raise DataError(f"{paths.PLANS}: split {split} holds no pair")
    with threadpool_limits(1):  # as in the pipeline
        made = make()
        if wrong := list(conformance.names(made, taken)):
            raise ParamsError(f"{contestant}: {'; '.join(wrong)}")
        if record and isinstance(make, Stranger):
            recording.show(recording.of_class(make, made, pairs, params), params.report)
            typer.echo(make, err=True)  # what else is said is the record's, whenever it was made
            return
        referee.warm_up(made, params.transport.eps)
        frame = judged(Failsafe(made), pairs, params, track)
    lines = LINES[track](made.name if taken else contestant, frame, pairs, params)
    typer.echo(f"{split}, {len(pairs)} problems, {TITLES[track]}")
    typer.echo("\n".join(f"  {line}" for line in lines))
    if isinstance(make, Stranger):
        make.verify()
        typer.echo(make)


def judged(contestant: WarmStart, pairs: Pairs, params: Params, track: Track) -> pl.DataFrame:
    """Return the rows of a track, batch by batch as in the pipeline."""
    import polars as pl

    import paletteot.engine as engine
    from paletteot.benchmark.tracks import runner as referee

    spans = engine.spans(len(pairs), params.evaluate.batch)
    asked = {**params.transport.model_dump(), "tracks": (track.value,)}
    return pl.concat([referee.judge(contestant, pairs[slice(*span)], **asked)[track] for span in spans])


def lines_a(name: str, frame: pl.DataFrame, pairs: Pairs, _params: Params) -> list[str]:
    """Return the five numbers of the cold start and of the contestant's counts, and the median of their ratio."""
    import numpy as np

    from paletteot.benchmark.statistics import five_numbers, ratios

    counts, cold = frame["iterations"] + frame["init_iterations"], pairs.frame["cold_iterations"]
    base, numbers = (" ".join(f"{value:g}" for value in five_numbers(one)) for one in (cold, counts))
    return [
        f"{'cold':<13} {base}",
        f"{name:<13} {numbers}; median ratio to cold {np.median(ratios(counts, cold)):.3f}; "
        f"converged {frame['converged'].sum()}; fallbacks {frame['fallback'].sum()}",
    ]


def lines_b(name: str, frame: pl.DataFrame, pairs: Pairs, params: Params) -> list[str]:
    """Return a line for each acceleration: the median ratios to plain Sinkhorn from cold, and iterations."""
    import numpy as np

    import paletteot.warmstarts as warmstarts
    from paletteot.benchmark import statistics
    from paletteot.benchmark.boards import accelerated as board_b
    from paletteot.benchmark.protocol import BASE, TOLERANCES
    from paletteot.benchmark.tracks import accelerated as accelerate
    from paletteot.benchmark.tracks import asking as starts

    cold = starts.ask(warmstarts.create(BASE), pairs, params.transport.eps)
    base = accelerate.track_b(cold, [accelerate.PLAIN], max_iterations=params.transport.max_iterations)
    lines = []
    for (acceleration,), rows in frame.group_by("acceleration", maintain_order=True):
        words = []
        for label in TOLERANCES:
            counts, plain = board_b.counts(rows, label), board_b.counts(base, label)
            ratio = float(np.median(statistics.ratios(counts, plain)))
            failures = (~rows[f"converged_{label}"] | rows["fallback"]).sum()
            words.append(f"to {label} {ratio:.3f} ({np.median(counts):g}), failures {failures}")
        lines.append(f"{name} + {acceleration:<13} {'; '.join(words)}")
    return lines


def lines_c(name: str, frame: pl.DataFrame, _pairs: Pairs, _params: Params) -> list[str]:
    """Return the median and the largest number of Newton's steps, failures and the median time."""
    import numpy as np

    steps, milliseconds = frame["steps"].to_numpy(), 1e3 * frame["total_seconds"].to_numpy()
    failures = (~frame["converged"] | frame["fallback"]).sum()
    return [f"{name:<13} {np.median(steps):g}, {steps.max()}; failures {failures}; {np.median(milliseconds):.2f} ms"]


TITLES = {
    Track.A: "iterations as min Q1 median Q3 max",
    Track.B: "ratio to plain Sinkhorn from cold (iterations), medians",
    Track.C: "Newton steps, median and largest",
}
LINES = {Track.A: lines_a, Track.B: lines_b, Track.C: lines_c}


def leaderboard() -> None:
    """Print the leaderboard of the last report."""
    from paletteot.project import paths

    board = paths.REPORTS / "leaderboard.md"
    if not board.is_file():
        raise DataError(f"{board}: no such file; `dvc repro` makes it")
    typer.echo(board.read_text(encoding="utf-8"))
