"""What a guest may try against the referee, planted as it would be: each is caught, or comes to nothing."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from paletteot.benchmark.specimens import problem, several
from paletteot.errors import DataError, ParamsError
from paletteot.guests import copies, relay, sandbox, tree, watch
from paletteot.guests.code import Code
from paletteot.guests.contestant import Guest, parallel
from paletteot.guests.mode import Mode
from paletteot.guests.process import Limits
from paletteot.guests.sandbox import Sandbox
from paletteot.guests.solver import Solver
from paletteot.warmstarts.contract import NoAnswerError
from tests.guests import guests

linux = pytest.mark.skipif(sys.platform != "linux", reason="descendants can be seen on Linux only")
walls = pytest.mark.parametrize("mode", [Mode.NONE, Mode.REQUIRED])
two = pytest.mark.skipif(os.cpu_count() == 1, reason="there is no other processor to go to")


def limits(mode: Mode = Mode.AUTO, **changed: float) -> Limits:
    return Limits(**{"seconds": 30, "memory": 2, **changed}, sandbox=guests.wall(mode))


def told(capfd) -> list[str]:
    """Return the lines that it printed."""
    return [line.removeprefix("theirs.py:Theirs | ") for line in capfd.readouterr().err.splitlines()]


# --- files, secrets, network


TRY = """
    import socket
    from pathlib import Path

    def tried(name, what):
        try:
            print(name, repr(what())[:100])
        except Exception as error:
            print(name, "OSError" if isinstance(error, PermissionError) else type(error).__name__)

    def secrets():
        return [file.read_text() for file in Path("/proc").glob("[0-9]*/environ") if "hunter2" in file.read_text()]
"""


@linux
def test_a_sandbox_shows_neither_labels_nor_parent_nor_network(tmp_path, monkeypatch, capfd):
    project, home = tmp_path / "project", tmp_path / "home"
    rows, labels, token = project / ".partial" / "rows", project / "data" / "labels", home / "token"
    for file in (rows, labels, token):
        file.parent.mkdir(parents=True)
        file.write_text("hunter2")
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MY_TOKEN", "hunter2")
    start = f"""
        tried("rows", lambda: Path({str(rows)!r}).write_text("better"))
        tried("labels", lambda: Path({str(labels)!r}).read_text())
        tried("home", lambda: Path({str(token)!r}).read_text())
        tried("secrets", secrets)
        tried("parent", lambda: os.kill({os.getpid()}, 0))
        tried("network", lambda: socket.create_connection(("1.1.1.1", 53), 1))
        tried("interfaces", lambda: [name for _, name in socket.if_nameindex()])
        tried("shadow", lambda: open("/etc/shadow").read())
        for name, place in [
            ("itself", __file__), ("package", np.__file__), ("root", "/mine"), ("device", "/dev/mine"),
        ]:
            tried(name, lambda: open(place, "a"))
        tried("scratch", lambda: Path("/tmp/mine").write_text("mine"))
        return Start(cold(problems))
    """
    one = Guest(guests.code(tmp_path, start, TRY), limits=limits(Mode.REQUIRED))
    one.start(several())
    one.close()
    assert dict(line.split(maxsplit=1) for line in told(capfd)) == {
        "rows": "FileNotFoundError", "labels": "FileNotFoundError", "home": "FileNotFoundError", "secrets": "[]",
        "parent": "ProcessLookupError", "network": "OSError", "interfaces": "['lo']", "shadow": "FileNotFoundError",
        "itself": "OSError", "package": "OSError", "root": "OSError", "device": "OSError", "scratch": "4",
    }  # fmt: skip
    assert rows.read_text() == "hunter2"
    assert str(one.sandbox) == "in a sandbox (bubblewrap)"


@linux
def test_compiled_loops_are_at_hand_in_a_sandbox_and_stay_what_they_are(tmp_path, capfd):
    """Those of this package were compiled by the process that asks; what a guest writes there is its own."""
    start = """
        from pathlib import Path
        from paletteot.ot import kernels
        from paletteot.ot import sinkhorn
        kept = Path(kernels.__file__).parent / "__pycache__"
        before = set(kept.glob("*.nbi"))
        sinkhorn.reference(problems[0], sinkhorn.cold(problems[0]))
        print(len(before) > 0, len(set(kept.glob("*.nbi")) - before))
        for file in kept.iterdir():
            file.write_bytes(b"poison")
        return Start(cold(problems))
    """
    from paletteot.ot import kernels, sinkhorn

    sinkhorn.reference(several()[0], sinkhorn.cold(several()[0]))
    kept = sorted((Path(kernels.__file__).parent / "__pycache__").glob("*.nbi"))
    if not kept:
        pytest.skip("this copy of the package keeps no compiled loops beside it")
    before = [file.read_bytes() for file in kept]
    one = Guest(guests.code(tmp_path, start), limits=limits(Mode.REQUIRED))
    one.start(several())
    one.close()
    assert told(capfd) == ["True 0"]
    assert [file.read_bytes() for file in kept] == before


def test_an_environment_in_the_projects_folder_shows_only_what_is_pythons(tmp_path, monkeypatch):
    """`python -m venv .` makes the project's folder one that Python imports from; so does its name on PYTHONPATH."""
    project, scratch = tmp_path / "project", tmp_path / "scratch"
    for folder in (project / "bin", project / "lib", project / "data", scratch):
        folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(project))
    monkeypatch.syspath_prepend(project)
    monkeypatch.syspath_prepend(tmp_path)
    copy = copies.take(guests.code(tmp_path))
    words = sandbox.command("bwrap", copy, scratch, project=project, home=tmp_path / "home")
    shown = {after for word, after in pairwise(words) if word in ("--ro-bind", "--bind")}
    assert {one for one in shown if Path(one).is_relative_to(tmp_path)} == {
        str(project / "bin"), str(project / "lib"), str(scratch / "tmp"), str(scratch / "shm"),
        *(str(one) for one in scratch.glob("compiled*")),
    }  # fmt: skip
    assert not any(Path(one) in project.parents for one in shown)


def test_a_sandbox_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: None)
    if sys.platform == "linux":
        words = "not in a sandbox: bubblewrap is not installed; files and network are open to it"
        assert str(sandbox.find(Mode.AUTO)) == words
        with pytest.raises(ParamsError, match="--sandbox required: bubblewrap is not installed"):
            sandbox.find(Mode.REQUIRED)
    assert str(sandbox.find(Mode.NONE)).startswith("not in a sandbox: --sandbox none; ")


@linux
def test_a_sandbox_that_does_not_work_is_said_with_its_reason(tmp_path, monkeypatch):
    """As in a container that forbids namespaces."""
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(sandbox.shutil, "which", lambda _: str(program))
    found = sandbox.find(Mode.AUTO)
    assert found == Sandbox(None, "bubblewrap does not work here (No permissions to create new namespace)")


# --- what was hashed is what runs


@walls
def test_what_runs_is_what_was_hashed(tmp_path, mode, capfd):
    """A file that is swapped after it was read changes nothing, in a new process neither."""
    start = """
        import hashlib
        print(hashlib.sha256(open(__file__, "rb").read()).hexdigest())
        return Start(cold(problems))
    """
    code = guests.code(tmp_path, start)
    copy = copies.take(code)
    file = Path(code.place)
    expected = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_text("raise SystemExit('swapped')")
    one = Guest(copy, limits=limits(mode))
    for _ in range(2):
        one.start(several())
        one.close()
    assert copy.hashes == {"theirs.py": expected}
    assert told(capfd) == [expected] * 2


def test_a_copy_that_was_changed_does_not_run(tmp_path):
    """Without a sandbox a guest can reach it: that is seen when the next process begins."""
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w").write_text("1")
    copy = copies.take(guests.code(tmp_path), tmp_path / "weights")
    assert sorted(copy.hashes) == ["theirs.py", "weights/weights/w"]
    assert oct(copies.room().stat().st_mode)[-3:] == "700"
    copies.verify(copy)
    for name, file in copy.files.items():
        before = file.read_bytes()
        file.chmod(0o600)
        file.write_text("other")
        with pytest.raises(DataError, match=f"theirs.py:Theirs: {name} was changed after it was hashed"):
            Guest(copy, limits=limits())
        file.write_bytes(before)
    copy.files["theirs.py"].unlink()
    with pytest.raises(DataError, match=r"theirs\.py was changed"):
        copies.verify(copy)


def test_a_package_that_changes_itself_is_seen(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(guests.package(tmp_path))
    copy = copies.take(Code("theirs", "their_package.theirs", "Theirs"))
    assert sorted(copy.hashes) == ["their_package/__init__.py", "their_package/theirs.py"]
    copies.verify(copy)
    (tmp_path / "their_package" / "late.so").write_text("another")
    with pytest.raises(DataError, match=r"theirs: their_package/late\.so was changed after it was hashed"):
        copies.verify(copy)


# --- answers


FORGED = """
    import socket

    def channels():
        for fd in range(3, 64):
            try:
                yield socket.socket(fileno=os.dup(fd))
            except OSError:
                pass

    def forge(problems, nonce):
        from paletteot.guests import wire
        arrays = {"g": np.zeros(problems.b.shape), "iterations": np.array(0)}
        for channel in channels():
            try:
                wire.send(channel, {"nonce": nonce} if nonce else {}, arrays)
            except OSError:
                pass
"""


@pytest.mark.parametrize("nonce", ["", "0" * 16])
def test_an_answer_that_was_not_to_this_question_is_refused(tmp_path, nonce):
    """One that lies there when the next question is asked would cost no time."""
    start = f"forge(problems, {nonce!r}); return Start(cold(problems))"
    one = Guest(guests.code(tmp_path, start, FORGED), limits=limits())
    with pytest.raises(NoAnswerError, match="it is to no question or to another one"):
        one.start(several())


@walls
def test_a_flood_of_words_is_cut_short_and_blocks_nobody(tmp_path, mode, capfd):
    start = "for _ in range(200):\n    os.write(2, b'x' * 9_999 + b'\\n')\nreturn Start(cold(problems))"
    one = Guest(guests.code(tmp_path, start), limits=limits(mode))
    one.start(several())
    one.close()
    lines = told(capfd)
    assert lines.count("… more was printed and is not shown") == 1
    assert sum(map(len, lines)) < relay.BYTES + 100
    assert len(lines) <= 3 * relay.LINES


def test_many_short_lines_are_not_all_shown(tmp_path, capfd):
    one = Guest(guests.code(tmp_path, "os.write(1, b'.\\n' * 1500); return Start(cold(problems))"), limits=limits())
    one.start(several())
    one.close()
    lines = told(capfd)
    assert lines.count("… more was printed and is not shown") == 1
    assert len(lines) <= 3 * relay.LINES  # seconds may end meanwhile


# --- processes


@linux
@walls
def test_nothing_it_starts_outlives_it(tmp_path, mode):
    one = Guest(guests.code(tmp_path, before=guests.DAEMON), limits=limits(mode))
    pids = one.pids
    assert len(pids) >= 2
    one.start(several())
    assert sorted(one.pids) == sorted(pids)
    one.close()
    assert [pid for pid in pids if (found := tree.read(pid)) is not None and not found.ended] == []


@linux
@walls
def test_what_outlives_its_process_ends_with_the_question(tmp_path, mode):
    one = Guest(guests.code(tmp_path, "os._exit(3)", guests.DAEMON), limits=limits(mode))
    pids = one.pids
    with pytest.raises(NoAnswerError, match="its process ended with exit code 3 instead of answering"):
        one.start(several())
    assert guests.left(pids) == []


@linux
@walls
def test_between_questions_it_stands_still(tmp_path, mode):
    """Helpers too, which would reckon on in nobody's time."""
    helper = guests.DAEMON.replace("    time.sleep(600)", "    while True: pass")
    one = Guest(guests.code(tmp_path, before=helper), limits=limits(mode))
    for _ in range(2):
        before = {pid: tree.cpu_seconds(pid) for pid in one.pids}
        assert len(before) >= 2
        assert {tree.read(pid).state for pid in before} == {"T"}
        time.sleep(0.1)
        assert {pid: tree.cpu_seconds(pid) for pid in before} == before
        one.start(several())
    one.close()


CHILDREN = """
import os, signal, time
import numpy as np

def burn(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass

def gone(pid):
    while os.path.exists(f"/proc/{{pid}}"):
        time.sleep(0.01)

def child(what):
    pid = os.fork()
    if not pid:
        what()
        os._exit(0)
    return pid

def solve(x, a, y, b, eps, tolerance):
    {}
    return np.zeros(len(b))
"""


def solver(folder: Path, body: str, mode: Mode, **changed: float) -> Solver:
    file = folder / "theirs.py"
    file.write_text(CHILDREN.format(body))
    return Solver(Code("theirs.py:solve", str(file), "solve"), limits(mode, **changed), practice=(), tolerance=1.0)


@linux
@walls
@pytest.mark.parametrize(
    "body",
    [
        "os.waitpid(child(lambda: burn(0.4)), 0)",
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN); gone(child(lambda: burn(0.4)))",
    ],
    ids=["waited for", "never waited for"],
)
def test_what_a_child_reckons_counts(tmp_path, mode, body):
    one = solver(tmp_path, body, mode)
    answer = one.solve(problem(0, 5, 5))
    one.close()
    assert answer.cpu_seconds > 0.2  # what nobody waited for is known as of the last look
    assert not answer.parallel


@linux
@two
@walls
def test_a_child_on_another_processor_is_seen(tmp_path, mode):
    body = "child(lambda: (os.sched_setaffinity(0, range(os.cpu_count())), burn(60))); time.sleep(0.2)"
    one = solver(tmp_path, body, mode)
    assert one.solve(problem(0, 5, 5)).parallel
    one.close()


@linux
@two
def test_a_contestants_children_save_it_no_time(tmp_path):
    """On two processors it is there sooner; it is handed over when one would have had it."""
    start = """
        def burn():
            end = time.thread_time() + 0.4
            while time.thread_time() < end: pass
        if not (pid := os.fork()):
            burn()
            os._exit(0)
        burn()
        os.waitpid(pid, 0)
        return Start(cold(problems))
    """
    one = Guest(guests.code(tmp_path, start), limits=limits())
    before = time.perf_counter()
    one.start(several())
    assert one.spent.cpu_seconds > 0.6
    assert not parallel(time.perf_counter() - before, one.spent.cpu_seconds)
    one.close()


@linux
@walls
def test_memory_of_children_counts_together(tmp_path, mode):
    """Each below the limit, all above it."""
    body = "[child(lambda: (np.ones(40_000_000), time.sleep(60))) for _ in range(3)]; time.sleep(60)"
    one = solver(tmp_path, body, mode, memory=0.6)
    with pytest.raises(NoAnswerError, match=r"its processes used more than 0\.6 GB"):
        one.solve(problem(0, 5, 5))
    assert not one.alive


@linux
@walls
def test_memory_that_children_share_counts_once(tmp_path, mode):
    body = "kept = np.ones(40_000_000); [child(lambda: time.sleep(60)) for _ in range(3)]; time.sleep(0.4)"
    one = solver(tmp_path, body, mode, memory=0.8)
    assert one.solve(problem(0, 5, 5)).g.shape == (5,)
    one.close()


@linux
@walls
def test_a_crowd_of_processes_is_ended(tmp_path, mode, monkeypatch):
    monkeypatch.setattr(watch, "PROCESSES", 20)
    one = solver(tmp_path, "[child(lambda: time.sleep(60)) for _ in range(30)]; time.sleep(60)", mode)
    with pytest.raises(NoAnswerError, match="it had more than 20 processes"):
        one.solve(problem(0, 5, 5))
    assert guests.left(pid for pid, _ in one._watch.known) == []
