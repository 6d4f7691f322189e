"""Who stands between the referee and a guest without a sandbox on Linux: whatever the guest starts stays below it.

Run by its path with arguments: the process that asks, the guest's channel, and the guest's command. It takes in what
daemonises itself, and ends all of it with the guest, or when the referee ends, however that ends. It imports nothing of
this package, so that it is there at once.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""Of Linux's prctl: the signal that comes when the parent ends, and whom orphans below become children of."""


def main() -> None:
    """Run the command, wait for it, end what it leaves, and end as it did."""
    asker, channel, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: _stop(128 + signal.SIGTERM))
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != asker:  # it ended before this was said
        return
    guest = os.fork()
    if not guest:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.execv(command[0], command)
    os.close(channel)
    for stream in (1, 2):  # the guest's alone: they end with it
        os.dup2(0, stream)
    ended, status = 0, 0
    while ended != guest:
        ended, status = os.wait()
    _stop(os.waitstatus_to_exitcode(status))


def _stop(code: int) -> None:
    """Kill everything below, and end with an exit code, or by the signal of a negative one."""
    while below := _children():
        for pid in below:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.wait()  # its children are ours then
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), -code)
    os._exit(code)


def _children() -> list[int]:
    """Return the processes whose parent this one is, zombies included."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid():
                found.append(int(stat.parent.name))
    return found


if __name__ == "__main__":
    main()
