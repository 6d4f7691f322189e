"""Code from outside the package: asked across a wall, in processes of its own that know no credentials.

What runs there answers one kind of question and nothing else, so whatever it patches, prints or writes decides no
count: the referee counts and times in its own process, from the potentials that come back. What it starts belongs to
it: its time, memory and processors count together, it all stands still between two questions and ends at the last. With
a sandbox (`sandbox`) it sees neither files nor network; without one both are open to it as they are to you.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from paletteot.guests import copies, sandbox, supervisor, tree, wire
from paletteot.guests.child import ERROR, NONCE, Order, Task
from paletteot.guests.code import Code
from paletteot.guests.copies import Copy
from paletteot.guests.mode import Mode
from paletteot.guests.relay import Relay, Shown, printable
from paletteot.guests.sandbox import Sandbox
from paletteot.guests.watch import Watch
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


@dataclass(frozen=True)
class Limits:
    """What code from outside may use.

    seconds: for one answer. memory: GB, of all its processes together, 0 for any. startup: seconds for being made; None
    for those of an answer. sandbox: whether it runs in one.
    """

    seconds: float = 300.0
    memory: float = 8.0
    startup: float | None = None
    sandbox: Mode = Mode.AUTO


USUAL = Limits()


@dataclass(frozen=True)
class Spent:
    """What the last answer took.

    seconds: from asking to the answer. cpu_seconds: processor time of all its processes meanwhile, None where it cannot
    be seen. strayed: whether a thread was seen that may run elsewhere than on its processor.
    """

    seconds: float
    cpu_seconds: float | None
    strayed: bool


class Outsider:
    """Code from outside, in processes of its own that answer questions of one task.

    code: what runs; a `Copy` of it is taken where it is none. task: which questions. weights: the file that a
    contestant reads. cpu: the processor that it must stay on, None for any. Making it and asking it raise NoAnswerError
    when it fails to answer, and HungError when it takes too long; asked again after that, it begins anew. Making it
    raises DataError where what runs is no longer what was hashed, and ParamsError where a sandbox is required and there
    is none.
    """

    def __init__(
        self, code: Code | Copy, task: Task, limits: Limits, *, weights: Path | None = None, cpu: int | None = None
    ) -> None:
        self.copy = code if isinstance(code, Copy) else copies.take(code, weights)
        self.code, self.task, self.limits, self.cpu = self.copy.code, task, limits, cpu
        self.sandbox = sandbox.find(Mode.NONE if self.code.is_ours else limits.sandbox)  # ours keeps what it compiles
        self.spent: Spent | None = None
        self._shown = Shown()
        self.who = self.begin()

    @property
    def alive(self) -> bool:
        """Whether its process can be asked."""
        return self._end.alive

    @property
    def pids(self) -> list[int]:
        """Its processes, itself and all that it started, as far as they can be seen."""
        return [one.pid for one in tree.below(self._process.pid)]

    def ask(
        self, question: Mapping[str, NDArray[Any]], *,
        most: int, words: Mapping[str, str | None] | None = None, seconds: float | None = None,
    ) -> dict[str, NDArray[Any]]:  # fmt: skip
        """Return its answer to a question, field by field, with whatever dtypes and shapes it has.

        most: bytes that an answer may have. words: what is told beside the numbers. seconds: None for the limit's.
        """
        if not self.alive:
            self.begin()
        self._watch.strayed = False
        tree.thaw(self._process.pid, self._watch.look())
        cpu, wall = self._watch.cpu_seconds, time.perf_counter()
        try:
            _, answer = self._exchange(words or {}, question, most=most + wire.HEAD, seconds=seconds)
        finally:
            took = time.perf_counter() - wall
            self._freeze()
        if self._watch.why:  # seen at the last look
            raise self.failed(self._watch.why)
        then = self._watch.cpu_seconds
        self.spent = Spent(took, None if cpu is None or then is None else then - cpu, self._watch.strayed)
        return answer

    def close(self) -> None:
        """End its process and all that it started."""
        self._end()

    def begin(self) -> Mapping[str, str | None]:
        """Start the process and return who it says it is."""
        copies.verify(self.copy)
        ours, theirs = socket.socketpair()
        scratch = Path(tempfile.mkdtemp(dir=self.copy.folder))
        with theirs, _pinned(self.cpu):
            process = subprocess.Popen(
                self._command(theirs.fileno(), scratch, nonce := secrets.token_hex(8)),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=scratch,
                env=environment(self.sandbox), pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        assert process.stdout is not None
        self._process, self._channel = process, ours
        self._watch = Watch(process.pid, self.cpu, int(self.limits.memory * 1e9))
        relay = Relay(process.stdout, self.code.label, self._shown)
        self._end = weakref.finalize(self, _end, process, ours, relay, self._watch, scratch)
        who, _ = self._exchange(None, {}, most=0, seconds=self.limits.startup, nonce=nonce)
        self._freeze()
        return who

    def _command(self, channel: int, scratch: Path, nonce: str) -> list[str]:
        """Return what is run: in a sandbox where there is one, below a supervisor elsewhere on Linux."""
        box = self.sandbox.program
        place, weights = sandbox.inside(self.copy) if box else (self.code.place, self.copy.weights)
        order = Order(
            task=self.task, place=place, attribute=self.code.attribute, weights=weights, channel=channel,
            memory=int(self.limits.memory * 1e9), nonce=nonce,
        )  # fmt: skip
        python = [sys.executable, "-P", "-m", "paletteot.guests.child", order.model_dump_json()]
        if box:
            return [*sandbox.command(box, self.copy, scratch, project=Path.cwd(), home=_home()), *python]
        if tree.LINUX:
            above = [supervisor.__file__, str(os.getpid()), str(channel)]
            return [sys.executable, "-I", "-S", *above, *python]
        return python

    def _exchange(
        self, words: Mapping[str, str | None] | None, question: Mapping[str, NDArray[Any]], *,
        most: int, seconds: float | None, nonce: str = "",
    ) -> tuple[Mapping[str, str | None], dict[str, NDArray[Any]]]:  # fmt: skip
        """Send a question, if there is one, and return the answer; whatever prevents one ends the process.

        The answer must carry what only this question told, nonce where there is none: so it is to this one.
        """
        allowed = self.limits.seconds if seconds is None else seconds
        deadline, nonce = time.monotonic() + allowed, nonce or secrets.token_hex(8)
        try:
            with self._watch.looking():
                if words is not None:
                    self._channel.settimeout(allowed)
                    wire.send(self._channel, {**words, NONCE: nonce}, question)
                told, answer = wire.receive(self._channel, most=most, deadline=deadline)
        except TimeoutError:
            self.close()
            raise HungError(self.code.label, f"it did not answer within {allowed:g} s") from None
        except (EOFError, OSError):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            ending = f"its process {_ending(self._process.returncode, self.sandbox)} instead of answering"
            raise self.failed(self._watch.why or ending) from None
        except wire.WireError as error:
            raise self.failed(f"it sent something that is no answer: {printable(str(error))}") from None
        if told.get(NONCE) != nonce:
            raise self.failed("it sent something that is no answer: it is to no question or to another one")
        if (error_told := told.get(ERROR)) is not None:
            raise NoAnswerError(self.code.label, printable(error_told))
        return told, answer

    def _freeze(self) -> None:
        """Stop all that it is until the next question: what it would do meanwhile is in nobody's time."""
        if self.alive:
            tree.freeze(self._process.pid, self._watch.look())

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


def environment(box: Sandbox) -> dict[str, str]:
    """Return the environment of a guest: how to find Python's packages, one thread, and no credentials."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    if box.program:
        kept |= {"HOME": "/tmp", "TMPDIR": "/tmp"}
    folders = [os.path.abspath(one) for one in sys.path if one]  # noqa: PTH100
    return {**kept, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(folders), "PYTHONUNBUFFERED": "1"}


def _home() -> Path:
    try:
        return Path.home().absolute()
    except RuntimeError:  # this user has none
        return Path("/root")


def _ending(code: int | None, box: Sandbox) -> str:
    if code is None:
        return "fell silent"
    if box.program and code > 128:  # as the sandbox says it
        code = 128 - code
    return f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with exit code {code}"


def _end(process: subprocess.Popen[bytes], channel: socket.socket, relay: Relay, watch: Watch, scratch: Path) -> None:
    watch.close()
    channel.close()
    if process.poll() is None:
        tree.end(process.pid, watch.known)
    else:
        tree.kill(watch.known)
    process.wait()
    relay.join(1)  # what escaped without a sandbox may hold the pipe
    shutil.rmtree(scratch, ignore_errors=True)
