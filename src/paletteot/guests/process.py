"""Code from outside the package: asked across a wall, in a process of its own that knows no credentials.

What runs there answers one kind of question and nothing else, so whatever it patches, prints or writes decides no
count: the referee counts and times in its own process, from the potentials that come back. The wall stops accidents and
honest mistakes, and keeps credentials out of its environment. It is no sandbox: files and the network are open to that
process as they are to you.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO, Any

from numpy.typing import NDArray

from paletteot.guests import wire
from paletteot.guests.child import ERROR, Order, Task
from paletteot.guests.code import Code
from paletteot.warmstarts.contract import HungError, NoAnswerError

KEPT = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "VIRTUAL_ENV", "CONDA_PREFIX",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NUMBA_CACHE_DIR",
)  # fmt: skip
"""What the process is told of this one's environment: names that hold no secrets, and nothing else."""

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS", "POLARS_MAX_THREADS",
    ),
    "1",
)  # fmt: skip
"""As every contestant in the pipeline has."""

PRINTED = 500
"""Characters of a line that it prints which are shown at a time."""


@dataclass(frozen=True)
class Limits:
    """What code from outside may use.

    seconds: for one answer. memory: GB, 0 for any. startup: seconds for being made; None for those of an answer.
    """

    seconds: float = 300.0
    memory: float = 8.0
    startup: float | None = None


USUAL = Limits()


class Outsider:
    """Code from outside, in a process of its own that answers questions of one task.

    task: which. weights: the file that a contestant reads. cpu: the processor that it must stay on, None for any.
    Making it and asking it raise NoAnswerError when it fails to answer, and HungError when it takes too long; asked
    again after that, it begins anew.
    """

    def __init__(
        self, code: Code, task: Task, limits: Limits, *, weights: Path | None = None, cpu: int | None = None
    ) -> None:
        self.code, self.task, self.limits, self.weights, self.cpu = code, task, limits, weights, cpu
        self.who = self.begin()

    @property
    def alive(self) -> bool:
        """Whether its process can be asked."""
        return self._end.alive

    @property
    def pid(self) -> int:
        """Its process, which leads the group of all that it starts."""
        return self._process.pid

    def ask(
        self, question: Mapping[str, NDArray[Any]], *,
        most: int, words: Mapping[str, str | None] | None = None, seconds: float | None = None,
    ) -> dict[str, NDArray[Any]]:  # fmt: skip
        """Return its answer to a question, field by field, with whatever dtypes and shapes it has.

        most: bytes that an answer may have. words: what is told beside the numbers. seconds: None for the limit's.
        """
        if not self.alive:
            self.begin()
        _, answer = self._exchange(words or {}, question, most=most + wire.HEAD, seconds=seconds)
        return answer

    def close(self) -> None:
        """End its process and all that it started."""
        self._end()

    def begin(self) -> Mapping[str, str | None]:
        """Start the process and return who it says it is."""
        ours, theirs = socket.socketpair()
        order = Order(
            task=self.task, place=self.code.place, attribute=self.code.attribute, weights=self.weights,
            channel=theirs.fileno(), memory=int(self.limits.memory * 1e9),
        )  # fmt: skip
        with theirs, _pinned(self.cpu):
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "paletteot.guests.child", order.model_dump_json()],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=environment(), pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        assert process.stdout is not None
        self._process, self._channel = process, ours
        relay = Thread(target=_relay, args=(process.stdout, self.code.label), daemon=True)
        relay.start()
        self._end = weakref.finalize(self, _end, process, ours, relay)
        who, _ = self._exchange(None, {}, most=0, seconds=self.limits.startup)
        return who

    def _exchange(
        self, words: Mapping[str, str | None] | None, question: Mapping[str, NDArray[Any]], *,
        most: int, seconds: float | None,
    ) -> tuple[Mapping[str, str | None], dict[str, NDArray[Any]]]:  # fmt: skip
        """Send a question, if there is one, and return the answer; whatever prevents one ends the process."""
        allowed = self.limits.seconds if seconds is None else seconds
        deadline = time.monotonic() + allowed
        try:
            if words is not None:
                self._channel.settimeout(allowed)
                wire.send(self._channel, words, question)
            told, answer = wire.receive(self._channel, most=most, deadline=deadline)
        except TimeoutError:
            self.close()
            raise HungError(self.code.label, f"it did not answer within {allowed:g} s") from None
        except (EOFError, OSError):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            raise self.failed(f"its process {_ending(self._process.returncode)} instead of answering") from None
        except wire.WireError as error:
            raise self.failed(f"it sent something that is no answer: {printable(str(error))}") from None
        if (error_told := told.get(ERROR)) is not None:
            raise NoAnswerError(self.code.label, printable(error_told))
        return told, answer

    def failed(self, what: str) -> NoAnswerError:
        """End its process, and return the error that says why."""
        self.close()
        return NoAnswerError(self.code.label, what)


@contextmanager
def _pinned(cpu: int | None) -> Iterator[None]:
    """Keep this thread on a processor, None for any: a process inherits that before it has a thread of its own."""
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def environment() -> dict[str, str]:
    """Return the environment of a guest: how to find Python's packages, one thread, and no credentials."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUNBUFFERED": "1"}


def printable(text: str) -> str:
    """Return a text from outside as one line that a terminal takes for nothing but text."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _relay(stream: IO[bytes], label: str) -> None:
    """Show what a guest prints on standard error, marked as its own, so that nobody takes it for results."""
    with stream:
        while line := stream.readline(PRINTED):
            print(f"{label} | {printable(line.decode(errors='replace').rstrip())}", file=sys.stderr)


def _ending(code: int | None) -> str:
    if code is None:
        return "fell silent"
    return f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with exit code {code}"


def _end(process: subprocess.Popen[bytes], channel: socket.socket, relay: Thread) -> None:
    channel.close()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    relay.join(1)  # a child of its own that outlives it may hold the pipe
