from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import polars as pl

import docs

ROOT = Path(__file__).parent.parent


def test_pages_say_what_schema_and_report_say():
    for page, text in docs.pages().items():
        assert page.read_text() == text, f"{page.name}: run `python scripts/docs.py`"
    board = pl.read_csv(ROOT / "reports" / "leaderboard.csv")
    assert board.filter(pl.col("split") == "test_unseen").height >= 4


def test_files_that_it_points_to_are_there():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_python_example_runs_as_written():
    """The first two blocks of "Use it", the second with what the first has."""
    section = (ROOT / "README.md").read_text().partition("## Use it")[2].partition("\n## ")[0]
    first, second = re.findall(r"```python\n(.*?)```", section, re.S)
    check = "\nassert P.shape == (128, 128) and abs(P.sum() - 1) < 1e-8 and solution.marginal_error <= 1e-9\n"
    check += second + "\nassert run.converged.all()\n"
    subprocess.run([sys.executable, "-c", first + check], check=True)
