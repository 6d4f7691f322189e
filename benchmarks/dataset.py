"""Time verifying and loading a release: `python benchmarks/dataset.py` after `dvc repro`.

With --stages the stages up to the plans run once more in a scratch workspace (ten minutes): the card's CPU-hours.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import datasets
import polars as pl
from record import machine, write_section

import paletteot
from paletteot import engine
from paletteot.dataset import sources, verify
from paletteot.project import paths

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
import workspace

RUNS = 5
TEST = ("test_seen", "test_unseen")
STAGES = ("images", "palettes", "pairs", "plans")


def median(task: Callable[[], object]) -> tuple[float, float, float]:
    """Return the median, least and largest seconds of several runs, after one that compiles and warms the disk."""
    task()
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        task()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), min(seconds), max(seconds)


def load() -> None:
    for split in TEST:
        plans = paletteot.load(split, source=paths.RELEASE)
        assert len(plans.g) == len(plans.batch())


def load_with_datasets(cache: str) -> None:
    for split in TEST:
        plans = datasets.load_dataset(str(paths.RELEASE), "plans", split=split, cache_dir=cache)
        plans.with_format("arrow")[:]["g"].combine_chunks().flatten().to_numpy()


def load_with_polars() -> None:
    for split in TEST:
        shards = sorted((paths.RELEASE / "plans").glob(f"{split}-*.parquet"))
        pl.scan_parquet(shards, glob=False).select("g").collect()["g"].to_numpy()


def stages() -> list[str]:
    """Run the data stages in a scratch workspace and return a row for each, and the speed of the plans."""
    lines = ["", "| stage | CPU-hours | seconds |", "|---|---|---|"]
    total, seconds = 0.0, {}
    with TemporaryDirectory() as temporary:
        folder = workspace.make(Path(temporary) / "stages", {})
        for stage in STAGES:
            before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            command = [sys.executable, "-m", "paletteot.stages", stage]
            subprocess.run(command, cwd=folder, env=workspace.environment(), check=True)
            after, seconds[stage] = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begun
            hours = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 3600
            total += hours
            lines.append(f"| {stage} | {hours:.3f} | {seconds[stage]:.0f} |")
        plans = plans_in(folder / paths.PLANS)
    lines.append(f"| all | {total:.2f} | {sum(seconds.values()):.0f} |")
    speed = f"{plans / seconds['plans']:.0f} plans/s** (target: 800)"
    return [*lines, "", f"The plans stage, start and cold counts of the evaluation pairs included: **{speed}."]


def plans_in(folder: Path) -> int:
    """Return how many plans a folder of shards holds."""
    return int(pl.scan_parquet(sorted(folder.glob("*.parquet")), glob=False).select(pl.len()).collect().item())


def main() -> None:
    release = sources.release(paths.RELEASE)
    threads, plans = engine.cores(0), plans_in(paths.PLANS)
    with TemporaryDirectory() as cache:
        rows = {
            f"`paletteot verify`: every check, {plans} plans": median(lambda: verify.verify(release, threads=threads)),
            "`paletteot.load`: the test rows, checksums included": median(load),
            "`datasets.load_dataset` from its cache: the test rows": median(lambda: load_with_datasets(cache)),
            "`polars.scan_parquet`: g of the test rows, nothing checked": median(load_with_polars),
        }
    lines = [f"{threads} threads; {RUNS} runs each, after one to warm up.", ""]
    lines += ["| what | median s | least | largest |", "|---|---|---|---|"]
    lines += [f"| {name} | {mid:.2f} | {low:.2f} | {high:.2f} |" for name, (mid, low, high) in rows.items()]
    if "--stages" in sys.argv:
        lines += stages()
    write_section("dataset", "The data set", "python benchmarks/dataset.py --stages", [*lines, "", machine()])


if __name__ == "__main__":
    main()
