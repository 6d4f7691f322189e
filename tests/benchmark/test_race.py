"""Solvers of anybody, timed from outside: what is a failure, what is not, and that only solving gains anything."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from paletteot import solvers as own
from paletteot.benchmark import schema as judged
from paletteot.benchmark.tracks import race
from paletteot.dataset import schema
from paletteot.dataset.load import Pairs, Palettes
from paletteot.guests import contestant, tree
from paletteot.guests.code import Code
from paletteot.guests.process import Limits
from paletteot.guests.solver import Answer, Solver
from paletteot.ot import newton, sinkhorn
from paletteot.tables import check_table, dtypes
from paletteot.warmstarts.contract import NoAnswerError
from tests.benchmark import solvers
from tests.conftest import MakeProblem, palette

EPS = 2.0
TOLERANCE = 1e-4
LIMITS = Limits(seconds=30, memory=4, startup=300)
PINS = hasattr(os, "sched_setaffinity")


def pairs(sizes: range) -> Pairs:
    """Pairs from one picture of 8 colours to one of each size, padded by atoms of weight zero."""
    k = max(8, *sizes)
    x, a = np.zeros((len(sizes) + 1, k, 3)), np.zeros((len(sizes) + 1, k))
    for row, size in enumerate([8, *sizes]):
        x[row, :size], a[row, :size] = palette(np.random.default_rng(row), size)
    names = [f"p{row}" for row in range(len(x))]
    frame = pl.DataFrame(
        {"pair_id": list(sizes), "split": ["test_unseen"] * len(sizes), "source": names[:1] * len(sizes),
         "target": names[1:]},
        schema=dtypes(schema.PAIRS),
    ).with_columns(eps=pl.lit(EPS))  # fmt: skip
    return Pairs(Palettes(names, names, names, x, a), frame, np.zeros(len(sizes), dtype=np.int64), np.arange(1, len(x)))


def run(codes: list[Code], some: Pairs, limits: Limits = LIMITS, **changed) -> pl.DataFrame:
    terms = {"repeats": 1, "seed": 0, "tolerances": (TOLERANCE,)} | changed
    return pl.concat(race.race(codes, some, limits=limits, **terms))


@pytest.fixture(scope="module")
def bad(tmp_path_factory) -> dict[int, dict[str, object]]:
    """What became of the bad one, by the size of the target; and of cold + plain beside it, under 0."""
    limits = Limits(seconds=4, memory=4, startup=300)
    code = solvers.code(tmp_path_factory.mktemp("bad"), "bad")
    runs = run([code, Code("beside", own.__name__, "cold_plain")], pairs(range(2, 15)), limits)
    found = {row["pair_id"]: row for row in runs.filter(pl.col("method") == code.label).iter_rows(named=True)}
    return found | {0: {"reached": runs.filter(pl.col("method") == "beside")["reached"].to_list()}}


@pytest.mark.parametrize(
    ("size", "failure", "told"),
    [
        (2, "", ""),
        (3, "crash", "solve raised ValueError: no idea (theirs.py, line "),
        (4, "crash", "its process ended with exit code 9 instead of answering"),
        (5, "hang", "it did not answer within 4 s"),
        (6, "not finite", ""),
        (7, "illegal", "solve must return g as float64 of shape (7,), but returned float64 of shape (6,)"),
        (8, "illegal", "solve must return g as float64 of shape (8,), but returned float32 of shape (8,)"),
        (9, "false claim", ""),
        (10, "missed", ""),
        (11, "crash", "solve raised "),
        (12, "crash", "solve must return g as an array of numbers, but returned dict"),
        (13, "", ""),
        (14, "missed", ""),
    ],
)
def test_what_is_a_failure_is_named(bad, size, failure, told):
    row = bad[size]
    assert row["failure"] == failure
    assert row["reached"] == (not failure)
    assert row["told"].startswith(told)
    assert bool(row["told"]) == bool(told)
    if not failure:
        assert 0 <= row["error"] <= TOLERANCE
    if size in (9, 10):
        assert row["error"] > TOLERANCE


@pytest.mark.skipif(not PINS, reason="data is limited on Linux only")
def test_what_eats_memory_ends_at_its_limit(bad):
    assert "Unable to allocate 29.8 GiB" in bad[11]["told"]


def test_who_misbehaves_takes_nothing_from_who_runs_beside(bad):
    assert bad[0]["reached"] == [True] * 13


def test_what_it_prints_is_marked_as_its_own(tmp_path, capfd):
    one = Solver(solvers.code(tmp_path, "bad"), LIMITS, practice=(), tolerance=TOLERANCE)
    one.solve(pairs(range(13, 14)).problems(EPS)[0].on_support())
    one.close()
    assert capfd.readouterr() == ("", "theirs.py:bad | 13 problems, all solved in 0 ms\n")


def test_no_process_meets_a_problem_twice_and_the_order_is_seeded(tmp_path):
    code, sizes = solvers.code(tmp_path, "forgetful"), range(3, 8)
    runs = run([code, Code("plain", own.__name__, "cold_plain")], pairs(sizes), repeats=2, seed=5)
    assert runs["reached"].all(), runs["told"].to_list()
    assert runs["order"].to_list() == list(range(20))
    assert runs["repeat"].to_list() == [0] * 10 + [1] * 10
    rng, expected = np.random.default_rng(5), []
    for _ in range(2):
        expected += [(sizes[row], place) for row in rng.permutation(5) for place in rng.permutation(2)]
    first = runs["method"] == code.label
    assert list(zip(runs["pair_id"], 1 - first.cast(pl.Int64), strict=True)) == expected
    assert len({tuple(part["pair_id"]) for _, part in runs.filter(first).group_by("repeat")}) == 2
    for name, table in (("rows", judged.SOLVES), ("seconds", judged.SOLVES_SECONDS)):
        check_table(runs, table, name)
    assert "seconds" not in judged.SOLVES


@pytest.mark.skipif(not PINS, reason="no system call that keeps a process on one processor")
def test_a_solver_stays_on_one_processor_and_sleeps_between_questions(tmp_path, make_problem: MakeProblem):
    problem = make_problem(k=8, eps=EPS)
    one = Solver(solvers.code(tmp_path, "busy"), LIMITS, practice=(), tolerance=TOLERANCE)
    for _ in range(2):
        answer = one.solve(problem)
        assert race.judge(problem, answer, TOLERANCE)[1] == ""
        assert answer.cpu_seconds is not None
        assert [tree.processors(pid) for pid in one.pids] == [{one.cpu}] * len(one.pids)
        assert {tree.read(pid).state for pid in one.pids} == {"T"}
    assert max(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in one.pids) > 2
    one.close()


@pytest.mark.skipif(not PINS or os.cpu_count() == 1, reason="there is no other processor to go to")
def test_who_leaves_the_processor_fails(tmp_path, make_problem: MakeProblem):
    problem = make_problem(k=8, eps=EPS)
    one = Solver(solvers.code(tmp_path, "stray"), LIMITS, practice=(), tolerance=TOLERANCE)
    error, failure = race.judge(problem, one.solve(problem), TOLERANCE)
    assert failure == "parallel"
    assert error <= TOLERANCE
    one.close()


@pytest.mark.parametrize(
    ("seconds", "spent", "found"), [(1.0, 1.1, False), (1.0, 1.9, True), (0.001, 0.01, False), (1.0, None, False)]
)
def test_more_processor_time_than_one_has_is_seen(seconds, spent, found):
    assert contestant.parallel(seconds, spent) == found


def test_practice_meets_every_shape_and_what_fails_there_may_still_run(tmp_path):
    """The bad one dies on a target of 4 colours: in practice that costs it the practice, and nothing else."""
    easy = race.practice([(8, 4), (8, 2)], EPS)
    assert [(len(one.a), len(one.b), one.eps) for one in easy] == [(8, 4, EPS), (8, 2, EPS)]
    one = Solver(solvers.code(tmp_path, "bad"), LIMITS, practice=easy, tolerance=TOLERANCE)
    assert one.practice == ()
    assert race.judge(easy[1], one.solve(easy[1]), TOLERANCE)[1] == ""
    with pytest.raises(NoAnswerError, match="exit code 9"):
        one.solve(easy[0])
    one.close()


def test_code_that_cannot_be_made_fails_on_every_problem(tmp_path):
    runs = run([solvers.code(tmp_path, "nonesuch")], pairs(range(3, 5)))
    assert runs["failure"].to_list() == ["crash"] * 2
    assert "has no attribute 'nonesuch'" in runs["told"][0]


@pytest.mark.parametrize("claim", [True, False, None])
def test_the_error_decides_and_not_the_claim(make_problem: MakeProblem, claim):
    problem = make_problem(k=8, l=6, eps=EPS)
    g = newton.solve(problem).g

    def judged(g: np.ndarray, tolerance: float) -> tuple[float | None, str]:
        return race.judge(problem, Answer(g, claim, 1.0, None, False), tolerance)

    error, failure = judged(g + 100, 1e-9)
    assert failure == ""
    for constant in (1e17, 1e20, 1e300):  # which takes all digits of g with it
        error, failure = judged(np.full(6, constant), 1e-4)
        assert error == pytest.approx(sinkhorn.marginal_error(problem, np.zeros(6)))
        assert failure == ("false claim" if claim else "missed")
    off = g + 1e-3 * np.eye(6)[0]
    expected = sinkhorn.marginal_error(problem, off)
    error, failure = judged(off, expected * 1.01)
    assert (error, failure) == (pytest.approx(expected), "")
    assert judged(off, expected * 0.99)[1] == ("false claim" if claim else "missed")


@pytest.mark.parametrize("name", own.OWN)
@pytest.mark.parametrize("tolerance", race.TOLERANCES)
def test_our_own_reach_what_they_say(name, tolerance, make_problem: MakeProblem):
    code = {code.label: code for code in own.own()}.get(name)
    if code is None:
        assert name.startswith("dual_network")
        pytest.skip("this copy of the package holds no weights")
    problem = make_problem(k=16, eps=0.5)
    g, converged = getattr(own, code.attribute)(problem.x, problem.a, problem.y, problem.b, problem.eps, tolerance)
    assert converged
    assert race.judge(problem, Answer(g, converged, 1.0, None, False), tolerance)[1] == ""
