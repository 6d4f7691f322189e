"""Solve the user's own problems."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.cli.outputs import check_out
from paletteot.errors import ParamsError

if TYPE_CHECKING:  # commands import what they need: --help is quick
    import polars as pl

    from paletteot.dataset.load import Pairs

CHUNK = 250
"""Plans that a worker solves at a time."""


def solve(
    palettes: Annotated[Path, typer.Argument(help="Parquet file of palettes (image_id, centroids, weights, ...)")],
    pairs: Annotated[
        Path | None, typer.Option(help="Parquet file of pairs; without it every ordered pair of the palettes is solved")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="where potentials g and their certificates go; default: <palettes>.plans.parquet"
        ),
    ] = None,
    plans: Annotated[
        Path | None, typer.Option(help="where the couplings go too, k x k each: .npy, .npz or .parquet")
    ] = None,
    eps: Annotated[float, typer.Option(help="entropic regularisation, LAB units")] = 0.1,
) -> None:
    """Solve transport between palettes exactly and write the potentials.

    The table has a row for each pair: its target potential g in LAB units, from which `paletteot.plan` rebuilds the
    coupling, and how exact it is. --plans writes the couplings themselves.
    """
    import paletteot.engine as engine
    from paletteot.dataset import couplings, labels
    from paletteot.dataset.load import Pairs
    from paletteot.project import closure
    from paletteot.tables import write_parquet

    if not eps > 0:
        raise ParamsError(f"--eps must be a positive number of LAB units, but is {eps}")
    inputs = [palettes, *filter(None, [pairs])]
    target = check_out(out or palettes.with_suffix(".plans.parquet"), inputs)
    if plans is not None:
        _check_plans(plans, target, inputs, list(couplings.FORMATS))
    chosen = _pairs(palettes, pairs)
    if plans is not None:
        couplings.check(plans, chosen)
    folder = engine.partial_folder("solve", engine.fingerprint(palettes, pairs, eps, *closure.files(__name__)))
    spans = engine.spans(len(chosen), CHUNK)
    files = engine.run(partial(_solve, palettes, pairs, eps), spans, folder=folder, workers=0, label="solve")
    solved = engine.collect(files)
    write_parquet(target, solved, labels.table(chosen.palettes))
    if plans is not None:
        couplings.write(plans, Pairs(chosen.palettes, solved, chosen.source, chosen.target))
    engine.forget(folder)
    typer.echo(f"{len(chosen)} plans in {target}" + (f", their couplings in {plans}" if plans else ""))


def _check_plans(plans: Path, target: Path, inputs: Sequence[Path], suffixes: Sequence[str]) -> None:
    """Raise ParamsError for what couplings cannot or must not be written to, before any work is done."""
    if plans.suffix.lower() not in suffixes:
        raise ParamsError(f"--plans must end in one of {', '.join(suffixes)}, but is {plans}")
    check_out(plans, inputs, "--plans")
    if plans.resolve() == target.resolve():
        raise ParamsError(f"--plans must not be {target}, where the potentials go")


@lru_cache(maxsize=1)
def _pairs(palettes: Path, pairs: Path | None) -> Pairs:
    from paletteot.dataset import labels, load

    loaded = load.load_palettes(palettes)
    return load.load_pairs(pairs, loaded) if pairs else labels.all_pairs(loaded, palettes)


def _solve(palettes: Path, pairs: Path | None, eps: float, span: tuple[int, int]) -> pl.DataFrame:
    from paletteot.dataset import labels

    return labels.exact(_pairs(palettes, pairs)[slice(*span)], eps=eps)
