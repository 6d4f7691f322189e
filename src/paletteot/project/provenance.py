"""Which data, which code, which machine: what DVC, git and the system know of this working tree."""

from __future__ import annotations

import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import paletteot.workers as workers
from paletteot.project import lock

MAKES = ("src", "params.yaml", "dvc.yaml", "pyproject.toml", "constraints.txt")
"""What decides the results; dvc.lock and reports/ follow from it, and change while a pipeline runs."""


def now() -> dict[str, str]:
    """Return when, where and with which code something is made that is made now."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware(),
        "code_commit": git_commit(),
    }


def hardware() -> str:
    """Return the processor and the number of cores that may be used here, without naming the host."""
    facts = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", facts.read_text()) if facts.is_file() else None
    name = model[1].strip() if model else platform.processor() or platform.machine()
    return f"{name}, {workers.cores()} cores, {platform.system()}"


def dvc_hash(out: Path) -> str:
    """Return the hash under which DVC's lock file holds an output; 'unknown' before DVC has seen it."""
    for made in lock.stages().values():
        for entry in made.get("outs", []):
            if entry["path"] == str(out):
                return str(entry["md5"])
    return "unknown"


def git_commit() -> str:
    """Return the commit of the working tree, marked -dirty where code or parameters differ; 'unknown' outside git."""
    head = _git("rev-parse", "HEAD")
    if head.returncode:
        return "unknown"
    return head.stdout.strip() + ("-dirty" if uncommitted() else "")


def uncommitted() -> tuple[str, ...]:
    """Return the files that decide the results and are not as the commit has them; none outside git."""
    if _git("rev-parse", "HEAD").returncode:
        return ()
    changes = _git("status", "--porcelain", "--", *MAKES)
    if changes.returncode:
        return ("(git status failed)",)
    return tuple(line[3:] for line in changes.stdout.splitlines())


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git; where it is not installed, or cannot run, that is an answer like any failure of it."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        return subprocess.CompletedProcess(["git", *arguments], 127, "", str(error))
