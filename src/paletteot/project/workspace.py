"""A workspace: the dvc.yaml and code of a project with other parameters, and data, reports and dvc.lock of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from paletteot.errors import ParamsError
from paletteot.project import lock, paths

FOLDER = Path(".workspaces")
"""Where a project's workspaces lie unless another place is named."""
MARK = ".paletteot-workspace"
"""File that says that a folder was made here, and may be made anew."""
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


def dvc(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run dvc in a folder with this Python and its environment, after mending what a crash has left of dvc.lock."""
    lock.mend(folder)
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), text=True, check=False, **options)


def stage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a stage in a folder, as its dvc.yaml would."""
    command = [sys.executable, "-m", "paletteot.stages", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), text=True, check=False)


def check(root: Path, folder: Path) -> None:
    """Raise ParamsError where root is no project, or a folder holds what a workspace must not replace."""
    for name in ("dvc.yaml", paths.PARAMS, "src"):
        if not (root / name).exists():
            raise ParamsError(f"{root}: {name} is missing; stand in a project, a clone of PaletteOT")
    if root.resolve().is_relative_to(folder.resolve()):
        raise ParamsError(f"{folder}: the workspace must not be the project, nor hold it; --here works in the project")
    if folder.exists() and not (folder.is_dir() and ((folder / MARK).is_file() or not any(folder.iterdir()))):
        raise ParamsError(f"{folder}: not a workspace of this command, and not empty; name a new folder")


def prepare(root: Path, folder: Path) -> Path:
    """Put the pipeline of a project into a folder, all but the parameters; what was finished there stays."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    for name in ("dvc.yaml", ".dvcignore"):
        shutil.copy2(root / name, folder / name)
    shutil.rmtree(folder / "src", ignore_errors=True)
    shutil.copytree(root / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    (folder / paths.RESULTS).mkdir(parents=True, exist_ok=True)  # of guests; the report depends on it
    if not (folder / ".dvc").is_dir():
        dvc(folder, "init", "--no-scm", "--quiet")
    dvc(folder, "config", "plots.html_template", "../reports/plots/offline.html")
    shutil.copytree(root / ".dvc" / "plots", folder / ".dvc" / "plots", dirs_exist_ok=True)
    return folder


def make(root: Path, folder: Path, change: Mapping[str, Any]) -> Path:
    """Put the pipeline of a project into a folder, with changed parameters; what was finished there stays."""
    prepare(root, folder)
    params = yaml.safe_load((root / paths.PARAMS).read_text(encoding="utf-8"))
    (folder / paths.PARAMS).write_text(yaml.safe_dump(merged(params, change), sort_keys=False), encoding="utf-8")
    return folder
