"""Stage 8: colours of one picture on another, ours beside other libraries'."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import vl_convert
from numpy.typing import NDArray
from PIL import Image

import paletteot.engine as engine
import paletteot.palettes as palettes
from paletteot.comparison import board as boards
from paletteot.comparison import figure, judging, pairing, sheet, words
from paletteot.comparison.pairing import Pair
from paletteot.comparison.peers import PEERS
from paletteot.config.palettes import PalettesParams
from paletteot.config.transfer import TransferParams
from paletteot.dataset import schema
from paletteot.errors import ParamsError
from paletteot.files import replacing, write_text
from paletteot.images import catalogue, manifest
from paletteot.images.decode import decode
from paletteot.images.render import render
from paletteot.images.source import Picture
from paletteot.project import closure, paths
from paletteot.splits import RANKING
from paletteot.tables import read_parquet, write_parquet
from paletteot.transfer.options import Options
from paletteot.transfer.run import transfer

if TYPE_CHECKING:
    from paletteot.config.params import Params

Pixels = NDArray[np.uint8]

OUT = Path("data/transfer")
PICTURES, PAGE = paths.REPORTS / "transfer", paths.REPORTS / "transfer.md"
SEED_DIR, SAMPLE = "PALETTEOT_SEED_DIR", "sample_images.zip"
"""Environment variable, and the file in its folder, of the sample pairs: in a table of their own."""
SAMPLE_PAIRS = (
    ("greenForest", "orangeForest"), ("roadDesert", "roadWinter"), ("yellowCar", "redCar"), ("earth", "jupiter"),
    ("beach", "volcano"),
)  # fmt: skip


def stage(params: Params) -> None:
    """Read the pictures and pairs, write data/transfer, reports/transfer.md and its pictures."""
    asked = params.transfer
    if unknown := [name for name in asked.peers if name not in PEERS]:
        raise ParamsError(f"params.yaml: transfer.peers must be of {', '.join(PEERS)}, but one is {unknown[0]!r}")
    for name in asked.peers:
        PEERS[name].version  # noqa: B018 - says which package is missing before any work is done
    chosen = pairs(asked)
    task = partial(_chunk, asked, params.palettes)
    key = engine.fingerprint(
        paths.MANIFEST, paths.PAIRS, asked.model_dump(), params.palettes.model_dump(), *closure.files(__name__)
    )  # fmt: skip
    folder = engine.partial_folder("transfer", key)
    files = engine.run(task, chosen, folder=folder, workers=params.workers, label="transfer")
    tables = {f"{len(chosen)} pairs of {RANKING}": engine.collect(files)}
    if file := sample():
        task = partial(_sample_chunk, asked, params.palettes, params.images.long_side, file)
        files = engine.run(
            task, [Pair("sample", *pair) for pair in SAMPLE_PAIRS], folder=_below(folder), workers=params.workers,
            label="transfer of the sample",
        )  # fmt: skip
        tables["The five sample pairs"] = engine.collect(files)
    _write(tables, asked, params.images.long_side)
    engine.forget(folder)


def pairs(asked: TransferParams) -> list[Pair]:
    """Return which pictures meet: photographs that nothing was trained on."""
    met = read_parquet(paths.PAIRS, schema.PAIRS).filter(pl.col("split") == RANKING)
    seen = set(met["source"]) | set(met["target"])
    pictures = manifest.read(paths.MANIFEST, paths.IMAGES).filter(pl.col("image_id").is_in(list(seen)))
    subjects = {one.name: one.subject for one in catalogue.photographs()}
    rows = pictures.select("image_id", "photograph", "group").rows()
    candidates = pairing.chosen(rows, subjects, asked.seed)
    layouts = np.array([pairing.layout(pixels(one.image_id)) for one in candidates])
    return pairing.pairs(candidates, layouts, asked.content, asked.random, asked.seed)


def pixels(image_id: str) -> Pixels:
    """Return a picture of the data set, (h, w, 3) uint8 sRGB."""
    rows = manifest.read(paths.MANIFEST, paths.IMAGES).filter(pl.col("image_id") == image_id)
    return manifest.load_pixels(paths.IMAGES, rows.row(0, named=True))


def sample() -> Path | None:
    """Return the archive of the sample pictures, None where this machine has none."""
    file = Path(os.environ.get(SEED_DIR, "")) / SAMPLE
    return file if os.environ.get(SEED_DIR) and file.is_file() else None


def _chunk(asked: TransferParams, given: PalettesParams, pair: Pair) -> pl.DataFrame:
    return _judged(asked, given, pair, pixels(pair.source), pixels(pair.target))


def _sample_chunk(asked: TransferParams, given: PalettesParams, long_side: int, file: Path, pair: Pair) -> pl.DataFrame:
    with zipfile.ZipFile(file) as archive:
        a, b = (_sample_pixels(archive, name, long_side) for name in (pair.source, pair.target))
    return _judged(asked, given, pair, a, b)


def _sample_pixels(archive: zipfile.ZipFile, name: str, long_side: int) -> Pixels:
    whole = Picture(name, name, "seed", "", "", name)
    return render(decode(archive.read(f"{name}.jpg"), name), whole, long_side)[0]


def _judged(asked: TransferParams, given: PalettesParams, pair: Pair, a: Pixels, b: Pixels) -> pl.DataFrame:
    of = partial(
        palettes.palette, k=given.k, sample=given.sample, refinements=given.refinements, seed=given.seed
    )  # fmt: skip
    return judging.judge(pair, a, b, of(b), of, asked.sigmas, asked.peers, asked.seed)


def _below(folder: Path) -> Path:
    (inside := folder / "sample").mkdir(exist_ok=True)
    return inside


def _write(tables: Mapping[str, pl.DataFrame], asked: TransferParams, long_side: int) -> None:
    own, default = judging.ours(asked.sigmas), _default(asked)
    made = {title: (rows, boards.board(rows, rows, own)) for title, rows in tables.items()}
    first, board = next(iter(made.values()))
    shown = boards.worst(first, default, asked.shown)
    contact = sheet.contact([_example(row, own[default]) for row in shown.iter_rows(named=True)])
    write_parquet(OUT / "measures.parquet", first.select(list(judging.MEASURES)), judging.MEASURES)
    timed = first.filter(pl.col("seconds").is_not_null())
    write_parquet(OUT / "seconds.parquet", timed.select(list(judging.SECONDS)), judging.SECONDS)
    with replacing(PICTURES) as fresh:
        fresh.mkdir()
        (fresh / "worst.jpg").write_bytes(contact)
        board.write_csv(fresh / "board.csv", float_precision=6)
        with Image.open(BytesIO(vl_convert.vegalite_to_png(figure.chart(board).to_json(), scale=2))) as image:
            image.convert("RGB").save(fresh / "front.png", optimize=True)
    write_text(PAGE, words.page(made, shown, _credits(shown), default, f"{long_side} px"))


def _credits(shown: pl.DataFrame) -> dict[str, str]:
    """Return whose each picture of some pairs is, and its licence: they are shown, and so are changed ones."""
    names = [name for pair in shown.select("source", "target").rows() for name in pair]
    pictures = manifest.read(paths.MANIFEST, paths.IMAGES).filter(pl.col("image_id").is_in(names))
    return {
        image: f"{attribution}, {licence}"
        for image, attribution, licence in pictures.select("image_id", "attribution", "licence").rows()
    }


def _default(asked: TransferParams) -> str:
    """Return the name of what everybody gets where it is asked for, of the widest blend otherwise."""
    usual = f"smooth_{Options().sigma:g}{boards.KEPT}"
    names = list(judging.ours(asked.sigmas))
    return usual if usual in names else names[-1]


def _example(row: Mapping[str, str], options: Options) -> list[Pixels]:
    a, b = pixels(row["source"]), pixels(row["target"])
    return [a, b, transfer(a, b, options).pixels]
