"""The command line: thin covers over the rooms."""

from __future__ import annotations

import sys
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.errors import DataError, PaletteOTError, ParamsError

if TYPE_CHECKING:  # commands import what they need: --help is quick
    import polars as pl

    from paletteot.dataset.load import Pairs

CHUNK = 250
"""Plans that a worker solves at a time."""

app = typer.Typer(
    help="A data set and benchmark for learning to warm-start optimal transport between colour palettes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class _OneLine(typer.core.TyperGroup):
    """End with one line and exit code 1 on an error of ours."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except PaletteOTError as error:
            typer.echo(f"error: {error}", err=True)
            sys.exit(1)


@app.callback(cls=_OneLine)
def paletteot() -> None:
    """Work on palettes, plans and contestants from the root of a project."""


@app.command()
def solve(
    palettes: Annotated[Path, typer.Argument(help="Parquet file of palettes (image_id, centroids, weights, ...)")],
    pairs: Annotated[
        Path | None, typer.Option(help="Parquet file of pairs; without it every ordered pair of the palettes is solved")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="where plans go; default: <palettes>.plans.parquet")
    ] = None,
    eps: Annotated[float, typer.Option(help="entropic regularisation, LAB units")] = 0.1,
) -> None:
    """Solve transport between palettes exactly and write the potentials."""
    from paletteot import engine
    from paletteot.dataset import label
    from paletteot.files import write_parquet

    if not eps > 0:
        raise ParamsError(f"--eps must be a positive number of LAB units, but is {eps}")
    chosen = _pairs(palettes, pairs)
    folder = engine.partial_folder("solve", engine.fingerprint(palettes, pairs, eps))
    spans = engine.spans(len(chosen), CHUNK)
    files = engine.run(partial(_solve, palettes, pairs, eps), spans, folder=folder, workers=0, label="solve")
    target = out or palettes.with_suffix(".plans.parquet")
    write_parquet(target, engine.collect(files), label.table(chosen.palettes))
    engine.forget(folder)
    typer.echo(f"{len(chosen)} plans in {target}")


@lru_cache(maxsize=1)
def _pairs(palettes: Path, pairs: Path | None) -> Pairs:
    from paletteot.dataset import label, load

    loaded = load.load_palettes(palettes)
    return load.load_pairs(pairs, loaded) if pairs else label.all_pairs(loaded, palettes)


def _solve(palettes: Path, pairs: Path | None, eps: float, span: tuple[int, int]) -> pl.DataFrame:
    from paletteot.dataset import label

    return label.exact(_pairs(palettes, pairs)[slice(*span)], eps=eps)


@app.command()
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


@app.command()
def leaderboard() -> None:
    """Print the leaderboard of the last report."""
    from paletteot.stages import common

    board = common.REPORTS / "leaderboard.md"
    if not board.is_file():
        raise DataError(f"{board}: no such file; `dvc repro` makes it")
    typer.echo(board.read_text(encoding="utf-8"))
