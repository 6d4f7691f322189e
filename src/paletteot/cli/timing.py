"""Time solvers, anybody's beside the referee's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.cli.contestants import Memory, Sandbox, Trust, trusted
from paletteot.cli.outputs import check_out
from paletteot.errors import DataError, ParamsError
from paletteot.guests.mode import Mode

if TYPE_CHECKING:
    from paletteot.guests.code import Code
    from paletteot.guests.copies import Copy
    from paletteot.guests.process import Limits

STARTUP = 300.0
"""Seconds that a solver's process may take to be ready: to import and to compile."""


def time_solvers(
    solvers: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE.py:FUNCTION]...", help="solvers; none: the referee's own alone")
    ] = None,
    split: Annotated[str, typer.Option(help="split of the data set")] = "test_unseen",
    problems: Annotated[int, typer.Option(help="number of problems, from the first", min=1)] = 200,
    repeats: Annotated[int, typer.Option(help="how often each meets each problem", min=1)] = 3,
    seed: Annotated[int | None, typer.Option(help="of the shuffled order; default: report.seed of params.yaml")] = None,
    seconds: Annotated[float, typer.Option(help="what a problem may take; a failure stands as that", min=0.1)] = 10,
    memory: Memory = 8,
    trust: Trust = False,
    sandbox: Sandbox = Mode.AUTO,
    out: Annotated[Path | None, typer.Option(help="folder for the rows, as Parquet, and the table")] = None,
) -> None:
    """Time solvers to marginal errors of 1e-4 and 1e-9, one at a time on one thread, and print their table."""
    import polars as pl
    from tqdm import tqdm

    from paletteot.benchmark import schema
    from paletteot.benchmark.boards import solvers as solvers_board
    from paletteot.benchmark.tracks.race import TOLERANCES, race
    from paletteot.cli import recording
    from paletteot.dataset import load
    from paletteot.files import replacing, write_text
    from paletteot.guests.copies import verify
    from paletteot.guests.process import Limits
    from paletteot.guests.sandbox import find
    from paletteot.project import paths
    from paletteot.project.parameters import load_params
    from paletteot.solvers import BASE, own
    from paletteot.tables import write_parquet

    params = load_params()
    if split not in (legal := params.pairs.sizes()):
        raise ParamsError(f"--split must be one of {', '.join(legal)}, but is {split!r}")
    if out is not None and out.exists():
        raise ParamsError(f"--out must be a new folder, but {out} exists")
    if out is not None:
        check_out(out)
    limits = Limits(seconds, memory, STARTUP, sandbox)
    theirs = named(solvers or [], limits, trust=trust)
    codes: list[Code | Copy] = [*own(), *theirs]
    pairs = load.load_plans(paths.PLANS, load.load_palettes(paths.PALETTES), split)[:problems]
    if not len(pairs):
        raise DataError(f"{paths.PLANS}: split {split} holds no pair")
    rounds = race(
        codes, pairs, repeats=repeats, limits=limits,
        seed=params.report.seed if seed is None else seed,
    )  # fmt: skip
    runs = pl.concat(tqdm(rounds, "rounds", repeats * len(TOLERANCES)))
    board = solvers_board.rows(runs, recording.bootstrap(pairs, params.report), base=BASE, cap=seconds)
    text = solvers_board.to_markdown(board, runs, base=BASE, cap=seconds)
    for copy in theirs:
        verify(copy)
    typer.echo(f"{split}, {repeats} repeats\n\n{text}")
    if theirs:
        typer.echo(f"\n{', '.join(copy.label for copy in theirs)} ran {find(sandbox)}")
    if out is not None:
        with replacing(out) as fresh:
            write_parquet(fresh / "solves.parquet", runs, schema.SOLVES)
            write_parquet(fresh / "solves_seconds.parquet", runs, schema.SOLVES_SECONDS)
            write_text(fresh / "solvers.md", text + "\n")


def named(references: list[str], limits: Limits, *, trust: bool) -> list[Copy]:
    """Return copies of the solvers that words on the command line name, each of which was made once.

    Raises ParamsError for a word that names none, two that read alike, and code that is not trusted; NoAnswerError for
    code that cannot be made.
    """
    from paletteot.guests import code as outside
    from paletteot.guests.copies import take
    from paletteot.guests.solver import Solver

    codes = [outside.in_file(one, "a solver", "FUNCTION") for one in references]
    labels = [code.label for code in codes]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise ParamsError(f"two solvers must not have the same file name and function, but both are {twice[0]}")
    for code in codes:
        trusted(code, trust=trust)
    copies = [take(code) for code in codes]
    for copy in copies:
        Solver(copy, limits, practice=(), tolerance=1.0).close()  # what is not there is said before anything is timed
    return copies
