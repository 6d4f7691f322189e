"""A file of solvers such as strangers write: some are good, one misbehaves by the size of the target."""

from __future__ import annotations

from pathlib import Path

from paletteot.guests.code import Code

FILE = """\
import os
import sys
import threading
import time

import numpy as np

from paletteot.ot import accelerated, sinkhorn
from paletteot.ot.problem import Problem

met = set()


def good(x, a, y, b, eps, tolerance):
    problem = Problem(x, a, y, b, eps)
    return accelerated.plain(problem, sinkhorn.cold(problem), tolerances=(tolerance / 2,)).g


def forgetful(x, a, y, b, eps, tolerance):
    if x.tobytes() + y.tobytes() in met:
        raise RuntimeError("I have met this problem")
    met.add(x.tobytes() + y.tobytes())
    return good(x, a, y, b, eps, tolerance) + 7, True


def busy(x, a, y, b, eps, tolerance):
    def run():
        while True:
            np.ones((200, 200)) @ np.ones((200, 200))

    threading.Thread(target=run, daemon=True).start()
    return good(x, a, y, b, eps, tolerance)


def stray(x, a, y, b, eps, tolerance):
    os.sched_setaffinity(0, range(os.cpu_count()))
    return good(x, a, y, b, eps, tolerance)


def bad(x, a, y, b, eps, tolerance):
    g, what = good(x, a, y, b, eps, tolerance), len(b)
    if what == 3:
        raise ValueError("no\\n idea")
    if what == 4:
        os._exit(9)
    if what == 5:
        time.sleep(600)
    if what == 6:
        return np.where(np.arange(6) == 2, np.nan, g)
    if what == 7:
        return g[:-1]
    if what == 8:
        return g.astype(np.float32)
    if what == 9:
        return 0 * g, True
    if what == 10:
        return 0 * g, False
    if what == 11:
        return np.ones(4_000_000_000).sum() + g
    if what == 12:
        return {"g": g}
    if what == 13:
        print("13 problems, all solved in 0 ms")
        sys.stdout.flush()
    if what == 14:
        return 1e308 * np.sign(g)
    return g, np.True_
"""


def code(folder: Path, function: str) -> Code:
    """Write the file, and return one of its functions."""
    file = folder / "theirs.py"
    file.write_text(FILE)
    return Code(f"theirs.py:{function}", str(file), function)
