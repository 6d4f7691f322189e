"""A project in small: parameters and data, as the stages up to the plans would have left them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from paletteot.files import write_json
from paletteot.project import paths
from tests.dataset import made
from tests.report import made as shown

ROOT = Path(__file__).parents[1]


def project(folder: Path, **evaluate: Any) -> Path:
    """Write params.yaml and data/ into a folder; evaluate: what to change in that section."""
    asked = yaml.safe_load((ROOT / "params.yaml").read_text())
    asked["workers"] = 1
    asked["dataset"]["version"] = "1.0.0"
    asked["transport"]["eps"] = made.EPS
    code = ROOT / "src" / "paletteot" / "warmstarts"
    files = {name: str(code / f"{name}.py") for name in ("cold", "lp_duals")}
    methods = {name: {"code": file, "reads": file} for name, file in files.items()}
    asked["evaluate"] |= {"methods": methods, "only_track_a": [], "batch": 2} | evaluate
    made.pipeline_folder(folder / "data")
    (folder / "params.yaml").write_text(yaml.safe_dump(asked))
    return folder


def ready_to_report() -> None:
    """Put in place here what the report reads beside evaluations: the release's words, demo and transfer."""
    counts = {split: {"rows": len(rows)} for split, rows in made.SPLITS.items()}
    tables = {"plans": counts, "palettes": {"full": {"rows": 9}}, "images": {"full": {"rows": 9}}}
    write_json(paths.RELEASE_MANIFEST, {"version": "1.0.0", "files": {}, "tables": tables})
    shown.demonstration(Path("data/demo"))
    (paths.REPORTS / "transfer").mkdir(parents=True)
    shown.board().write_csv(paths.REPORTS / "transfer" / "board.csv")
