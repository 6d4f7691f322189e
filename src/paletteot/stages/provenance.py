"""Which data and which code: what DVC and git know of this working tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

MAKES = ("src", "params.yaml", "dvc.yaml", "pyproject.toml", "constraints.txt")
"""What decides the results; dvc.lock and reports/ follow from it, and change while a pipeline runs."""


def dvc_hash(out: Path) -> str:
    """Return the hash under which DVC's lock file holds an output; 'unknown' before DVC has seen it."""
    lock = Path("dvc.lock")
    stages = (yaml.safe_load(lock.read_text()) or {}).get("stages", {}) if lock.is_file() else {}
    for made in stages.values():
        for entry in made.get("outs", []):
            if entry["path"] == str(out):
                return str(entry["md5"])
    return "unknown"


def git_commit() -> str:
    """Return the commit of the working tree, marked -dirty where code or parameters differ; 'unknown' outside git."""
    head = _git("rev-parse", "HEAD")
    if head.returncode:
        return "unknown"
    changes = _git("status", "--porcelain", "--", *MAKES)
    return head.stdout.strip() + ("-dirty" if changes.returncode or changes.stdout.strip() else "")


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
