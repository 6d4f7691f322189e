"""A data set in small, and a legal submission for it that a test can spoil."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import yaml

from paletteot import warmstarts
from paletteot.benchmark.schema import Track
from paletteot.benchmark.submissions import submission
from paletteot.benchmark.submissions.submission import Submission, SubmissionError
from paletteot.benchmark.tracks import runner
from paletteot.benchmark.tracks.runner import Rows
from paletteot.dataset import load
from paletteot.dataset.load import Pairs
from tests.dataset import made

__all__ = ["SubmissionError"]

VERSION = "1.0.0"
SPLIT = "test_unseen"
FACTS = {
    "name": "Our idea", "authors": ["Ada", "Émile"], "link": "https://example.org/idea", "track": "A", "split": SPLIT,
    "data_version": VERSION, "seconds": 0.002, "hardware": "a laptop", "file": "idea.parquet",
}  # fmt: skip


@lru_cache(maxsize=8)
def pairs(split: str = SPLIT) -> Pairs:
    """The labelled pairs of a split; k = 8, eps = 0.5. validation_unseen has a target with atoms of weight zero."""
    with TemporaryDirectory() as folder:
        data = made.pipeline_folder(Path(folder))
        return load.load_plans(data / "plans", load.load_palettes(data / "palettes.parquet"), split)


def rows(split: str = SPLIT) -> pl.DataFrame:
    """Return legal rows of a split: g of a schedule, which spent ten passes."""
    start = warmstarts.create("epsilon_schedule_10").start(pairs(split).problems(made.EPS))
    frame = pairs(split).frame.select("pair_id").with_columns(g=pl.Series(start.g.tolist()))
    return frame.with_columns(iterations=pl.lit(10, pl.Int64))


def write(folder: Path, frame: pl.DataFrame | None = None, **changes: object) -> Path:
    """Write a submission with other facts, or without those that are None; returns its YAML file."""
    facts = {name: value for name, value in {**FACTS, **changes}.items() if value is not None}
    (rows(str(facts.get("split", SPLIT))) if frame is None else frame).write_parquet(folder / "idea.parquet")
    return write_yaml(folder, facts)


def write_yaml(folder: Path, facts: Mapping[str, object]) -> Path:
    path = folder / "idea.yaml"
    path.write_text(yaml.safe_dump(dict(facts), allow_unicode=True), encoding="utf-8")
    return path


def judge(found: Submission, track: Track) -> Rows:
    """Judge a submission on the pairs of its split, the base's rows with it under Track B."""
    of = pairs(found.said.split)
    return runner.judge(found.maker(of)(), of, runner.Stop(), tracks=(track,), base=track == "B")


def read(path: Path) -> Submission:
    return submission.read(path, pairs, taken=warmstarts.entries(), version=VERSION)


def changed(frame: pl.DataFrame, pair: int, g: list[float | None] | None) -> pl.DataFrame:
    """Return rows with another g for one pair, by its place."""
    lists = frame["g"].to_list()
    lists[pair] = g
    return frame.with_columns(g=pl.Series(lists, dtype=pl.List(pl.Float64)))


def spoilt(frame: pl.DataFrame, pair: int, value: float | None, atom: int = 0) -> pl.DataFrame:
    """Return rows with one value of g put in, by the places of pair and atom."""
    g = frame["g"].to_list()[pair]
    g[atom] = value
    return changed(frame, pair, g)


def rounded(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows whose g went through float32 and back."""
    return frame.with_columns(pl.col("g").cast(pl.List(pl.Float32)).cast(pl.List(pl.Float64)))


def labels(split: str = SPLIT) -> np.ndarray:
    return pairs(split).g
