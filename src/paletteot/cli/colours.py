"""Look at the colours of photographs, and keep them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paletteot.cli.outputs import check_out
from paletteot.errors import ParamsError

if TYPE_CHECKING:  # commands import what they need: --help is quick
    import polars as pl

    from paletteot.palettes import Palette

TABLE = ".parquet"
SWATCHES, TABLED = 16, 128
"""Colours unless --k says otherwise: as many as one looks at, and as the data set's palettes have."""
CHUNK = 4
"""Photographs that a worker takes at a time."""


def palette(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="any photographs")],
    k: Annotated[
        int | None,
        typer.Option(help=f"colours, 2 to 1024; default: {SWATCHES}, or {TABLED} where --out names a .parquet"),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            "--out", "-o", metavar="FILE",
            help=".png, .json, .gpl or .ase of one photograph, .parquet of any number; repeatable",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="seed of the clustering", min=0)] = 2,
) -> None:  # fmt: skip
    """Print the palettes of photographs as swatches, and write them as a picture, JSON, .gpl, .ase or .parquet.

    A .parquet is what `paletteot solve` reads: a row for each photograph, whose image_id is its file's name without
    the suffix.
    """
    import paletteot.swatches as swatches
    from paletteot.dataset import schema
    from paletteot.files import write_bytes
    from paletteot.tables import write_parquet
    from paletteot.transfer import clustering

    files = out or []
    tables = [file for file in files if file.suffix.lower() == TABLE]
    k = (TABLED if tables else SWATCHES) if k is None else k
    clustering.check(k, "--k")
    for file in files:
        _check(file, photos, [*swatches.FORMATS, TABLE])
    ids = _ids(photos) if tables else [photo.stem for photo in photos]
    made = _made(photos, k, seed)
    width = shutil.get_terminal_size().columns
    if len(photos) == 1 or not tables:
        for photo, one in zip(photos, made, strict=True):
            sheet = swatches.sheet(one, photo.name)
            text = swatches.as_text(sheet, colour=swatches.in_colour(), width=width)
            typer.echo(text if len(photos) == 1 else f"{sheet.name}\n{text}\n")
            for file in files:
                if file not in tables:
                    write_bytes(file, swatches.FORMATS[file.suffix.lower()](sheet))
    for file in tables:
        write_parquet(file, _table(ids, made, k), schema.palettes(k))
        typer.echo(f"{len(ids)} palettes of {k} colours in {file}")


def _check(file: Path, photos: Sequence[Path], suffixes: Sequence[str]) -> None:
    """Raise ParamsError for what cannot or must not be written, before any work is done."""
    if file.suffix.lower() not in suffixes:
        raise ParamsError(f"--out must end in one of {', '.join(suffixes)}, but is {file}")
    if len(photos) > 1 and file.suffix.lower() != TABLE:
        raise ParamsError(f"--out must be a {TABLE} for {len(photos)} photographs, but is {file}, which holds one")
    check_out(file, photos)


def _ids(photos: Sequence[Path]) -> list[str]:
    """Return the image_id of each photograph; raises ParamsError where two have the same."""
    seen: dict[str, Path] = {}
    for photo in photos:
        if (other := seen.setdefault(photo.stem, photo)) is not photo:
            raise ParamsError(
                f"photographs must have different names, but {other} and {photo} are both {photo.stem!r} in a table"
            )
    return list(seen)


def _made(photos: Sequence[Path], k: int, seed: int) -> list[Palette]:
    """Return the palette of each photograph, in order; of several, by workers, going on where an earlier run ended."""
    import numpy as np

    import paletteot.engine as engine
    from paletteot.palettes import Palette
    from paletteot.project import closure
    from paletteot.transfer import clustering, opening
    from paletteot.transfer.photo import Photo

    if len(photos) == 1:
        return [clustering.of_photo(Photo.of(photos[0]), k, seed=seed)]
    for photo in photos:
        opening.head(photo)  # what is not there is said before any work is done
    key = engine.fingerprint(*photos, [str(photo) for photo in photos], k, seed, *closure.files(__name__))
    folder = engine.partial_folder("palette", key)
    spans = engine.spans(len(photos), CHUNK)
    files = engine.run(partial(_chunk, photos, k, seed), spans, folder=folder, workers=0, label="palettes")
    rows = engine.collect(files)
    engine.forget(folder)
    arrays = (np.asarray(rows[name].to_numpy()) for name in ("centroids", "weights"))
    return [Palette(*one) for one in zip(*arrays, rows["inertia"], rows["colours"], strict=True)]


def _chunk(photos: Sequence[Path], k: int, seed: int, span: tuple[int, int]) -> pl.DataFrame:
    from paletteot.transfer import clustering
    from paletteot.transfer.photo import Photo

    some = photos[slice(*span)]
    return _table([str(photo) for photo in some], [clustering.of_photo(Photo.of(p), k, seed=seed) for p in some], k)


def _table(ids: Sequence[str], made: Sequence[Palette], k: int) -> pl.DataFrame:
    """Return palettes as the rows of their table; each photograph is its own, and its own group."""
    import numpy as np
    import polars as pl

    from paletteot.dataset import schema
    from paletteot.tables import dtypes

    columns = {
        "image_id": ids, "photograph": ids, "group": ids,
        "centroids": np.stack([one.centroids for one in made]), "weights": np.stack([one.weights for one in made]),
        "inertia": [one.inertia for one in made], "colours": [one.colours for one in made],
    }  # fmt: skip
    return pl.DataFrame(columns, schema=dtypes(schema.palettes(k)))
