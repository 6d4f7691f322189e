"""Packages by the machine's own clients, apt-get and npm: without root, without installing anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from paletteot.errors import DataError
from paletteot.files import replacing, sha256, write_text
from paletteot.images.catalogue import Package
from paletteot.images.reasons import LONGEST, reason

OTHERS = "other sources: bundled, which needs pip alone, folder, unsplash and huggingface (docs/photographs.md)"
PATIENCE = 1800.0
"""Seconds that a client may take for one package; both give up a dead connection much sooner."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

SAID = re.compile(r"E: |npm (ERR!|error) (?!code|errno|A complete log)")
"""How a line begins that says why a client failed."""


class ClientError(Exception):
    """A client did not bring what it was asked for."""


def check(client: str) -> None:
    """Check that a client is on this machine; raises DataError naming it and the other sources."""
    if shutil.which(client) is None:
        raise DataError(f"source packages: needs {client}, which this machine has not; {OTHERS}")


def archives(package: Package, folder: Path, suites: Sequence[str], tried: list[str]) -> Iterator[Path]:
    """Give archives of a package until one will do: what lies in the folder, the version asked for, any other.

    folder: what was fetched stays in ``folder / archives``, lists of apt's in ``folder / apt``. suites: of Debian, that
    are asked where the machine's own lists have no such version. tried: is told why there was nothing.
    """
    kept = folder / "archives" / package.name
    if kept.is_dir():
        yield from sorted(kept.iterdir())
    for private, exact in ((False, True), (True, True), (True, False), (False, False)):
        if package.client == "npm" and not (exact and not private):
            continue  # what npm once handed out stays as it is
        try:
            command = _command(package, _private(folder.absolute() / "apt", suites) if private else [], exact=exact)
            with replacing(kept) as fresh:
                fresh.mkdir()
                _run(command, fresh)
                _check(package, fresh, exact=exact)
        except ClientError as error:
            tried.append(str(error))
        else:
            yield from sorted(kept.iterdir())


def _command(package: Package, options: Sequence[str], *, exact: bool) -> list[str]:
    if package.client == "npm":
        return ["npm", "pack", "--ignore-scripts", f"{package.name}@{package.version}"]
    return ["apt-get", *options, "download", f"{package.name}={package.version}" if exact else package.name]


@cache
def _private(root: Path, suites: Sequence[str]) -> list[str]:
    """Return options that lead apt-get to lists of its own: of these suites, on the mirrors of Debian that it knows."""
    for one in ("lists/partial", "archives/partial"):
        (root / one).mkdir(parents=True, exist_ok=True)
    (root / "status").touch()
    settings = {
        "State": root, "State::lists": root / "lists", "State::status": root / "status", "Cache": root,
        "Etc::sourcelist": root / "sources.list", "Etc::sourceparts": os.devnull,
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("-o", f"Dir::{name}={value}")]
    known = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], root).split()
    mirrors = sorted({uri for uri in known if urlsplit(uri).path.rstrip("/").endswith("/debian")})
    signed = f"[signed-by={KEYRING}] " if KEYRING.is_file() else ""
    lines = [f"deb {signed}{uri} {suite} main\n" for uri in mirrors for suite in suites]
    write_text(root / "sources.list", "".join(lines))
    _run(["apt-get", *options, "update"], root)
    return options


def _run(command: Sequence[str], folder: Path) -> str:
    """Run a client in a folder and return what it prints; raises ClientError with the line that says why not."""
    try:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=PATIENCE, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClientError(f"{command[0]}: {reason(error)}") from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = next((line for line in lines if SAID.match(line)), lines[-1] if lines else f"exit {done.returncode}")
        raise ClientError(f"{command[0]}: {' '.join(SAID.sub('', said).split())[:LONGEST]}")
    return done.stdout


def _check(package: Package, folder: Path, *, exact: bool) -> None:
    found = list(folder.iterdir())
    if not found:
        raise ClientError(f"{package.client}: no file came")
    if exact and package.sha256 and (sha := sha256(found[0])) != package.sha256:
        raise ClientError(f"{found[0].name}: SHA-256 must be {package.sha256}, but is {sha}")
