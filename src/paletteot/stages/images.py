"""Stage 1: photographs become pictures and a manifest."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import paletteot.engine as engine
from paletteot.config.images import ImagesParams
from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import replacing
from paletteot.images import manifest, sources
from paletteot.images.source import Picture, Source
from paletteot.project import closure, paths
from paletteot.tables import dtypes, write_parquet

if TYPE_CHECKING:
    from paletteot.config.params import Params

CHUNK = 20
PICTURES = "pictures"
SAID = 20
"""Reasons that are printed; all stand in rejected.parquet."""


def stage(params: Params) -> None:
    """Write one JPEG for each picture, their manifest, and what there is no picture of, and why.

    Raises DataError when fewer pictures can be had than are wanted, unless that is allowed.
    """
    wanted = params.images
    source = sources.create(wanted, paths.ORIGINALS / wanted.source)
    order = source.pictures(wanted.count, grading=wanted.grading, seed=wanted.seed)
    known = [asdict(picture) for picture in order]
    key = engine.fingerprint(wanted.model_dump(), known, source.state, *closure.files(__name__))
    folder = engine.partial_folder("images", key)
    rejected = [{"place": place, "reason": reason} for place, reason in source.skipped.items()]
    taken = _taken(source, order, wanted, folder, params.workers, rejected)
    few = len(taken) < wanted.count and not (wanted.allow_fewer and len(taken))
    listed = folder / paths.REJECTED.name if few else paths.REJECTED
    _say(rejected, listed)
    if few:
        write_parquet(listed, _rejected(rejected), schema.REJECTED)
        raise DataError(
            f"source {wanted.source}: images.count is {wanted.count}, but only {len(taken)} pictures could be had "
            f"({listed} says why); ask for fewer, or set images.allow_fewer"
        )
    with replacing(paths.IMAGES) as fresh:
        fresh.mkdir()
        for name in taken["image_id"]:
            shutil.copyfile(folder / PICTURES / f"{name}.jpg", fresh / f"{name}.jpg")
        write_parquet(paths.MANIFEST, taken, schema.IMAGES)  # last, as the pictures are put in place right after
        write_parquet(paths.REJECTED, _rejected(rejected), schema.REJECTED)
    engine.forget(folder)


def _taken(
    source: Source, order: Sequence[Picture], wanted: ImagesParams, folder: Path, workers: int,
    rejected: list[dict[str, str]],
) -> pl.DataFrame:  # fmt: skip
    """Return the rows of the pictures that could be had, the next in the order for each that could not."""
    rows: list[pl.DataFrame] = [_table([])]
    seen: dict[str, str] = {}
    start = count = 0
    while count < wanted.count and start < len(order):
        batch = order[start : start + wanted.count - count]
        lost = source.fetch(batch)
        here = [picture for picture in batch if picture.image_id not in lost]
        files = engine.run(
            partial(_chunk, source, wanted, folder / PICTURES), [here[i:j] for i, j in engine.spans(len(here), CHUNK)],
            folder=folder / f"from-{start:06d}", workers=workers, label="images",
        )  # fmt: skip
        found = pl.concat([_table([]), *(engine.collect([file]) for file in files)])
        reasons = dict(lost) | dict(_reasons(batch, found, seen))
        rejected += [{"place": p.place, "reason": reasons[p.image_id]} for p in batch if p.image_id in reasons]
        rows.append(found.filter(~pl.col("image_id").is_in(list(reasons))))
        count += len(rows[-1])
        start += len(batch)
    return pl.concat(rows).drop("reason")


def _reasons(batch: Sequence[Picture], found: pl.DataFrame, seen: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Give what could not be opened, and whole photographs whose file another picture has too."""
    whole = {picture.image_id for picture in batch if picture.crop is None}
    for name, place, sha256, reason in found.select("image_id", "place", "original_sha256", "reason").iter_rows():
        if reason is not None:
            yield name, reason
        elif name in whole and seen.setdefault(sha256, place) != place:
            yield name, f"the same file as {seen[sha256]}"


def _chunk(source: Source, wanted: ImagesParams, folder: Path, pictures: Sequence[Picture]) -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for picture in pictures:
        try:
            original = source.open(picture)
        except DataError as error:
            rows.append({"image_id": picture.image_id, "place": picture.place, "reason": str(error)})
            continue
        rows.append(
            manifest.write_jpeg(original, picture, folder, long_side=wanted.long_side, quality=wanted.jpeg_quality)
        )
    return _table(rows)


def _table(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**dtypes(schema.IMAGES), "reason": pl.String})


def _rejected(rows: Sequence[dict[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dtypes(schema.REJECTED))


def _say(rejected: Sequence[dict[str, str]], listed: Path) -> None:
    for one in rejected[:SAID]:
        said = one["reason"] if one["reason"].startswith(one["place"]) else f"{one['place']}: {one['reason']}"
        print(f"no picture of {said}", file=sys.stderr)
    if len(rejected) > SAID:
        print(f"no picture of {len(rejected) - SAID} more ({listed})", file=sys.stderr)
