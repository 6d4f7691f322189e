"""Where the pipeline keeps things in a project's folder."""

from __future__ import annotations

from pathlib import Path

PARAMS = Path("params.yaml")
IMAGES = Path("data/images")
MANIFEST = Path("data/manifest.parquet")
REJECTED = Path("data/rejected.parquet")
ORIGINALS = Path(".originals")
PALETTES = Path("data/palettes.parquet")
PAIRS = Path("data/pairs.parquet")
PLANS = Path("data/plans")
RELEASE = Path("data/release")
EVALUATIONS = Path("data/evaluations")
MODELS = Path("models")
REPORTS = Path("reports")
RESULTS = REPORTS / "results"
RELEASE_MANIFEST = REPORTS / "release.json"
HELD_BY_GIT = (MANIFEST, REJECTED, PALETTES, PAIRS, RELEASE_MANIFEST)
"""What a clone needs to make the data set again, and to know it."""
