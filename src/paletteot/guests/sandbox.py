"""A sandbox for code from outside, where the system has one: bubblewrap.

A guest there sees Python and the system's libraries, this package, its own code and weights, all read-only, and a
folder of its own at /tmp. It sees no network, no process but its own, neither the folder in which the command runs
(labels, unfinished work, reports) nor the user's home. Of systemd-run no use is made: a scope hides nothing, and a
service of a user takes no socket along.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from paletteot.errors import ParamsError
from paletteot.guests.code import PACKAGE
from paletteot.guests.copies import Copy
from paletteot.guests.mode import Mode

SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/sys", "/etc/alternatives", "/etc/fonts",
    "/etc/group", "/etc/ld.so.cache", "/etc/localtime", "/etc/OpenCL", "/etc/os-release", "/etc/passwd",
)  # fmt: skip
"""What programs need that are no guest's own; of /etc nothing that holds a secret."""

DEVICES = ("nvidia*", "dri", "kfd")
"""Under /dev: GPUs."""

INSIDE = Path("/guest")
"""Where it finds its code and weights."""

ALONE = ("--unshare-all", "--die-with-parent", "--cap-drop", "ALL", "--proc", "/proc")
"""Namespaces of its own, that of the network among them, and no way to outlive whoever asks it."""

PROBE = 20.0
"""Seconds that the sandbox may take for nothing, on a busy machine."""


@dataclass(frozen=True)
class Sandbox:
    """What was found. program: of the sandbox, None where none is used. why: there is none, where that is so."""

    program: str | None
    why: str = ""

    def __str__(self) -> str:
        if self.program:
            return "in a sandbox (bubblewrap)"
        return f"not in a sandbox: {self.why}; files and network are open to it"


def find(mode: Mode) -> Sandbox:
    """Return the sandbox that a mode asks for; raises ParamsError where one is required and there is none."""
    if mode == Mode.NONE:
        return Sandbox(None, "--sandbox none")
    found = _probed(shutil.which("bwrap"))
    if mode == Mode.REQUIRED and not found.program:
        raise ParamsError(f"--sandbox required: {found.why}")
    return found


@lru_cache(maxsize=4)
def _probed(program: str | None) -> Sandbox:
    """Return whether a program can be used: namespaces may be forbidden, as in most containers."""
    if not sys.platform.startswith("linux"):
        return Sandbox(None, "there is none for this system")
    if program is None:
        return Sandbox(None, "bubblewrap is not installed")
    try:
        nothing = [program, "--ro-bind", "/", "/", *ALONE, "--dev", "/dev", "--", sys.executable, "-I", "-S", "-c", ""]
        done = subprocess.run(nothing, capture_output=True, text=True, check=False, timeout=PROBE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Sandbox(None, f"bubblewrap does not work here ({type(error).__name__})")
    if done.returncode:
        said = " ".join((done.stderr.strip().splitlines() or ["no reason given"])[-1].split())
        return Sandbox(None, f"bubblewrap does not work here ({said.removeprefix('bwrap: ')})")
    return Sandbox(program)


def inside(copy: Copy) -> tuple[str, Path | None]:
    """Return where the code and the weights of a copy are, seen from inside."""
    place = str(INSIDE / "code" / Path(copy.code.place).name) if copy.code.is_file else copy.code.place
    return place, INSIDE / "weights" / copy.weights.name if copy.weights else None


def command(program: str, copy: Copy, scratch: Path, *, project: Path, home: Path) -> list[str]:
    """Return what stands before a guest's command.

    scratch: an empty folder, which it may write to. project: the folder that it must not see, home: another one; of
    what lies inside them only what Python needs is shown.
    """
    for folder in ("tmp", "shm"):
        (scratch / folder).mkdir()
    shown: dict[Path, list[str]] = {Path(one): ["--ro-bind-try", one, one] for one in SYSTEM}
    for one in _python(copy, project, home):
        shown[one] = ["--ro-bind", str(one), str(one)]
    for number, (cache, compiled) in enumerate(_compiled()):
        mine = scratch / f"compiled{number}"
        shutil.copytree(compiled, mine)
        shown[cache] = ["--bind", str(mine), str(cache)]
    for hidden in {project, home}:
        if hidden not in shown and any(one in hidden.parents for one in shown):
            shown[hidden] = ["--tmpfs", str(hidden), "--remount-ro", str(hidden)]
    own = {Path("/tmp"): scratch / "tmp", Path("/dev/shm"): scratch / "shm"}  # on disk: in memory it would not count
    shown |= {place: ["--bind", str(mine), str(place)] for place, mine in own.items()}
    shown[Path("/dev")] = ["--dev", "/dev"]
    for device in (one for pattern in DEVICES for one in sorted(Path("/dev").glob(pattern))):
        shown[device] = ["--dev-bind", str(device), str(device)]
    place, weights = inside(copy)
    if copy.code.is_file:
        shown[Path(place).parent] = ["--ro-bind", str(Path(copy.code.place).parent), str(Path(place).parent)]
    if weights:
        shown[weights] = ["--ro-bind", str(copy.weights), str(weights)]
    outermost_first = sorted(shown.items(), key=lambda one: len(one[0].parts))
    mounts = [word for _, words in outermost_first for word in words]
    return [program, *ALONE, *mounts, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--"]


def _python(copy: Copy, project: Path, home: Path) -> Iterator[Path]:
    """Yield the folders from which Python imports, and no folder that holds the project or the home."""
    holders = {project, *project.parents, home, *home.parents}
    prefixes = {Path(one) for one in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)}
    for one in prefixes & holders:  # an environment that was made in the project's folder: only what is Python's
        yield from (part for name in ("bin", "lib", "lib64", "pyvenv.cfg") if (part := one / name).exists())
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    asked = prefixes | {Path(one).absolute() for one in filter(None, [*sys.path, *libraries])}
    yield from (one for one in {*asked, *(one.resolve() for one in asked)} - holders if one.exists())
    tops = {PACKAGE} | (set() if copy.code.is_file else {copy.code.place.partition(".")[0]})
    for spec in map(find_spec, tops):
        if spec is not None:
            places = spec.submodule_search_locations or ([spec.origin] if spec.origin else [])
            yield from (Path(one).absolute() for one in places)


def _compiled() -> Iterator[tuple[Path, Path]]:
    """Yield where it looks for compiled loops of this package, and where this process has them.

    It may write there, as loops may be compiled for other dtypes, and so it is given a copy.
    """
    if kept := os.environ.get("NUMBA_CACHE_DIR"):
        if Path(kept).is_dir():
            yield Path(kept).absolute(), Path(kept)
        return
    package = Path(__file__).parents[1]
    for folder in sorted({index.parent for index in package.rglob("*.nbi")}):
        yield folder, folder
