"""Releases behind DVC remotes: every way of fetching gets the version it asks for, and damage is never accepted."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import paletteot
from paletteot import cli
from tests.dataset import made
from tests.integration import servers

RELEASE = "data/release"
ONE, TWO = "1.0.0", "2.0.0"
SHARD = "plans/test_unseen-00000-of-00001.parquet"
SOME = ("VERSION", "checksums.sha256", "palettes/full-00000-of-00001.parquet", SHARD.replace("unseen", "seen"), SHARD)
"""What somebody reads one by one: each takes as long as a small `dvc get`."""


class Dvc:
    """Runs DVC in fresh processes, each forked from one that has imported it: imports are most of a command's time.

    That one holds modules and nothing else, so nothing leaks from one command to another.
    """

    def __init__(self, home: Path) -> None:
        program = f"{inspect.getsource(read)}\n{inspect.getsource(forks)}\nforks()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", program], env=environment(home),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __call__(self, what: str, arguments: tuple[str, ...], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
        """Return the exit code and what was said."""
        log = folder / "log"
        print(json.dumps([what, arguments, str(folder), dict(env), str(log)]), file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline()), log.read_text()

    def stop(self) -> None:
        self.process.communicate(timeout=120)


# What runs elsewhere.


def forks() -> None:
    import gc
    import importlib
    import json
    import os
    import signal
    import sys
    import traceback

    import dvc.cli

    for module in ("dvc.cli.parser", "dvc.repo.graph", "dvc_s3", "dvc_ssh.spec", "s3fs", "webdav4.fsspec"):
        importlib.import_module(module)
    gc.freeze()
    for line in sys.stdin:
        what, arguments, folder, environment, log = json.loads(line)
        if child := os.fork():
            print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
            continue
        signal.alarm(120)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        try:
            code = dvc.cli.main(arguments) if what == "dvc" else read(*arguments)
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        os._exit(code)  # clearing two thousand modules away would take as long as the command


def read(repository: str, tag: str, *names: str) -> int:
    """Read files one by one, and write them down in "release"."""
    from pathlib import Path

    import dvc.api

    for name in names:
        with dvc.api.open(f"data/release/{name}", repo=repository, rev=tag, mode="rb") as file:
            content = file.read()
        target = Path("release") / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return 0


# What runs here.


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which nothing of this machine's or another user's settings and caches is found."""
    places = ("DVC_SITE_CACHE_DIR", "DVC_GLOBAL_CONFIG_DIR", "DVC_SYSTEM_CONFIG_DIR", "XDG_CACHE_HOME", "TMPDIR")
    for name in places:
        (home / name).mkdir(parents=True, exist_ok=True)
    found = {name: str(home / name) for name in places}
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "DVC_NO_ANALYTICS": "1", **found}


@dataclass(frozen=True)
class User:
    """Somebody with a home of their own, and so with nothing but what they fetched."""

    folder: Path
    runner: Dvc
    environment: Mapping[str, str]

    def run(self, what: str, *arguments: str) -> tuple[int, str]:
        return self.runner(what, arguments, self.folder, self.environment)

    def dvc(self, *arguments: str) -> tuple[int, str]:
        return self.run("dvc", *arguments)

    def must(self, *arguments: str) -> None:
        code, said = self.dvc(*arguments)
        assert code == 0, said

    def git(self, *arguments: str) -> None:
        settings = ("-c", "user.name=PaletteOT", "-c", "user.email=paletteot@localhost", "-c", "advice.detachedHead=0")
        command = ["git", *settings, *arguments]
        subprocess.run(command, cwd=self.folder, env=self.environment, check=True, timeout=60)


@dataclass(frozen=True)
class Published:
    """A bare repository, the folder its remote stores objects in, and how to become somebody who may read both."""

    repository: Path
    storage: Path
    user: Callable[[Path], User]


@pytest.fixture(scope="module")
def runner(tmp_path_factory) -> Iterator[Dvc]:
    running = Dvc(tmp_path_factory.mktemp("runner"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def releases(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("releases")
    return {version: made.release(folder / version, version, seed) for seed, version in enumerate((ONE, TWO))}


@pytest.fixture(scope="module", params=["webdav", "ssh", "s3"])
def published(request, tmp_path_factory, runner, releases) -> Iterator[Published]:
    if reason := servers.missing(request.param):
        pytest.skip(reason)
    root = tmp_path_factory.mktemp(request.param)
    with getattr(servers, request.param)(root / "storage") as remote:

        def user(folder: Path) -> User:
            folder.mkdir(exist_ok=True)
            home = folder.with_name(f"{folder.name}-home")
            return User(folder, runner, {**environment(home), **remote.credentials})

        owner = user(root / "owner")
        publish(owner, remote, releases)
        owner.git("clone", "--quiet", "--bare", ".", str(root / "repository.git"))
        shutil.rmtree(owner.folder)  # its cache could stand in for the remote
        yield Published(root / "repository.git", root / "storage", user)


def publish(owner: User, remote: servers.Remote, releases: Mapping[str, Path]) -> None:
    owner.git("init", "--quiet", "--initial-branch=main")
    owner.must("init", "--quiet")
    owner.must("remote", "add", "--default", "storage", remote.url)
    for name, value in {**remote.options, "verify": "true"}.items():
        owner.must("remote", "modify", "storage", name, value)
    for version, release in releases.items():
        shutil.rmtree(owner.folder / RELEASE, ignore_errors=True)
        shutil.copytree(release, owner.folder / RELEASE)
        owner.must("add", "--quiet", RELEASE)
        owner.git("add", ".dvc", "data")
        owner.git("commit", "--quiet", f"--message={version}")
        owner.git("tag", f"dataset-v{version}")
    owner.must("push", "--quiet", "--all-tags")


@dataclass(frozen=True)
class Fetched:
    """A folder, DVC's exit code, and what it said."""

    folder: Path
    code: int
    said: str


def pull(user: User, repository: Path, tag: str) -> Fetched:
    user.git("clone", "--quiet", "--branch", tag, str(repository), "clone")
    return Fetched(user.folder / "clone" / RELEASE, *user.dvc("--cd", "clone", "pull"))


def get(user: User, repository: Path, tag: str) -> Fetched:
    done = user.dvc("get", str(repository), RELEASE, "--rev", tag, "--out", "release")
    return Fetched(user.folder / "release", *done)


def import_(user: User, repository: Path, tag: str) -> Fetched:
    user.must("init", "--quiet", "--no-scm")
    done = user.dvc("import", str(repository), RELEASE, "--rev", tag, "--out", "release")
    return Fetched(user.folder / "release", *done)


def api(user: User, repository: Path, tag: str) -> Fetched:
    return Fetched(user.folder / "release", *user.run("read", str(repository), tag, *SOME))


every_way = pytest.mark.parametrize("way", [pull, get, import_, api])


@every_way
@pytest.mark.parametrize("version", [ONE, TWO])
def test_every_way_brings_the_version_asked_for(published, way, version, releases, tmp_path):
    fetched = way(published.user(tmp_path / "user"), published.repository, f"dataset-v{version}")
    assert fetched.code == 0, fetched.said
    wanted = contents(releases[version])
    assert contents(fetched.folder) == {name: wanted[name] for name in (SOME if way is api else wanted)}
    assert paletteot.load("test_unseen", version=version, source=fetched.folder).version == version


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


@contextmanager
def damaged(storage: Path, file: Path, damage: Callable[[bytes], bytes]) -> Iterator[None]:
    """Damage the object of a file where the remote stores it, and mend it again."""
    content = file.read_bytes()
    digest = hashlib.md5(content).hexdigest()
    (stored,) = storage.rglob(f"files/md5/{digest[:2]}/{digest[2:]}")
    stored.write_bytes(damage(content))
    try:
        yield
    finally:
        stored.write_bytes(content)


@every_way
@pytest.mark.parametrize("damage", [flipped, truncated])
def test_a_damaged_release_is_never_accepted(published, way, damage, releases, tmp_path):
    with damaged(published.storage, releases[TWO] / SHARD, damage):
        fetched = way(published.user(tmp_path / "user"), published.repository, f"dataset-v{TWO}")
    if fetched.code:
        assert "ERROR: failed to pull data" in fetched.said
        assert not fetched.folder.exists()
    else:
        assert_refused(fetched.folder)


def assert_refused(folder: Path) -> None:
    with pytest.raises(paletteot.PaletteOTError, match=SHARD):
        paletteot.load("test_unseen", version=TWO, source=folder)
    done = CliRunner().invoke(cli.app, ["verify", str(folder)])
    assert done.exit_code == 1
    assert SHARD in done.stdout


def test_dvc_get_hands_on_a_damaged_object_without_a_word(published, releases, tmp_path):
    with damaged(published.storage, releases[TWO] / SHARD, flipped):
        fetched = get(published.user(tmp_path / "user"), published.repository, f"dataset-v{TWO}")
    assert fetched.code == 0
    assert "ERROR" not in fetched.said
    assert contents(fetched.folder)[SHARD] == flipped((releases[TWO] / SHARD).read_bytes())
    assert_refused(fetched.folder)


def test_dvc_pull_refuses_a_damaged_object_only_where_the_remote_verifies(published, releases, tmp_path):
    user = published.user(tmp_path / "user")
    with damaged(published.storage, releases[TWO] / SHARD, flipped):
        strict = pull(user, published.repository, f"dataset-v{TWO}")
        user.must("--cd", "clone", "remote", "modify", "--local", "storage", "verify", "false")
        code, _ = user.dvc("--cd", "clone", "pull")
    assert strict.code == 1
    assert code == 0
    assert_refused(strict.folder)
