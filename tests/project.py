"""A project in small: parameters and data, as the stages up to the plans would have left them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.dataset import made

ROOT = Path(__file__).parents[1]


def project(folder: Path, **evaluate: Any) -> Path:
    """Write params.yaml and data/ into a folder; evaluate: what to change in that section."""
    asked = yaml.safe_load((ROOT / "params.yaml").read_text())
    asked["workers"] = 1
    asked["transport"]["eps"] = made.EPS
    code = ROOT / "src" / "paletteot" / "warmstarts"
    methods = {"cold": str(code / "cold.py"), "lp_duals": str(code / "lp_duals.py")}
    asked["evaluate"] |= {"methods": methods, "only_track_a": [], "batch": 2} | evaluate
    made.pipeline_folder(folder / "data")
    (folder / "params.yaml").write_text(yaml.safe_dump(asked))
    return folder
