"""The browser that pages are opened in: without a network, and required where PALETTEOT_BROWSER says so."""

from __future__ import annotations

import os
import shutil

import pytest

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip

needed = pytest.mark.skipif(
    not (BROWSER and DRIVER) and os.environ.get("PALETTEOT_BROWSER") != "required",
    reason="no Chromium with chromedriver on this machine (Debian: apt-get install chromium chromium-driver)",
)
