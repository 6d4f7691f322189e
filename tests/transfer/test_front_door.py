"""`paletteot.transfer` is a function, whatever was imported before: the room of the same name does not hide it."""

from __future__ import annotations

import subprocess
import sys

import pytest

CALL = "found = paletteot.transfer(a, a, k=4).pixels; assert found.shape == (6, 8, 3)\n"
START = "import numpy as np, paletteot\na = np.arange(144, dtype=np.uint8).reshape(6, 8, 3)\n"


@pytest.mark.parametrize("before", ["", "import paletteot.transfer.photo\n", "paletteot.palette(a, 4)\n", CALL])
def test_it_can_be_called_first_and_again(before):
    code = START + before + CALL
    subprocess.run([sys.executable, "-c", code], check=True)
