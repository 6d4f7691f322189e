"""What every stage shares: where things lie, and params.yaml."""

from __future__ import annotations

from pathlib import Path

from paletteot import config, images, warmstarts

PARAMS = Path("params.yaml")
IMAGES = Path("data/images")
ORIGINALS = Path(".originals")
PALETTES = Path("data/palettes.parquet")
PAIRS = Path("data/pairs.parquet")
PLANS = Path("data/plans")
RELEASE = Path("data/release")
EVALUATIONS = Path("data/evaluations")
MODELS = Path("models")
REPORTS = Path("reports")
RESULTS = REPORTS / "results"
JUDGED = "judged.json"
"""In the folder of an evaluation: when, where and with which code and data."""
RELEASE_MANIFEST = REPORTS / "release.json"


def load_params() -> config.Params:
    """Read params.yaml and check the names in it too; raises ParamsError."""
    params = config.load(PARAMS)
    images.check_name(params.images.source)
    for name in params.evaluate.methods:
        warmstarts.check_name(warmstarts.family(name), f"{PARAMS}: evaluate.methods")
    return params
