"""Where independent work runs: worker processes with one thread each, chunk by chunk, resumable."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import joblib
import polars as pl
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from paletteot.errors import DataError
from paletteot.files import replacing, sha256
from paletteot.tables import read_parquet

Chunk = TypeVar("Chunk")


def fingerprint(*parts: object) -> str:
    """Return a short hash of values and of the contents of paths: same inputs, same unfinished work.

    A folder counts by the contents of its files; anything that is no path counts by its JSON.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            for file in sorted(part.rglob("*")) if part.is_dir() else [part]:
                if file.is_file() and "__pycache__" not in file.parts:
                    digest.update(f"{file.relative_to(part)} {sha256(file)}\n".encode())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


def partial_folder(stage: str, key: str) -> Path:
    """Return the folder for a stage's unfinished work, free of what other inputs left there.

    It lies outside the outputs, which DVC owns, so that a killed run finds its finished chunks again.
    """
    root = Path(".partial") / stage
    if root.is_dir():
        for stale in root.iterdir():
            if stale.name != key:
                shutil.rmtree(stale)
    (root / key).mkdir(parents=True, exist_ok=True)
    return root / key


def forget(folder: Path) -> None:
    """Remove unfinished work that has been finished, and the folders that it leaves empty."""
    shutil.rmtree(folder)
    for parent in list(folder.parents)[:2]:
        if not any(parent.iterdir()):
            parent.rmdir()


def cores(workers: int) -> int:
    """Return the number of worker processes that a parameter of 0, one per core, or more asks for."""
    if workers:
        return workers
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(
    task: Callable[[Chunk], pl.DataFrame], chunks: Sequence[Chunk], *, folder: Path, workers: int, label: str
) -> list[Path]:
    """Run a task on every chunk and return the Parquet file of each, in order.

    task: picklable, returns the chunk's rows. folder: where finished chunks lie; those found there are not run again.
    workers: processes, 0 for one per core, each with one BLAS thread. label: what the progress bar calls the work.
    An exception of a task ends the run; finished chunks stay.
    """
    files = [folder / f"{number:05d}.parquet" for number in range(len(chunks))]
    todo = [number for number, file in enumerate(files) if not _whole(file)]
    processes = min(cores(workers), max(len(todo), 1))
    bar = tqdm(
        total=len(chunks), initial=len(chunks) - len(todo), desc=label, unit="chunk", file=sys.stderr,
        mininterval=0.5 if sys.stderr.isatty() else 10, dynamic_ncols=True,
    )  # fmt: skip
    with bar, joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = joblib.Parallel(n_jobs=processes, return_as="generator_unordered", pre_dispatch="2*n_jobs")
        for _ in parallel(joblib.delayed(_finish)(task, chunks[number], files[number]) for number in todo):
            bar.update()
    return files


def collect(files: Sequence[Path]) -> pl.DataFrame:
    """Return the rows of finished chunks, in order."""
    return pl.concat([read_parquet(file) for file in files])


def spans(total: int, size: int) -> list[tuple[int, int]]:
    """Cut ``range(total)`` into consecutive (start, stop) of at most ``size``."""
    return [(start, min(start + size, total)) for start in range(0, total, size)]


def _whole(file: Path) -> bool:
    try:
        return file.is_file() and read_parquet(file) is not None
    except DataError:
        return False  # a crash of the machine can cut a renamed file short: do that chunk again


def _finish(task: Callable[[Chunk], pl.DataFrame], chunk: Chunk, file: Path) -> None:
    with threadpool_limits(1):  # with one worker joblib runs here, where its own limit does not reach
        frame = task(chunk)
    with replacing(file) as fresh:
        frame.write_parquet(fresh, compression="uncompressed")
