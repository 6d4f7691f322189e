"""Contestants from outside the package, in a process of their own: what they may do, and what must not matter."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

from paletteot import warmstarts
from paletteot.benchmark import conformance
from paletteot.benchmark.specimens import several
from paletteot.benchmark.tracks import runner as evaluate
from paletteot.errors import ParamsError
from paletteot.guests import code as outside
from paletteot.guests import contestants, relay
from paletteot.guests.contestant import Guest
from paletteot.guests.failsafe import Failsafe
from paletteot.guests.mode import Mode
from paletteot.guests.process import Limits
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Problems
from paletteot.warmstarts.contract import HungError, NoAnswerError
from tests.benchmark.starts import STOP, pairs
from tests.guests import guests

LIMITS = Limits(seconds=60, memory=1.5)


def make(folder: Path, start: str = guests.COLD, before: str = "", limits: Limits = LIMITS) -> Guest:
    return Guest(guests.code(folder, start, before), limits=limits)


def refused(folder: Path, start: str, limits: Limits = LIMITS) -> str:
    """Return the line that an answer ends in."""
    one = make(folder, start, limits=limits)
    with pytest.raises(NoAnswerError) as error:
        one.start(several())
    line = str(error.value)
    assert line.startswith("theirs.py:Theirs: ")
    assert line.isprintable()
    return line.removeprefix("theirs.py:Theirs: ")


def test_it_answers_as_the_class_does(tmp_path):
    one = make(
        tmp_path,
        "return Start(cold(problems), omega=problems.eps + 1.0 * problems.source, iterations=problems.source + 3)",
    )
    assert (one.name, one.summary, one.citation) == ("theirs", "the cold start", "none")
    problems = several()
    answer = one.start(problems)
    for row in range(len(problems)):
        np.testing.assert_allclose(answer.g[row], sinkhorn.cold(problems[row]), rtol=1e-15)
    np.testing.assert_array_equal(answer.omega, problems.source + problems.eps)
    np.testing.assert_array_equal(answer.iterations, problems.source + 3)
    assert conformance.check(lambda: make(tmp_path)) == {}


def test_every_number_comes_through_as_it_is(tmp_path):
    answer = make(tmp_path, "return Start(cold(problems).astype(np.float32)[:, :5], iterations=-1.5)").start(several())
    assert (answer.g.dtype, answer.g.shape) == (np.float32, (6, 5))
    assert answer.iterations == -1.5
    assert answer.omega is None


@pytest.mark.parametrize(
    ("start", "line"),
    [
        ("return cold(problems)", "start must return a Start, but returned ndarray"),
        ("return Start(cold(problems).tolist())", "start must return g as an array of numbers, but returned list"),
        (
            "return Start(cold(problems) + 0j)",
            "start must return g as an array of numbers, but returned an array of complex128",
        ),
        (
            "return Start(cold(problems), iterations=None)",
            "start must return iterations as an array of numbers, but returned an array of object",
        ),
        ("problems.x[:] = 0; return Start(problems.b)", "start must leave what it is given as it is, but changed x"),
        ("raise ValueError('no\\n idea')", "start raised ValueError: no idea (theirs.py, line 18)"),
        ("return 1 / 0", "start raised ZeroDivisionError: division by zero (theirs.py, line 18)"),
        ("raise ValueError('\\ud800 \\x1b[2J')", "start raised ValueError: ?  [2J (theirs.py, line 18)"),
        ("sys.exit(3)", "start raised SystemExit: 3 (theirs.py, line 18)"),
        ("os._exit(3)", "its process ended with exit code 3 instead of answering"),
        ("os.abort()", "its process was ended by signal 6 (Aborted) instead of answering"),
        ("return Start(np.zeros((6, 1_000_000)))", "it sent something that is no answer: 48000008 bytes of numbers"),
        (
            "for fd in range(3, 1024):\n    try: os.write(fd, b'junk' * 99)\n    except OSError: pass\ntime.sleep(60)",
            "it sent something that is no answer: a head of 1802401130 bytes",
        ),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_one_line(tmp_path, start, line):
    assert refused(tmp_path, start) == line


def test_a_hang_ends_with_its_time_and_is_begun_anew(tmp_path):
    one = make(tmp_path, "if problems.x.shape[1] == 12:\n    while True: pass\nreturn Start(cold(problems))")
    one.limits = Limits(seconds=0.5)
    with pytest.raises(HungError, match=r"theirs\.py:Theirs: it did not answer within 0\.5 s"):
        one.start(several())
    one.limits = LIMITS
    assert one.start(several(5)).g.shape == (6, 5)


@pytest.mark.skipif(sys.platform != "linux", reason="what it started can be ended on Linux only")
@pytest.mark.parametrize("mode", [Mode.NONE, Mode.REQUIRED])
@pytest.mark.parametrize("then", ["one.start(several())", "input()"], ids=["asked", "standing still"])
def test_it_ends_with_whoever_asks(tmp_path, mode, then):
    """Killed outright, the process that asks can tell nobody; what it started ends with it, daemons included."""
    guests.contestant(tmp_path, "while True: pass", guests.DAEMON)
    asks = f"""
        from paletteot.benchmark.specimens import several
        from paletteot.guests import code
        from paletteot.guests.contestant import Guest
        from paletteot.guests.mode import Mode
        from paletteot.guests.process import Limits
        one = Guest(code.in_file("theirs.py:Theirs"), limits=Limits(sandbox=Mode("{guests.wall(mode)}")))
        print(*one.pids, flush=True)
        {then}
    """
    command = [sys.executable, "-c", dedent(asks)]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},  # what it leaves
    )  # fmt: skip
    pids = [int(pid) for pid in process.stdout.readline().split()]
    assert len(pids) >= 2
    process.kill()
    process.communicate()
    assert guests.left(pids) == []


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="RLIMIT_DATA counts what is mapped on Linux only")
def test_a_memory_bomb_ends_at_its_limit(tmp_path):
    line = refused(tmp_path, "np.empty((20_000, 20_000)); return Start(cold(problems))")
    assert line.startswith("start raised")
    assert "MemoryError: Unable to allocate 2.98 GiB" in line


def test_the_limit_is_what_stops_it(tmp_path):
    answer = make(tmp_path, "np.empty((20_000, 20_000)); return Start(cold(problems))", limits=Limits(memory=0))
    assert answer.start(several()).g.shape == (6, 12)


PLANTED = (
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_URI", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "API_KEY",
    "MY_SECRET", "DATABASE_URL", "SSH_AUTH_SOCK", "WANDB_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "HTTPS_PROXY",
)  # fmt: skip


def test_its_environment_holds_no_credentials(tmp_path, monkeypatch):
    for name in PLANTED:
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("LANG", "C.UTF-8")
    start = "raise ValueError([name for name, value in os.environ.items() if 'hunter2' in value or name == 'LANG'])"
    assert refused(tmp_path, start) == "start raised ValueError: ['LANG'] (theirs.py, line 18)"


def test_what_it_prints_is_marked_as_its_own(tmp_path, capfd):
    start = """
        print("test_unseen, 5000 problems\\n  theirs 0 0 0 0 0\\x1b[1A")
        print("a warning", file=sys.stderr)
        os.write(1, b"x" * 1200)
        return Start(cold(problems))
    """
    one = make(tmp_path, start)
    one.start(several())
    one.close()
    out, err = capfd.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert all(line.startswith("theirs.py:Theirs | ") for line in lines)
    told = [line.removeprefix("theirs.py:Theirs | ") for line in lines]
    assert told == [
        "test_unseen, 5000 problems", "  theirs 0 0 0 0 0 [1A", "a warning", "x" * 500, "x" * 500, "x" * 200,
    ]  # fmt: skip


def test_patching_the_solver_changes_no_count(tmp_path):
    """The referee counts in its own process, from the g that came back."""
    before = """
        from types import SimpleNamespace
        from paletteot.benchmark.tracks import asking, runner
        from paletteot.ot import kernels, sinkhorn
        kernels.iterate = lambda *_: (0, True)
        sinkhorn.reference = lambda *_, **__: SimpleNamespace(iterations=0, converged=True, errors=[0] * 5)
        runner.judge = asking.ask = None
    """
    theirs = evaluate.judge(make(tmp_path, before=before), pairs(), STOP, tracks=("A",))["A"]
    cold = evaluate.judge(warmstarts.create("cold"), pairs(), STOP, tracks=("A",))["A"]
    assert theirs["iterations"].to_list() == cold["iterations"].to_list()
    assert theirs["iterations"].min() > 0


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (
            "import nonesuch\n",
            "it could not be made: ModuleNotFoundError: No module named 'nonesuch' (theirs.py, line 1)",
        ),
        ("raise SystemExit('bye')\n", "it could not be made: SystemExit: bye (theirs.py, line 1)"),
        ("import os; os._exit(7)\n", "its process ended with exit code 7 instead of answering"),
        ("import (\n", "theirs.py cannot be read: "),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path, before, line):
    with pytest.raises((NoAnswerError, ParamsError)) as error:
        make(tmp_path, before=before)
    assert str(error.value).startswith(f"theirs.py:Theirs: {line}")


def test_a_class_that_is_not_there_is_one_line(tmp_path):
    code = replace(guests.code(tmp_path), attribute="Ours")
    with pytest.raises(NoAnswerError, match=r"could not be made: AttributeError: .* has no attribute 'Ours'"):
        Guest(code)


def test_weights_are_read_by_from_file(tmp_path):
    code = guests.code(tmp_path)
    text = Path(code.place).read_text().replace(
        "    def start(", "    @classmethod\n    def from_file(cls, path):\n        one = cls()\n"
        "        one.factor = float(path.read_text())\n        return one\n\n    def start(",
    ).replace("Start(cold(problems))", "Start(self.factor * cold(problems))")  # fmt: skip
    Path(code.place).write_text(text)
    (tmp_path / "weights").write_text("2.5")
    problems = several()
    g = Guest(code, tmp_path / "weights").start(problems).g
    np.testing.assert_allclose(g[0], 2.5 * sinkhorn.cold(problems[0]))
    with pytest.raises(NoAnswerError, match="it has from_file, so it must be given a file to read"):
        Guest(code)


def test_what_lies_beside_the_file_may_be_imported(tmp_path):
    (tmp_path / "beside.py").write_text("FACTOR = 3")
    g = make(tmp_path, "return Start(beside.FACTOR * cold(problems))", "import beside\n").start(problems := several()).g
    np.testing.assert_allclose(g[0], 3 * sinkhorn.cold(problems[0]))


def test_closing_ends_its_process(tmp_path):
    one = make(tmp_path)
    process = one._process
    assert process.poll() is None
    one.close()
    assert process.returncode is not None


def test_an_installed_package_makes_its_contestants_known_by_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(guests.package(tmp_path))
    assert outside.installed() == {"theirs": outside.Code("theirs", "their_package.theirs", "Theirs")}
    assert contestants.check_name("theirs", "method") == "theirs"
    one = contestants.create("theirs")
    assert isinstance(one, Failsafe)
    assert isinstance(one.contestant, Guest)
    assert one.name == "theirs"
    assert conformance.check(lambda: contestants.create("theirs"), warmstarts.entries()) == {}
    with pytest.raises(ParamsError, match=r"method must be one of cold, .*, theirs, but is 'ours'"):
        contestants.check_name("ours", "method")


def test_what_gives_no_answer_gives_nan_behind_a_failsafe(tmp_path, capsys):
    """For a batch that it fails on, and no other; so a pipeline or a record goes on."""
    one = Failsafe(make(tmp_path, "if len(problems) == 6: os._exit(3)\nreturn Start(cold(problems))"))
    answer = one.start(several())
    assert answer.g.shape == several().b.shape
    assert np.isnan(answer.g).all()
    assert capsys.readouterr().err.startswith("6 problem(s) are failures: theirs.py:Theirs: its process ended with")
    assert np.isfinite(one.start(Problems.of(several()[0])).g).all()


def test_an_installed_contestant_takes_nobodys_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(guests.package(tmp_path / "a", "cold = their_package.theirs:Theirs"))
    assert type(contestants.create("cold")).__name__ == "Cold"
    monkeypatch.syspath_prepend(guests.package(tmp_path / "b", "cold = other.theirs:Theirs", "other"))
    words = "two installed packages name a contestant cold: .*:Theirs and .*:Theirs"
    with pytest.raises(ParamsError, match=words):
        outside.installed()


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("nothing.py:Theirs", "nothing.py: no such file"),
        ("theirs.py", "a contestant of yours must be given as FILE.py:CLASS, but is 'theirs.py'"),
        ("theirs.py:", "must be given as FILE.py:CLASS"),
        ("theirs.txt:Theirs", "must be given as FILE.py:CLASS"),
        ("theirs.py:1", "must be given as FILE.py:CLASS"),
    ],
)
def test_a_reference_that_means_nothing_is_refused(tmp_path, monkeypatch, reference, words):
    monkeypatch.chdir(guests.contestant(tmp_path).parent)
    with pytest.raises(ParamsError, match=words):
        outside.in_file(reference)


def test_text_from_outside_is_one_line_of_text():
    assert relay.printable("a\nb\x1b[31m\u202ec\ud800") == "a b [31m c "
