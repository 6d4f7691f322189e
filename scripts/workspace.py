"""A scratch workspace: the same dvc.yaml and code with other parameters, its own data, reports and dvc.lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from paletteot.project import lock

ROOT = Path(__file__).resolve().parent.parent
METHODS = "methods"


def merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return base with the values of change put in, section by section; METHODS are replaced, not added to."""
    result = dict(base)
    for key, value in change.items():
        inside = key != METHODS and key in result and isinstance(value, Mapping) and isinstance(result[key], Mapping)
        result[key] = merged(result[key], value) if inside else value
    return result


def environment() -> dict[str, str]:
    """Return this environment with the running Python first on the path, and nothing phoning home."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}


def make(folder: Path, change: Mapping[str, Any]) -> Path:
    """Put the pipeline with changed parameters into a folder; what an earlier run finished there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy2(ROOT / name, folder / name)
    shutil.rmtree(folder / "src", ignore_errors=True)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (folder / "reports" / "results").mkdir(parents=True, exist_ok=True)  # of guests; the report depends on it
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump(merged(params, change), sort_keys=False))
    if not (folder / ".dvc").is_dir():
        dvc(folder, "init", "--no-scm", "--quiet")
    dvc(folder, "config", "plots.html_template", "../reports/plots/offline.html")
    shutil.copytree(ROOT / ".dvc" / "plots", folder / ".dvc" / "plots", dirs_exist_ok=True)
    return folder


def dvc(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run dvc in a workspace with this Python's environment, after mending what a crash has left of dvc.lock."""
    lock.mend(folder)
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), text=True, check=False, **options)
