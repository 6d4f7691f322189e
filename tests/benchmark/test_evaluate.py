from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from paletteot import warmstarts
from paletteot.benchmark import schema
from paletteot.benchmark.tracks import asking as starts
from paletteot.benchmark.tracks import runner as evaluate
from paletteot.errors import DataError, ParamsError
from paletteot.ot import sinkhorn
from paletteot.tables import check_table
from paletteot.warmstarts.contract import WarmStart
from tests.benchmark.starts import STOP, Exact, Told, pairs


def track_a(contestant, **changes):
    return evaluate.judge(contestant, pairs(), replace(STOP, **changes), tracks=("A",))["A"]


@pytest.mark.parametrize("name", ["cold", "lp_duals"])
def test_a_contestant_answers_in_the_contract(name):
    contestant = warmstarts.create(name)
    assert isinstance(contestant, WarmStart)
    problems = pairs().problems(0.5)
    before = [array.copy() for array in (problems.x, problems.a, problems.y, problems.b)]
    g = contestant.start(problems).g
    assert (g.dtype, g.shape) == (np.float64, (4, 12))
    for was, now in zip(before, (problems.x, problems.a, problems.y, problems.b), strict=True):
        np.testing.assert_array_equal(was, now)
    assert contestant.name == name


def test_rows_are_those_of_the_reference_iteration():
    frame = track_a(warmstarts.create("cold"))
    problems = pairs().problems(0.5)
    assert frame["iterations"].to_list() == [sinkhorn.reference_log_domain(problems[row])[0] for row in range(4)]
    assert frame["converged"].all()
    assert (frame["init_iterations"] == 0).all()
    assert not frame["fallback"].any()
    assert (frame["total_seconds"] > frame["init_seconds"]).all()


def test_every_track_answers_in_its_tables():
    rows = evaluate.judge(warmstarts.create("cold"), pairs(), STOP)
    assert {track: len(frame) for track, frame in rows.items()} == {"A": 4, "B": 4 * 6, "C": 4, "ladder": 4 * 5}
    for track, tables in schema.TRACKS.items():
        for table in tables.values():
            check_table(rows[track], table, "rows")


def test_a_contestant_is_asked_once_and_only_for_the_tracks_wanted():
    class Counting(Exact):
        asked = 0

        def start(self, problems):
            Counting.asked += 1
            return super().start(problems)

    rows = evaluate.judge(Counting(), pairs(), STOP, tracks=("B", "C"))
    assert Counting.asked == 1
    assert rows["A"].is_empty()
    assert rows["A"].schema == schema.track_dtypes("A")
    assert len(rows["B"])
    assert len(rows["C"])


def test_the_solution_needs_no_iteration_and_its_passes_are_counted():
    frame = track_a(Exact())
    assert frame["iterations"].to_list() == [0] * 4
    assert frame["init_iterations"].to_list() == [3] * 4
    assert (frame["error_0"] < 1e-8).all()


def test_a_warm_start_asks_fewer_iterations_and_both_converge():
    cold, warm = (track_a(warmstarts.create(name)) for name in ("cold", "lp_duals"))
    assert cold["converged"].all()
    assert warm["converged"].all()
    assert warm["iterations"].sum() < cold["iterations"].sum()


def test_a_run_at_the_cap_is_recorded():
    frame = track_a(warmstarts.create("cold"), max_iterations=3)
    assert frame["iterations"].to_list() == [3] * 4
    assert not frame["converged"].any()


def first(value):
    """Put a value into the start of pair 1, at an atom whose weight is positive."""

    def make(g):
        g = g.copy()
        g[1, 0] = value
        return g

    return make


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.1 * starts.ABSURD, -1e308])
def test_a_start_that_is_not_finite_or_absurd_falls_back_to_cold(value):
    told, cold = track_a(Told(first(value))), track_a(warmstarts.create("cold"))
    assert told["fallback"].to_list() == [False, True, False, False]
    assert told["iterations"].to_list() == cold["iterations"].to_list()
    assert told["converged"].all()


def test_what_stands_off_the_support_does_not_matter():
    def make(g):
        return np.where(pairs().problems(0.5).b == 0, np.nan, g)

    assert np.isnan(make(np.zeros((4, 12)))).any()
    assert not track_a(Told(make))["fallback"].any()


def test_far_but_not_absurd_starts_are_run_as_they_are():
    frame = track_a(Told(first(0.9 * starts.ABSURD)))
    assert not frame["fallback"].any()
    assert frame["converged"].all()


@pytest.mark.parametrize(
    ("contestant", "words"),
    [
        (
            Told(lambda g: g.astype(np.float32)),
            r"told: start must return g as float64 of shape \(4, 12\), but returned float32",
        ),
        (Told(lambda g: g[:, :5]), r"g as float64 of shape \(4, 12\), but returned float64 \(4, 5\)"),
        (Told(lambda g: g.tolist()), "but returned list"),
        (Told(omega=np.ones(3)), r"omega as float64 of shape \(4,\), but returned float64 \(3,\)"),
        (Told(iterations=np.array([1, 2])), r"iterations must be one number or \(4,\)"),
        (Told(iterations=-1), "told: iterations must be from 0 to 1000000, but hold -1"),
        (Told(iterations=1.5), "iterations must be whole numbers, but are float64"),
    ],
)
def test_an_illegal_start_is_named(contestant, words):
    with pytest.raises(DataError, match=words):
        track_a(contestant)


def test_an_unknown_contestant_gets_the_legal_names():
    with pytest.raises(ParamsError, match=r"method must be one of cold, dual_network, .* but is 'hot'"):
        warmstarts.create("hot")


CONSTANTS = [1e6, 1e12, 1e17, 1e20, -1e20, 1e300]


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_constant_in_g_buys_nothing(constant):
    """In float64 it takes the digits of g with it: what is left is a start without any knowledge, and runs as one."""
    rows = evaluate.judge(Told(lambda g: g + constant), pairs(), STOP)
    flat = evaluate.judge(Told(lambda g: g * 0), pairs(), STOP)
    assert (rows["A"]["iterations"] > 0).all()
    assert (rows["A"]["iterations"] > 0.5 * flat["A"]["iterations"]).all()
    for name in ("iterations_1e-5", "iterations_1e-9"):
        assert (rows["B"][name] > 0).all()
    done = rows["A"].filter("converged")
    assert (done["error_stop"] < 1e-3).all()


def test_what_is_claimed_at_a_stop_is_recomputed(monkeypatch):
    """Whatever made an iteration stop, its plan is looked at afresh."""
    from paletteot.ot import kernels

    monkeypatch.setattr(kernels, "iterate", lambda *arguments: _at_once(*arguments))
    frame = track_a(warmstarts.create("cold"))
    assert not frame["converged"].any()
    assert (frame["iterations"] == STOP.max_iterations).all()


def _at_once(cost, a, b, eps, g, atols, cap, counts, errors):  # noqa: ARG001
    """Claim every stop with no iteration, and leave the error of a start."""
    counts[:] = 0
    errors[:] = 1.0
    return len(atols)
