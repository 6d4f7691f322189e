"""Worker processes: as many as there is processor time for, each with one thread, none of which outlives its parent."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from threading import Thread
from typing import TypeVar

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from paletteot.errors import WorkerError

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*joblib will operate in serial mode")  # what we say ourselves
    import joblib
    from joblib.parallel import BACKENDS

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

BEAT = 0.5
"""Seconds between looks of a worker at whether its parent is still there."""


def cores() -> int:
    """Return for how many processes there is processor time: cores, affinity and the quota of a container count."""
    return int(joblib.cpu_count())


def digest(value: object) -> str:
    """Return a hash of a picklable value: the same in every process."""
    return str(joblib.hash(value))


def answers(task: Callable[[Asked], Answer], asked: Iterable[Asked], processes: int) -> Iterator[Answer]:
    """Yield what a task answers to each question, in any order, with as many processes side by side and a thread each.

    task: picklable. Where the system grants no semaphores, or for one process, the work is done in this one. Raises
    WorkerError when a worker is ended from outside; an exception of a task ends them all.
    """
    if processes > 1 and "loky" not in BACKENDS:
        tqdm.write("no shared memory for worker processes (/dev/shm): working in one process", file=sys.stderr)
        processes = 1
    if processes == 1:
        for one in asked:
            yield _one_thread(task, one)
        return
    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = joblib.Parallel(n_jobs=processes, return_as="generator_unordered", pre_dispatch="2*n_jobs")
        try:
            yield from parallel(joblib.delayed(_in_worker)(os.getpid(), task, one) for one in asked)
        except BrokenProcessPool:
            raise WorkerError(
                "a worker process was ended from outside, perhaps because memory ran out; run again to go on from what "
                "is finished, with a smaller `workers` in params.yaml where memory is short"
            ) from None


def _in_worker(parent: int, task: Callable[[Asked], Answer], one: Asked) -> Answer:
    _end_with(parent)
    return _one_thread(task, one)


def _one_thread(task: Callable[[Asked], Answer], one: Asked) -> Answer:
    with threadpool_limits(1):  # in the parent joblib's own limit does not reach
        return task(one)


@cache
def _end_with(parent: int) -> None:
    """End this worker soon after its parent, whatever ended that."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(BEAT)
        os._exit(1)

    if hasattr(os, "getppid") and sys.platform != "win32":
        Thread(target=watch, daemon=True).start()
