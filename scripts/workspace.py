"""Scratch workspaces of this repository (`paletteot.project.workspace`)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import paletteot.project.workspace as workspaces
from paletteot.project.workspace import dvc, environment

__all__ = ["ROOT", "dvc", "environment", "make"]

ROOT = Path(__file__).resolve().parent.parent


def make(folder: Path, change: Mapping[str, Any]) -> Path:
    """Put the pipeline with changed parameters into a folder; what an earlier run finished there stays."""
    return workspaces.make(ROOT, folder, change)
