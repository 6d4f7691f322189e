"""Make the pair of palettes that ships inside the package: `python scripts/examples.py`."""

from __future__ import annotations

import numpy as np
import polars as pl
import yaml

import workspace
from paletteot.examples import FILE
from paletteot.images.bundled import PHOTOGRAPHS
from paletteot.images.decode import decode
from paletteot.images.render import render
from paletteot.images.source import Picture
from paletteot.palettes import palette

NAMES = ("coffee", "chelsea")


def main() -> None:
    """Cluster both photographs as the pipeline does, ungraded and uncropped."""
    from importlib.resources import files

    params = yaml.safe_load((workspace.ROOT / "params.yaml").read_text())
    k, made = params["palettes"]["k"], []
    for name in NAMES:
        one = PHOTOGRAPHS[name]
        content = (files(one.module) / one.path).read_bytes()
        whole = Picture(name, name, one.distribution, one.licence, one.attribution, one.path)
        pixels, _ = render(decode(content, name), whole, params["images"]["long_side"])
        made.append(palette(pixels, **params["palettes"]))
    pl.DataFrame(
        {
            "image_id": NAMES,
            "centroids": pl.Series(np.stack([one.centroids for one in made]), dtype=pl.Array(pl.Float64, (k, 3))),
            "weights": pl.Series(np.stack([one.weights for one in made]), dtype=pl.Array(pl.Float64, k)),
        }
    ).write_parquet(FILE)


if __name__ == "__main__":
    main()
