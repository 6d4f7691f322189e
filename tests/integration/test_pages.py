"""DVC's plots in a real browser without a network."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

import workspace
from tests.integration import browser

ROOT = Path(__file__).parent.parent.parent

pytestmark = browser.needed


def dom(page: Path, profile: Path) -> str:
    flags = (*browser.FLAGS, "--headless", "--virtual-time-budget=8000", f"--user-data-dir={profile}", "--dump-dom")
    command = [str(browser.BROWSER), *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def test_dvc_plots_are_drawn_offline(tmp_path):
    done = workspace.dvc(ROOT, "plots", "show", "--out", str(tmp_path / "plots"), capture_output=True)
    assert done.returncode == 0, done.stderr
    page = tmp_path / "plots" / "index.html"
    assert "cdn.jsdelivr.net" not in page.read_text().split("<body>")[1]
    drawn = re.findall(r'<(?:svg|canvas)[^>]*class="marks"', dom(page, tmp_path / "profile"))
    assert len(drawn) == len(yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"])
