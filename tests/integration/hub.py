"""Servers on loopback: git repositories as a Hugging Face hub, and a folder over HTTP with byte ranges."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from tests.integration.process import PATIENCE, free_port, running

OLAH = Path(__file__).parent.parent.parent / ".parts" / "olah" / "bin" / "olah-cli"
"""In an environment of its own: its pins are not ours, and imported in-process it would freeze HF_ENDPOINT."""

CONFIG = """
[basic]
host = "127.0.0.1"
port = {port}
mirror-netloc = "127.0.0.1:{port}"
mirror-lfs-netloc = "127.0.0.1:{port}"
repos-path = "{scratch}/repos"
mirrors-path = ["{root}"]
[accessibility]
offline = true
"""


def missing() -> str | None:
    """Return why no hub can be started here, None where one can."""
    return None if OLAH.is_file() else f"no olah at {OLAH} (a virtual environment with the PyPI package olah==0.5.4)"


def publish(root: Path, repo_id: str, folder: Path, tag: str) -> None:
    """Commit the files of a folder, all of them and no others, to ``root/datasets/ORG/NAME`` and tag the commit."""
    repository = root / "datasets" / repo_id
    if not repository.exists():
        _git(root, "init", "--quiet", "--bare", "--initial-branch=main", str(repository))
    here = (f"--git-dir={repository}", "--work-tree=.")
    _git(folder, *here, "add", "--all", "--force", ".")
    _git(folder, *here, "commit", "--quiet", "--allow-empty", f"--message={tag}")
    _git(folder, *here, "tag", tag)


def _git(folder: Path, *arguments: str) -> None:
    user = ("-c", "user.name=PaletteOT", "-c", "user.email=paletteot@localhost")
    subprocess.run(["git", *user, *arguments], cwd=folder, env=_environment(), check=True, timeout=PATIENCE)


def _environment() -> dict[str, str]:
    """Return this environment without anybody's git settings, the repository of a hook that runs us, and PYTHONPATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@contextmanager
def hub(root: Path) -> Iterator[str]:
    """Serve the repositories under ``root/datasets`` as a Hugging Face hub; yields what HF_ENDPOINT is to say."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="olah-") as temporary:
        scratch = Path(temporary)
        config = scratch / "olah.toml"
        config.write_text(CONFIG.format(port=port, scratch=scratch, root=root.resolve()))
        command = [str(OLAH), "--config", str(config), "--log-path", f"{scratch}/logs"]
        with running(command, port, cwd=scratch, env=_environment()):
            yield f"http://127.0.0.1:{port}"


@dataclass
class Ranges:
    """A folder at ``url``, and how many requests were answered with a part of a file."""

    url: str
    parts: int = 0


@contextmanager
def ranges(root: Path) -> Iterator[Ranges]:
    """Serve a folder over HTTP with HEAD and byte ranges, from a thread of this process."""
    files = StaticFiles(directory=root)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Ranges(f"http://127.0.0.1:{listening.getsockname()[1]}")

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            async def counted(message: Message) -> None:
                served.parts += message.get("status") == 206
                await send(message)

            await files(scope, receive, counted)

        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield served  # it listens already: what comes before the loop runs waits in the queue
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
