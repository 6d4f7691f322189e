"""How commands and stages end: exit codes, one line, and no process left behind."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from paletteot.endings import one_line
from paletteot.errors import DataError

SLOW = """
import time
from functools import partial
import polars as pl

def task(number):
    if number > 1:
        time.sleep(600)
    return pl.DataFrame({"n": [number]})
"""
MAIN = """
import slow, paletteot.engine as engine
from paletteot.endings import one_line
with one_line():
    engine.run(slow.task, list(range(9)), folder=engine.partial_folder("slow", "key"), workers=2, label="slow")
"""


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    """Return whether something comes true; the seconds only end a test that would fail anyway."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[psutil.Process]]]:
    """Run slow work with two workers until two chunks are finished; gives it and all of its processes."""
    (folder / "slow.py").write_text(SLOW)
    with subprocess.Popen([sys.executable, "-c", MAIN], cwd=folder, text=True, stderr=subprocess.PIPE) as work:
        assert eventually(lambda: len(list(folder.glob(".partial/slow/key/*.parquet"))) == 2 or work.poll() is not None)
        children = psutil.Process(work.pid).children(recursive=True)
        assert len(children) >= 2
        yield work, children
        for one in children:
            if one.is_running():
                one.kill()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_no_worker_outlives_the_work_that_a_signal_ends(tmp_path, number, code):
    with running(tmp_path) as (work, children):
        work.send_signal(number)
        assert work.wait(60) == code
        assert eventually(lambda: not any(one.is_running() for one in children))
        said = work.stderr.read()
    if number != signal.SIGKILL:
        assert said.splitlines()[-1] == (
            "interrupted (2 of 9 chunks of slow are finished); run again to go on from what is finished"
        )
        assert "Traceback" not in said
    assert len(list(tmp_path.glob(".partial/slow/key/*.parquet"))) == 2


def test_a_signal_ends_what_a_command_runs_too(tmp_path):
    """A command that runs DVC leaves neither it nor its stages."""
    program = (
        "import subprocess, sys\nfrom paletteot.endings import one_line\n"
        "with one_line():\n"
        "    subprocess.run(['sh', '-c', 'sleep 600 & echo ready; wait'], check=False)\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as work:
        assert work.stdout.readline() == "ready\n"
        children = psutil.Process(work.pid).children(recursive=True)
        assert len(children) == 2
        work.terminate()
        assert work.wait(60) == 143
        assert eventually(lambda: not any(one.is_running() for one in children))


def test_what_would_not_end_is_ended(tmp_path):
    program = (
        "import time\nfrom paletteot.endings import one_line\n"
        "with one_line():\n"
        "    try:\n        print('ready', flush=True); time.sleep(600)\n"
        "    finally:\n        time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as work:
        assert work.stdout.readline() == "ready\n"
        work.terminate()
        assert work.wait(60) == 143
        assert work.stderr.read() == "interrupted; run again to go on from what is finished\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DataError("file: field must be legal"), "error: file: field must be legal"),
        (OSError(errno.ENOSPC, "No space left on device", "out/file"), "error: out/file: No space left on device"),
        (OSError(errno.EROFS, "Read-only file system", ".partial"), "error: .partial: Read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "error: x: Permission denied"),
        (OSError(errno.ENOSPC, "No space left", "from", None, "to"), "error: to: No space left"),
        (
            RuntimeError("(sqlite3.OperationalError) database or disk is full\n[SQL: CREATE TABLE]"),
            "error: the database of MLflow, mlflow.db unless told otherwise: database or disk is full",
        ),
    ],
)
def test_what_a_user_can_mend_is_one_line(capsys, error, line):
    with pytest.raises(SystemExit) as ended, one_line():
        raise error
    assert ended.value.code == 1
    assert capsys.readouterr().err == f"{line}\n"


@pytest.mark.parametrize("error", [ZeroDivisionError(), FileNotFoundError(errno.ENOENT, "No such", "x"), OSError()])
def test_a_fault_of_the_code_passes(error):
    with pytest.raises(type(error)), one_line():
        raise error


def test_the_handlers_of_signals_are_those_of_before():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with one_line():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
