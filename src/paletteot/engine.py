"""Where independent work runs: worker processes with one thread each, chunk by chunk, resumable."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import polars as pl
from filelock import FileLock, Timeout
from tqdm import tqdm

import paletteot.chunks as parts
import paletteot.workers as crew
from paletteot.errors import BusyError
from paletteot.files import sha256

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


STALE = 7 * 24 * 3600.0
"""Seconds after which unfinished work that nobody goes on with is removed."""

_held: dict[Path, FileLock] = {}
"""Locks of the unfinished work that is this process's, until that is finished or the process ends."""


def partial_folder(stage: str, key: str) -> Path:
    """Return the folder for a stage's unfinished work, which is this process's alone until it forgets it or ends.

    It lies outside the outputs, which DVC owns, so that a killed run finds its finished chunks again. What other inputs
    left there goes when nobody works on it and nothing was added for a week. Raises BusyError when another process
    works on the same.
    """
    root = Path(".partial") / stage
    folder = root / key
    if (place := folder.absolute()) not in _held:
        _held[place] = _lock(folder)
    folder.mkdir(exist_ok=True)
    for other in root.iterdir():
        if other != folder and other.is_dir():
            with suppress(BusyError, FileNotFoundError):  # another process works on it, or just finished it
                if time.time() - _touched(other) > STALE:
                    _drop(other, _lock(other))
    return folder


def forget(folder: Path) -> None:
    """Remove unfinished work that has been finished, and the folders that it leaves empty."""
    _drop(folder, _held.pop(folder.absolute()))
    for parent in list(folder.parents)[:2]:
        with suppress(OSError):  # something else is there
            parent.rmdir()


def _drop(folder: Path, lock: FileLock) -> None:
    shutil.rmtree(folder)
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _lock(folder: Path) -> FileLock:
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    while not lock.is_locked:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except FileNotFoundError:
            continue  # another process, which is done, removed the folder that it left empty
        except Timeout:
            raise BusyError(
                f"{folder}: another process is making the same just now; wait for it, or end it and run again"
            ) from None
    return lock


def _touched(folder: Path) -> float:
    """Return when something was last added to a folder."""
    return max(one.stat().st_mtime for one in [folder, *folder.rglob("*")])


def cores(workers: int) -> int:
    """Return the number of worker processes that a parameter of 0, as many as there are cores for, or more asks for."""
    return workers or crew.cores()


def run(
    task: Callable[[Chunk], pl.DataFrame], chunks: Sequence[Chunk], *, folder: Path, workers: int, label: str
) -> list[Path]:
    """Run a task on every chunk and return the file of each, in order, for `collect`.

    task: picklable, returns the chunk's rows. folder: where finished chunks lie, named by its key; those found there
    are not run again. workers: processes, 0 for one per core, each with one BLAS thread. label: what the progress bar
    calls the work. An exception of a task ends the run; finished chunks stay.
    """
    questions = [
        parts.question(folder.as_posix(), _name(task), str(number), crew.digest(chunk))
        for number, chunk in enumerate(chunks)
    ]
    files = parts.found(folder, questions)
    todo = [(number, questions[number], chunk) for number, chunk in enumerate(chunks) if number not in files]
    processes = min(cores(workers), max(len(todo), 1))
    bar = tqdm(
        total=len(chunks), initial=len(files), desc=label, unit="chunk", file=sys.stderr,
        mininterval=0.5 if sys.stderr.isatty() else 10, dynamic_ncols=True,
    )  # fmt: skip
    try:
        with bar:
            for number, file in crew.answers(partial(_finish, task, folder), todo, processes):
                files[number] = file
                bar.update()
    except KeyboardInterrupt as stop:
        finished = len(parts.found(folder, questions))  # more than were heard of, where a worker was just done
        stop.args = (f"{finished} of {len(chunks)} chunks of {label} are finished",)
        raise
    return [files[number] for number in range(len(chunks))]


def collect(files: Sequence[Path]) -> pl.DataFrame:
    """Return the rows of finished chunks, in order; raises DataError where they are not what was written."""
    return pl.concat([parts.read(file) for file in files])


def spans(total: int, size: int) -> list[tuple[int, int]]:
    """Cut ``range(total)`` into consecutive (start, stop) of at most ``size``."""
    return [(start, min(start + size, total)) for start in range(0, total, size)]


def _name(task: Callable[[Chunk], pl.DataFrame]) -> str:
    """Return which function a task is; what it is given beside the chunk is in the key of the folder."""
    while isinstance(task, partial):
        task = task.func
    return f"{task.__module__}.{task.__qualname__}"


def _finish(task: Callable[[Chunk], pl.DataFrame], folder: Path, asked: tuple[int, str, Chunk]) -> tuple[int, Path]:
    number, question, chunk = asked
    return number, parts.write(folder, number, question, task(chunk))
