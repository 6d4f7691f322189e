"""The contract, held against every source that is registered."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from paletteot import config, images
from paletteot.errors import ParamsError
from paletteot.images.render import render
from paletteot.images.source import Source
from tests.images import archives

PHOTOGRAPHS = 12


def photographs(folder: Path) -> Path:
    """Make a dozen small photographs in three sub-folders."""
    for number in range(PHOTOGRAPHS):
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (3, 4, 3)).astype(np.uint8).repeat(10, 0).repeat(12, 1)
        (folder / f"set {number % 3}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"set {number % 3}" / f"Bild {number}.png")
    return folder


def wanted(**given: object) -> config.Images:
    base = {"source": "bundled", "count": 9, "long_side": 61, "jpeg_quality": 90, "grading": 1, "seed": 3}
    return config.Images.model_validate(base | given)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Callable[[str], config.Images]:
    """How to ask for each source, with something to find there."""
    root = tmp_path_factory.mktemp("sources")
    folder = photographs(root / "folder")
    files = [str(file) for file in sorted(folder.rglob("*.png"))]
    table = datasets.Dataset.from_dict({"image": files}).cast_column("image", datasets.Image())
    (root / "hf").mkdir()
    table.to_parquet(str(root / "hf" / "train.parquet"))
    given = {
        "bundled": {}, "folder": {"location": str(folder)}, "huggingface": {"location": str(root / "hf")},
        "unsplash": {"location": str(archives.served(root, files))},
    }  # fmt: skip
    return lambda name: wanted(source=name, **given[name])


@pytest.fixture(params=sorted(images.SOURCES))
def source(request, settings, tmp_path) -> Source:
    return images.create(settings(request.param), tmp_path)
