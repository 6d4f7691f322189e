"""A server as a subprocess on loopback: started, waited for, stopped for sure."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 60.0
"""Seconds that a server may take to come up or to go down."""


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], port: int, *, cwd: Path, env: Mapping[str, str], http: bool = True
) -> Iterator[None]:
    """Run a server in a process group of its own while the block lasts; begin when it answers on its port.

    http: whether an HTTP answer is waited for, or just a connection. Raises RuntimeError with what it printed when it
    does not come up.
    """
    with tempfile.TemporaryFile() as out:
        server = subprocess.Popen(
            command, cwd=cwd, env=dict(env), stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            end = time.monotonic() + PATIENCE
            while not _answers(port, http):
                if time.monotonic() > end or server.poll() is not None:
                    out.seek(0)
                    raise RuntimeError(f"{command[0]} does not answer:\n{out.read().decode(errors='replace')[-4000:]}")
                time.sleep(0.05)
            yield
        finally:
            _stop(server)


def _answers(port: int, http: bool) -> bool:
    try:
        if not http:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return True
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(f"http://127.0.0.1:{port}", timeout=5).close()
    except urllib.error.HTTPError:
        return True  # an answer too
    except OSError:
        return False
    return True


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server and the processes it started, politely and then not."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(server.pid, how)
        with suppress(subprocess.TimeoutExpired):
            server.wait(PATIENCE / 4)
