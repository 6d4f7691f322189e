"""Files of contestants such as strangers write, and packages such as they install."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from paletteot.guests.code import Code

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
