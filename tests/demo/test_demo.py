"""The examples: made, drawn, said and read."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

from paletteot.demo import example, facts, sheet
from paletteot.errors import DataError
from tests.report import made

ROOT = Path(__file__).parents[2]
FREE = {"public domain", "CC0-1.0", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0"}
"""Licences under which a picture may be shown changed, without its terms passing on to the page."""


@pytest.fixture(scope="module")
def shown() -> example.Example:
    pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    a, b = (
        (rng.normal(middle, 25, size)).clip(0, 255).astype(np.uint8)
        for middle, size in (((90, 120, 190), (40, 60, 3)), ((200, 130, 70), (50, 30, 3)))
    )
    return example.make(a, b)


def test_warm_and_cold_end_in_pictures_that_no_eye_tells_apart(shown):
    assert shown.network.shape == shown.warm.shape == shown.cold.shape == shown.a.shape
    assert shown.delta.shape == shown.a.shape[:2]
    assert shown.delta.max() < example.VISIBLE
    assert shown.counts.own > 0
    assert shown.counts.iterations > shown.counts.own
    assert shown.counts.cold_iterations > 0
    assert np.abs(shown.warm.mean((0, 1)) - shown.b.mean((0, 1))).max() < 10


def test_a_sheet_has_six_tiles_and_what_they_are(shown):
    words = sheet.captions(shown)
    assert words[3] == f"warm: {shown.counts.iterations:,} iterations"
    assert words[5].startswith(f"warm - cold: at most {shown.delta.max():.2f} Delta E")
    with Image.open(BytesIO(sheet.draw(shown, ["one", "two"]))) as image:
        height = 2 * (40 + sheet.CAPTION + sheet.GAP) + 2 * sheet.GAP + 2 * sheet.NOTE
        assert image.size == (3 * sheet.TILE + 4 * sheet.GAP, height + 10)  # B is 50 pixels high, A 40
        tile = image.crop((sheet.GAP, sheet.GAP + sheet.CAPTION, sheet.GAP + 60, sheet.GAP + sheet.CAPTION + 40))
        assert np.abs(np.asarray(tile).mean((0, 1)) - shown.a.mean((0, 1))).max() < 5


def test_facts_come_back_as_they_were_written(tmp_path):
    written = made.demonstration(tmp_path)
    assert facts.read(tmp_path) == written


def test_facts_that_do_not_stand_are_said_in_one_line(tmp_path):
    with pytest.raises(DataError, match="no such file; `dvc repro demo` makes it"):
        facts.read(tmp_path)
    made.demonstration(tmp_path)
    said = json.loads((tmp_path / facts.FACTS).read_text())
    (tmp_path / said[0]["after"]).unlink()
    with pytest.raises(DataError, match=r"after_1\.jpg: no such file"):
        facts.read(tmp_path)
    said[0]["sheet"] = "../../secret.jpg"
    (tmp_path / facts.FACTS).write_text(json.dumps(said))
    with pytest.raises(DataError, match="must be what the stage demo wrote"):
        facts.read(tmp_path)


def test_the_pictures_that_are_named_may_be_shown_and_nothing_learned_from_them():
    named = [name for pair in yaml.safe_load((ROOT / "params.yaml").read_text())["demo"]["pairs"] for name in pair]
    pictures = pl.read_parquet(ROOT / "data" / "manifest.parquet").filter(pl.col("image_id").is_in(named))
    pairs = pl.read_parquet(ROOT / "data" / "pairs.parquet")
    assert len(pictures) == len(set(named)) == 10
    assert set(pictures["licence"]) <= FREE
    met = pairs.filter(pl.col("source").is_in(named) | pl.col("target").is_in(named))
    assert set(met["split"]) == {"test_unseen"}
