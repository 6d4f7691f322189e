"""DVC's plots in a real browser without a network."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

import workspace

ROOT = Path(__file__).parent.parent.parent
BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--virtual-time-budget=8000",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)


def dom(page: Path, profile: Path) -> str:
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def test_dvc_plots_are_drawn_offline(tmp_path):
    done = workspace.dvc(ROOT, "plots", "show", "--out", str(tmp_path / "plots"), capture_output=True)
    assert done.returncode == 0, done.stderr
    page = tmp_path / "plots" / "index.html"
    assert "cdn.jsdelivr.net" not in page.read_text().split("<body>")[1]
    drawn = re.findall(r'<(?:svg|canvas)[^>]*class="marks"', dom(page, tmp_path / "profile"))
    assert len(drawn) == len(yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"])
