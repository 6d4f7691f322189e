"""DVC remotes on loopback: WebDAV, SSH and S3, each a real server over a folder."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PARTS = Path(__file__).parent.parent.parent / ".parts" / "servers" / "bin"
"""In an environment of their own: their pins are not ours."""

PATIENCE = 60.0
"""Seconds that a server may take to come up."""

PROGRAMS = {"webdav": ("wsgidav",), "ssh": ("sshd", "ssh-keygen"), "s3": ("rclone",)}

SSHD = """
ListenAddress 127.0.0.1:{port}
HostKey {scratch}/host
AuthorizedKeysFile {scratch}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
"""  # StrictModes looks at the folders above the key, and a temporary folder may be anybody's


@dataclass(frozen=True)
class Remote:
    """What DVC needs of a remote: its URL, what `dvc remote modify` sets, and credentials, for the environment only."""

    url: str
    options: Mapping[str, str] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)


def missing(name: str) -> str | None:
    """Return why a server cannot be started here, None where it can."""
    absent = [program for program in PROGRAMS[name] if _find(program) is None]
    return f"no {' and no '.join(absent)} on this machine (bash scripts/parts.sh)" if absent else None


@contextmanager
def webdav(root: Path) -> Iterator[Remote]:
    """Serve a folder over WebDAV, to everybody."""
    (root / "dvc").mkdir(parents=True, exist_ok=True)  # DVC makes the folders below, but a missing base is a 409
    with _scratch() as (scratch, port):
        command = ["wsgidav", "--host=127.0.0.1", f"--port={port}", f"--root={root}", "--auth=anonymous", "--no-config"]
        with _serving(command, scratch, port):
            yield Remote(f"webdav://127.0.0.1:{port}/dvc")


@contextmanager
def ssh(root: Path) -> Iterator[Remote]:
    """Let this user in by SFTP with a key made for the occasion."""
    root.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd as root starts nowhere without; Debian's service would make it
    with _scratch() as (scratch, port):
        for key in ("host", "user"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{scratch}/{key}")
        (scratch / "sshd_config").write_text(SSHD.format(port=port, scratch=scratch))
        with _serving(["sshd", "-D", "-e", "-f", f"{scratch}/sshd_config"], scratch, port):
            url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{root.resolve()}/dvc"
            yield Remote(url, {"keyfile": f"{scratch}/user"})


@contextmanager
def s3(root: Path) -> Iterator[Remote]:
    """Serve a folder over S3; the folders in it are the buckets."""
    (root / "bucket").mkdir(parents=True, exist_ok=True)
    key, secret = "paletteot-key", "paletteot-secret"  # rclone refuses short ones
    with _scratch() as (scratch, port):
        command = [
            "rclone", "serve", "s3", f"--addr=127.0.0.1:{port}", f"--auth-key={key},{secret}", "--config=/dev/null",
            f"--cache-dir={scratch}", "--dir-cache-time=1ms", str(root),
        ]  # fmt: skip  # it would serve a changed file at its old length for five minutes; with 0 it spins and hangs
        with _serving(command, scratch, port):
            credentials = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}
            yield Remote("s3://bucket/dvc", {"endpointurl": f"http://127.0.0.1:{port}"}, credentials)


def _find(program: str) -> str | None:
    path = os.pathsep.join([str(PARTS), os.environ.get("PATH", os.defpath), "/usr/sbin"])
    return shutil.which(program, path=path)


@contextmanager
def _scratch() -> Iterator[tuple[Path, int]]:
    """Give a temporary folder, and a port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="server-") as scratch:
        yield Path(scratch), port


def _run(program: str, *arguments: str) -> None:
    subprocess.run([str(_find(program)), *arguments], check=True, timeout=PATIENCE)


@contextmanager
def _serving(command: Sequence[str], scratch: Path, port: int) -> Iterator[None]:
    """Run a server from when it answers at its port until the end of the block."""
    log = scratch / "log"
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(scratch)}
    with log.open("wb") as out:
        server = psutil.Popen(
            [str(_find(command[0])), *command[1:]], cwd=scratch, env=environment,
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        _wait(server, port, log)
        yield
    finally:
        _stop(server)


def _wait(server: psutil.Popen, port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"no answer at port {port}:\n{log.read_text(errors='replace')[-4000:]}")


def _stop(server: psutil.Popen) -> None:
    """End a server and its children: sshd has one for each connection, in a process group of its own."""
    family = [*server.children(recursive=True), server] if server.poll() is None else []
    for how in ("terminate", "kill"):
        for process in family:
            with suppress(psutil.NoSuchProcess):
                getattr(process, how)()
        _, family = psutil.wait_procs(family, timeout=5)
