"""Time a label and a cold count by the CPU that numba compiles for: `python benchmarks/labels.py` after `make data`.

One thread. `--against CHECKOUT` times the code of another checkout beside this one's, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

HERE = Path(__file__).resolve().parent
PROBLEMS = 200
ROUNDS = 3
CPUS = ("", "haswell", "generic")
WHAT = ("label", "cold")
NAMES = {"": "this CPU", "haswell": "AVX2 (haswell)", "generic": "plain x86-64 (generic)"}


def work() -> None:
    """Print the milliseconds that a label and a cold count take, the mean over problems of the least of three."""
    from paletteot.ot import exact, sinkhorn
    from paletteot.ot.problem import Problem

    palettes, pairs = pl.read_parquet("data/palettes.parquet"), pl.read_parquet("data/pairs.parquet")
    rows = {name: row for row, name in enumerate(palettes["image_id"])}
    x, a = palettes["centroids"].to_numpy(), palettes["weights"].to_numpy()
    asked = pairs.filter(pl.col("split") == "test_unseen").head(PROBLEMS).select("source", "target").rows()
    problems = [Problem(x[rows[i]], a[rows[i]], x[rows[j]], a[rows[j]], 0.1) for i, j in asked]
    found = {}
    for name, solve in zip(WHAT, (exact.solve, sinkhorn.reference), strict=True):
        solve(problems[0])
        least = [min(_seconds(solve, problem) for _ in range(3)) for problem in problems]
        found[name] = 1e3 * float(np.mean(least))
    print(json.dumps(found))


def _seconds(solve: object, problem: object) -> float:
    begun = time.thread_time()
    solve(problem)  # type: ignore[operator]
    return time.thread_time() - begun


def timed(source: Path, cpu: str, cache: str) -> dict[str, float]:
    """Return what `work` prints in a process of its own, with the package of a source folder, compiled for a CPU."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    numba = {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": ""} if cpu else {}
    environment = {**known, **numba, "NUMBA_CACHE_DIR": f"{cache}/{cpu}", "PYTHONPATH": str(source)}
    command = [sys.executable, str(HERE / "labels.py"), "--work"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout of this repository")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        return work()
    from record import machine, write_section

    sources = {"now": HERE.parent / "src"} | ({"before": asked.against.resolve() / "src"} if asked.against else {})
    titles = [
        "compiled for",
        "ms a label",
        "ms a cold count",
        *(["label / before", "cold / before"] * (len(sources) - 1)),
    ]
    lines = [f"| {' | '.join(titles)} |", "|---" * len(titles) + "|"]
    with tempfile.TemporaryDirectory() as folder:
        for cpu in CPUS:
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in sources}
            for _ in range(ROUNDS):
                for name, source in sources.items():
                    runs[name].append(timed(source, cpu, f"{folder}/{name}"))
            now, *before = (
                {what: statistics.median(run[what] for run in found) for what in WHAT} for found in runs.values()
            )
            cells = [f"{now[what]:.2f}" for what in WHAT] + [
                f"{now[what] / one[what]:.3f}" for one in before for what in WHAT
            ]
            lines.append(f"| {NAMES[cpu]} | {' | '.join(cells)} |")
    note = f"{PROBLEMS} problems of `test_unseen`: mean of the least of 3, median of {ROUNDS} alternating runs."
    command = "python benchmarks/labels.py" + (" --against CHECKOUT" if asked.against else "")
    write_section("labels", "A label", command, [note, "", *lines, "", machine()])
    return None


if __name__ == "__main__":
    main()
