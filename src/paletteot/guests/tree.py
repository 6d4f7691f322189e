"""A process of Linux and all that descends from it: who they are, what they use, and their end.

Read from /proc with nothing but the standard library: only Linux lets a process keep what its descendants daemonise
(`supervisor`, `sandbox`), so a library for all platforms would find no more elsewhere.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform.startswith("linux")
"""Whether descendants can be seen."""

PAGE, TICK = (os.sysconf("SC_PAGE_SIZE"), 1 / os.sysconf("SC_CLK_TCK")) if LINUX else (4096, 0.01)

ROUNDS = 200
"""How often it is looked for processes that were started while others were being stopped."""

GONE = 5.0
"""Seconds that a killed process may take to be gone: the kernel may be freeing much memory."""


@dataclass(frozen=True)
class Process:
    """A process as it was a moment ago.

    pid, started: which, as numbers are used again. parent: whose child it is. state: T where it is stopped, Z where it
    has ended. waited: seconds of processor time of the children that it waited for. resident: bytes of memory.
    """

    pid: int
    parent: int
    started: int
    state: str
    waited: float
    resident: int

    @property
    def key(self) -> tuple[int, int]:
        """Which process it is, ever."""
        return self.pid, self.started

    @property
    def ended(self) -> bool:
        """Whether nothing is left of it but its number."""
        return self.state in "ZX"


def read(pid: int | str) -> Process | None:
    """Return a process, None where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:  # noqa: PTH123
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    waited = (int(fields[13]) + int(fields[14])) * TICK
    return Process(int(pid), int(fields[1]), int(fields[19]), fields[0].decode(), waited, int(fields[21]) * PAGE)


def below(root: int) -> list[Process]:
    """Return everything that descends from a process, without itself."""
    children: dict[int, list[Process]] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and (one := read(entry.name)) is not None:
            children.setdefault(one.parent, []).append(one)
    found = list(children.get(root, ()))
    for one in found:  # grows meanwhile
        found += children.get(one.pid, ())
    return found


def cpu_seconds(pid: int) -> float:
    """Return the processor time that all threads of a process have used, 0 where it has ended."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # the number that clock_getcpuclockid(3) has for a process
    except OSError:
        return 0.0


def proportional(pid: int) -> int | None:
    """Return the bytes of memory of a process, what it shares counted in parts; None where that cannot be seen."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)


def processors(pid: int) -> set[int]:
    """Return the processors that any thread of a process may run on."""
    found = set[int]()
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):  # it has ended
            found |= os.sched_getaffinity(int(task.name))
    return found


def freeze(root: int, seen: list[Process] | None = None) -> None:
    """Stop everything below a process, what is being started meanwhile included.

    seen: what was below it a moment ago, where that is known.
    """
    if not LINUX:
        return _signal_group(root, signal.SIGSTOP)
    for _ in range(ROUNDS):
        awake = [one for one in (below(root) if seen is None else seen) if one.state != "T" and not one.ended]
        if not awake and seen is None:
            return None
        for one in awake:
            _signal(one, signal.SIGSTOP)
        seen = None
    return None


def thaw(root: int, seen: list[Process]) -> None:
    """Let a process, frozen with everything below it, go on; seen: what that is."""
    if not LINUX:
        return _signal_group(root, signal.SIGCONT)
    for one in seen:
        _signal(one, signal.SIGCONT)
    return None


def end(root: int, known: set[tuple[int, int]]) -> None:
    """Kill everything below a process, then the process, and whatever of the known ones is left anywhere.

    known: keys of processes that were seen below it. Returns when all of them are gone.
    """
    if not LINUX:
        return _signal_group(root, signal.SIGKILL)
    freeze(root)
    keys = known | {one.key for one in below(root)}
    for one in _alive(keys):
        _signal(one, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(root, signal.SIGKILL)
    return kill(keys)


def kill(keys: set[tuple[int, int]]) -> None:
    """Kill processes, and return when all of them are gone."""
    deadline = time.monotonic() + GONE
    while (left := _alive(keys)) and time.monotonic() < deadline:
        for one in left:
            _signal(one, signal.SIGKILL)
        time.sleep(0.002)


def _alive(keys: set[tuple[int, int]]) -> list[Process]:
    found = [one for one in map(read, (pid for pid, _ in keys)) if one is not None]
    return [one for one in found if one.key in keys and not one.ended]


def _signal(one: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(one.pid, number)


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
