"""Files of contestants such as strangers write, and packages such as they install."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from paletteot.guests import sandbox, tree
from paletteot.guests.code import Code
from paletteot.guests.mode import Mode

HEAD = """\
import os
import sys
import time

import numpy as np

from paletteot.warmstarts.contract import Start


def cold(problems):
    return -problems.eps * np.log(np.where(problems.b > 0, problems.b, 1.0))


class Theirs:
    name, summary, citation = "theirs", "the cold start", "none"

    def start(self, problems):
"""

DAEMON = """\
import os, time
if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    time.sleep(600)
os.wait()
"""
"""Lines that leave a process with another parent, session and group."""

COLD = "return Start(cold(problems))"


def contestant(folder: Path, start: str = COLD, before: str = "", name: str = "theirs.py") -> Path:
    """Write a file with a class Theirs; start: the body of its method. before: lines before everything else."""
    file = folder / name
    file.write_text(dedent(before) + HEAD + indent(dedent(start).strip(), " " * 8) + "\n")
    return file


def code(folder: Path, start: str = COLD, before: str = "") -> Code:
    return Code("theirs.py:Theirs", str(contestant(folder, start, before)), "Theirs")


def package(folder: Path, points: str = "theirs = their_package.theirs:Theirs", name: str = "their_package") -> Path:
    """Write what pip leaves of a small package with a contestant, and return the folder for sys.path."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    contestant(folder / name)
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[paletteot.warm_starts]\n{points}\n")
    return folder


def wall(mode: Mode) -> Mode:
    """Return a mode, or skip where that would be a sandbox and there is none."""
    found = sandbox.find(Mode.AUTO)
    if mode != Mode.NONE and not found.program:
        if os.environ.get("PALETTEOT_SANDBOX") == "required":
            pytest.fail(str(found))
        pytest.skip(str(found))
    return mode


def left(pids: Iterable[int]) -> list[int]:
    """Return which processes are alive still, ten seconds later at the latest."""
    for _ in range(200):
        alive = [one.pid for one in map(tree.read, pids) if one is not None and not one.ended]
        if not alive:
            break
        time.sleep(0.05)
    return alive
