"""A contestant from outside the package: asked across a wall, in a process of its own that knows no credentials.

What runs there answers `start` and nothing else, so whatever it patches, prints or writes decides no count: the referee
counts in its own process, from the potentials that come back. The wall stops accidents and honest mistakes, and keeps
credentials out of its environment. It is no sandbox: files and the network are open to that process as they are to you.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Thread
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from paletteot.ot.problem import Problems
from paletteot.warmstarts import wire
from paletteot.warmstarts.contract import HungError, NoAnswerError, Start
from paletteot.warmstarts.guest_process import ERROR, READ_ONLY, Order
from paletteot.warmstarts.outside import Code

KEPT = (
    "PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "VIRTUAL_ENV", "CONDA_PREFIX",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "NUMBA_CACHE_DIR",
)  # fmt: skip
"""What the process is told of this one's environment: names that hold no secrets, and nothing else."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
"""As every contestant in the pipeline has."""

PRINTED = 500
"""Characters of a line that it prints which are shown at a time."""

SLACK = 16
"""Times the bytes of a right answer that an answer may have, so that a wrong one can be described."""


@dataclass(frozen=True)
class Limits:
    """What a guest may use: seconds for one answer (or for being made), and memory in GB, 0 for any."""

    seconds: float = 300.0
    memory: float = 8.0


class Guest:
    """A contestant in a process of its own.

    Its name is the one that it gives itself, or the one by which an installed package makes it known. Making it and
    asking it raise NoAnswerError when it fails to answer, and HungError when it takes too long; asked again after that,
    it begins anew.
    """

    def __init__(self, code: Code, weights: Path | None = None, limits: Limits = Limits()) -> None:
        self.code, self.weights, self.limits = code, weights, limits
        who = self._begin()
        self.name = (who.get("name") or "") if code.place.endswith(".py") else code.label
        self.summary, self.citation = who.get("summary") or "", who.get("citation") or ""

    def start(self, problems: Problems) -> Start:
        """Return what it answers, with whatever dtypes and shapes it has; raises NoAnswerError where there is none."""
        if not self._end.alive:
            self._begin()
        question = {field.name: np.asarray(getattr(problems, field.name)) for field in fields(problems)}
        words = {} if problems.x.flags.writeable else {READ_ONLY: ""}
        _, answer = self._exchange(words, question, most=SLACK * (problems.b.nbytes + 16 * len(problems)) + wire.HEAD)
        if not {"g", "iterations"} <= answer.keys():
            raise self._failed("it sent something that is no answer: fields are missing")
        return Start(answer["g"], answer.get("omega"), answer["iterations"])

    def close(self) -> None:
        """End its process and all that it started."""
        self._end()

    def _begin(self) -> Mapping[str, str | None]:
        """Start the process and return who it says it is."""
        ours, theirs = socket.socketpair()
        order = Order(
            place=self.code.place, attribute=self.code.attribute, weights=self.weights, channel=theirs.fileno(),
            memory=int(self.limits.memory * 1e9),
        )  # fmt: skip
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "paletteot.warmstarts.guest_process", order.model_dump_json()],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env=environment(), pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        assert process.stdout is not None
        self._process, self._channel = process, ours
        relay = Thread(target=_relay, args=(process.stdout, self.code.label), daemon=True)
        relay.start()
        self._end = weakref.finalize(self, _end, process, ours, relay)
        who, _ = self._exchange(None, {}, most=0)
        return who

    def _exchange(
        self, words: Mapping[str, str | None] | None, question: Mapping[str, NDArray[Any]], *, most: int
    ) -> tuple[Mapping[str, str | None], dict[str, NDArray[Any]]]:
        """Send a question, if there is one, and return the answer; whatever prevents one ends the process."""
        deadline = time.monotonic() + self.limits.seconds
        try:
            if words is not None:
                self._channel.settimeout(self.limits.seconds)
                wire.send(self._channel, words, question)
            told, answer = wire.receive(self._channel, most=most, deadline=deadline)
        except TimeoutError:
            self.close()
            raise HungError(self.code.label, f"it did not answer within {self.limits.seconds:g} s") from None
        except (EOFError, OSError):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            raise self._failed(f"its process {_ending(self._process.returncode)} instead of answering") from None
        except wire.WireError as error:
            raise self._failed(f"it sent something that is no answer: {printable(str(error))}") from None
        if (error_told := told.get(ERROR)) is not None:
            raise NoAnswerError(self.code.label, printable(error_told))
        return told, answer

    def _failed(self, what: str) -> NoAnswerError:
        self.close()
        return NoAnswerError(self.code.label, what)


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
