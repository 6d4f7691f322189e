"""Solve the user's own problems."""

from __future__ import annotations

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
        Path | None, typer.Option("--out", "-o", help="where plans go; default: <palettes>.plans.parquet")
    ] = None,
    eps: Annotated[float, typer.Option(help="entropic regularisation, LAB units")] = 0.1,
) -> None:
    """Solve transport between palettes exactly and write the potentials."""
    import paletteot.engine as engine
    from paletteot.dataset import labels
    from paletteot.project import closure
    from paletteot.tables import write_parquet

    if not eps > 0:
        raise ParamsError(f"--eps must be a positive number of LAB units, but is {eps}")
    target = check_out(out or palettes.with_suffix(".plans.parquet"), [palettes, *filter(None, [pairs])])
    chosen = _pairs(palettes, pairs)
    folder = engine.partial_folder("solve", engine.fingerprint(palettes, pairs, eps, *closure.files(__name__)))
    spans = engine.spans(len(chosen), CHUNK)
    files = engine.run(partial(_solve, palettes, pairs, eps), spans, folder=folder, workers=0, label="solve")
    write_parquet(target, engine.collect(files), labels.table(chosen.palettes))
    engine.forget(folder)
    typer.echo(f"{len(chosen)} plans in {target}")


@lru_cache(maxsize=1)
def _pairs(palettes: Path, pairs: Path | None) -> Pairs:
    from paletteot.dataset import labels, load

    loaded = load.load_palettes(palettes)
    return load.load_pairs(pairs, loaded) if pairs else labels.all_pairs(loaded, palettes)


def _solve(palettes: Path, pairs: Path | None, eps: float, span: tuple[int, int]) -> pl.DataFrame:
    from paletteot.dataset import labels

    return labels.exact(_pairs(palettes, pairs)[slice(*span)], eps=eps)
