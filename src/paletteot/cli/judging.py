"""Judge contestants and look at the table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from paletteot.errors import DataError, ParamsError


def evaluate(
    method: Annotated[str, typer.Argument(help="name of a contestant")],
    split: Annotated[str, typer.Option(help="split of the data set")] = "test_unseen",
    limit: Annotated[int, typer.Option(help="number of problems, from the first; 0 for all")] = 0,
    weights: Annotated[Path | None, typer.Option(help="weights of a learned contestant; default: models/")] = None,
) -> None:
    """Judge a contestant under Track A against the cold start and print its line."""
    from paletteot import warmstarts
    from paletteot.benchmark import evaluate as referee
    from paletteot.benchmark import statistics
    from paletteot.dataset import load
    from paletteot.stages import common

    params = common.load_params()
    if limit < 0:
        raise ParamsError(f"--limit must be at least 0, but is {limit}")
    if split not in (legal := [name for name in params.pairs.sizes() if name != "train"]):
        raise ParamsError(f"--split must be one of {', '.join(legal)}, but is {split!r}")
    if method in warmstarts.LEARNED:
        weights = weights or common.MODELS / f"{method}.safetensors"
    contestant = warmstarts.create(method, weights)
    pairs = load.load_plans(common.PLANS, load.load_palettes(common.PALETTES), split)
    settings = params.transport.model_dump()
    referee.warm_up(contestant, params.transport.eps)
    pairs = pairs[: limit or len(pairs)]
    frame = referee.track_a(contestant, pairs, **settings)
    counts = (frame["iterations"] + frame["init_iterations"]).to_numpy()
    cold = pairs.frame["cold_iterations"].to_numpy()
    if not len(counts):
        raise DataError(f"{common.PLANS}: split {split} holds no pair")
    numbers = " ".join(f"{value:g}" for value in statistics.five_numbers(counts))
    base = " ".join(f"{value:g}" for value in statistics.five_numbers(cold))
    typer.echo(f"{split}, {len(counts)} problems, iterations as min Q1 median Q3 max")
    typer.echo(f"  cold          {base}")
    typer.echo(f"  {method:<13} {numbers}; converged {int(frame['converged'].sum())}")


def leaderboard() -> None:
    """Print the leaderboard of the last report."""
    from paletteot.stages import common

    board = common.REPORTS / "leaderboard.md"
    if not board.is_file():
        raise DataError(f"{board}: no such file; `dvc repro` makes it")
    typer.echo(board.read_text(encoding="utf-8"))
