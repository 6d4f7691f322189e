"""Tracks B and C: what is counted, what falls back, what fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from paletteot import warmstarts
from paletteot.benchmark.tracks import accelerated as accelerate
from paletteot.benchmark.tracks import asking as starts
from paletteot.benchmark.tracks import newton as second_order
from paletteot.benchmark.tracks import runner as evaluate
from paletteot.ot import accelerated, newton, sinkhorn
from tests.benchmark.starts import EPS, STOP, Exact, Told, pairs


def judged(contestant, track, **changes):
    return evaluate.judge(contestant, pairs(), replace(STOP, **changes), tracks=(track,))[track]


def of(frame, name):
    return frame.filter(pl.col("acceleration") == name)


def test_plain_is_for_the_base_and_own_omega_for_those_that_have_one():
    common = {"relaxed", "relaxed_power", "anderson_5", "anderson_10", "anderson_20"}
    assert set(judged(warmstarts.create("cold"), "B")["acceleration"]) == common | {"plain"}
    assert set(judged(Told(), "B")["acceleration"]) == common
    assert set(judged(Told(omega=np.full(4, 1.5)), "B")["acceleration"]) == common | {"relaxed_own"}


def test_the_relaxed_iterations_are_left_out_where_not_asked_for():
    rows = evaluate.judge(Told(omega=np.full(4, 1.5)), pairs(), STOP, tracks=("B",), relaxed=False)["B"]
    assert set(rows["acceleration"]) == set(accelerate.ANDERSON)


def test_counts_are_those_of_the_solver_to_both_errors():
    frame = of(judged(warmstarts.create("cold"), "B"), "anderson_10")
    problems = pairs().problems(EPS)
    for row in range(4):
        for label, error in (("1e-5", 1e-5), ("1e-9", 1e-9)):
            run = accelerated.anderson(problems[row], tolerances=(error,))
            assert frame[f"iterations_{label}"][row] == run.iterations[0]
            assert sinkhorn.marginal_error(problems[row], run.g) <= 1.01 * error
    assert frame["converged_1e-9"].all()


def test_passes_of_the_start_and_of_the_power_iterations_are_counted():
    frame = judged(Exact(), "B")
    assert (of(frame, "anderson_10")["init_iterations"] == 3).all()
    assert (of(frame, "relaxed_power")["init_iterations"] == 3 + accelerate.POWER_PASSES).all()
    assert (frame["iterations_1e-5"] == 0).all()


def test_own_omega_is_used_and_an_illegal_one_falls_back():
    told = judged(Told(omega=np.array([1.8, np.nan, 2.0, -1.0])), "B")
    own, constant = of(told, "relaxed_own"), of(told, "relaxed")
    assert own["fallback"].to_list() == [False, True, True, True]
    assert own["iterations_1e-9"].to_list() == constant["iterations_1e-9"].to_list()
    assert not constant["fallback"].any()
    other = of(judged(Told(omega=np.full(4, 1.2)), "B"), "relaxed_own")
    assert other["iterations_1e-9"].to_list() != constant["iterations_1e-9"].to_list()


def test_an_unconverged_run_stands_as_the_cap():
    frame = judged(warmstarts.create("cold"), "B", max_iterations=4)
    assert len(frame) == 4 * 6
    assert (frame["iterations_1e-9"] == 4).all()
    assert not frame["converged_1e-9"].any()


def test_a_plan_in_blocks_implies_no_omega_beyond_two(monkeypatch):
    monkeypatch.setattr(accelerated, "implied_omega", lambda *_: 2.0)
    frame = of(judged(warmstarts.create("cold"), "B", max_iterations=50), "relaxed_power")
    assert len(frame) == 4


@pytest.mark.parametrize("track", ["B", "C"])
def test_a_fallen_start_is_marked_in_every_row(track):
    def make(g):
        return np.where(np.arange(4)[:, None] == 2, np.nan, g)

    frame = judged(Told(make), track)
    assert frame.filter("fallback")["pair_id"].unique().to_list() == [2]
    assert frame.filter(pl.col("pair_id") == 2)["fallback"].all()


@pytest.mark.parametrize("scale", [10.0, 4000.0])
def test_wild_starts_spoil_nothing(scale):
    wild = Told(lambda g: np.random.default_rng(0).uniform(-scale, scale, g.shape))
    rows = evaluate.judge(wild, pairs(), STOP)
    assert rows["B"].filter(pl.col("acceleration").str.starts_with("anderson"))["converged_1e-9"].all()
    solved = rows["C"].filter("converged")
    assert (solved["error"] <= second_order.TOLERANCE).all()
    assert (rows["C"].filter(~pl.col("converged"))["steps"] == newton.MAX_STEPS).all()


def test_newton_in_front_of_the_answer_takes_no_step():
    frame = judged(Exact(), "C")
    assert (frame["steps"] == 0).all()
    assert frame["converged"].all()
    assert (frame["init_iterations"] == 3).all()


@pytest.mark.parametrize("error", [newton.NotSolvedError("no"), np.linalg.LinAlgError("no")])
def test_newton_that_stops_short_is_a_failure_and_no_crash(monkeypatch, error):
    def stop(*_, **__):
        raise error

    monkeypatch.setattr(newton, "solve", stop)
    frame = second_order.track_c(starts.ask(Told(), pairs()))
    assert not frame["converged"].any()
    assert frame["error"].null_count() == 4
    assert (frame["steps"] == newton.MAX_STEPS).all()


def test_newton_is_not_believed(monkeypatch):
    """An answer whose recomputed error is too large is a failure, whatever the solver says of it."""
    monkeypatch.setattr(newton, "solve", lambda _, g, **__: newton.NewtonSolution(g, 1, 0.0))
    frame = second_order.track_c(starts.ask(Told(), pairs()))
    assert not frame["converged"].any()
    assert (frame["error"] > 1e-3).all()
