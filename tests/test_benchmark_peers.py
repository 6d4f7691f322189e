"""The benchmark of solvers: every package's answer is ours, what fails is told, what is absent is named."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from paletteot.ot import newton, sinkhorn
from paletteot.ot.problem import Array, Problem
from tests.conftest import MakeProblem

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
import peers
import solvers

FOUND, ABSENT = peers.find()
OPTIONAL = ("jax", "regot", "geomloss.ot", "mdot_tnt.mdot")


@pytest.mark.parametrize("peer", FOUND, ids=lambda peer: peer.name)
def test_a_peer_solves_our_problem(peer: peers.Peer, make_problem: MakeProblem) -> None:
    problem = make_problem(k=12, l=9, eps=4.0)
    threshold = peers.loosest(peer, [problem], 1e-4)
    g = peer.solve(problem, problem.cost, threshold)
    assert peers.error(problem, g) <= 1e-4
    exact = newton.solve(problem).g  # another eps, or weights left in the potentials, would give another plan
    np.testing.assert_allclose(sinkhorn.plan(problem, g), sinkhorn.plan(problem, exact), atol=1e-4)


def test_every_peer_is_found_or_named() -> None:
    assert {peer.name for peer in FOUND} | set(ABSENT) == {entry[0] for entry in peers.ALL}
    assert all(package.split()[1] for package in peers.versions(FOUND).split(", "))


def test_an_absent_peer_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in OPTIONAL:
        monkeypatch.setitem(sys.modules, module, None)
    found, absent = peers.find()
    assert {peer.packages for peer in found} == {("POT",)}
    for name, module in (("OTT-JAX", "jax"), ("regot sinkhorn_ssns", "regot"), ("mdot-tnt", "mdot_tnt")):
        assert module in absent[name]
    row = next(line for line in solvers.table([_ran("ours", [1e-5])], absent, 1e-4) if "| regot sinkhorn_ssns" in line)
    assert "not installed" in row
    assert row.count("|") == solvers.HEAD[0].count("|")


def test_loosest_threshold_that_meets_the_tolerance(make_problem: MakeProblem) -> None:
    problem = make_problem()
    exact = newton.solve(problem).g
    error_of_one = peers.error(problem, exact + np.eye(len(exact))[0] * 1e-3) / 1e-3

    def off(_problem: Problem, _cost: Array, threshold: float) -> Array:
        return exact + np.eye(len(exact))[0] * 30 * threshold / error_of_one

    assert peers.loosest(peers.Peer("thirty times", (), off), [problem], 1e-6) == pytest.approx(1e-8)
    never = peers.Peer(
        "never", (), lambda problem, cost, threshold: off(problem, cost, 1e-5 * threshold), counts=(3, 2)
    )
    assert peers.loosest(never, [problem], 1e-6) == 2


def test_what_a_solver_raises_counts_as_nan_and_is_told(make_problem: MakeProblem) -> None:
    problem = make_problem()

    def broken(_problem: Problem, _cost: Array) -> Array:
        raise ArithmeticError("no descent")

    contestant = solvers.Contestant("broken", broken)
    contestant.run(problem, problem.cost)
    assert np.isnan(contestant.errors).all()
    assert contestant.failed(1.0) == 1
    ours = _ran("ours", [1e-5])
    lines = solvers.table([ours, contestant], {}, 1e-4)
    assert any(line.startswith("| broken | 1 |") and line.endswith("| 1 | 1 |") for line in lines)
    assert "- broken, 1 x ArithmeticError: no descent" in lines


def test_a_run_just_above_the_tolerance_has_failed() -> None:
    contestant = _ran("near", [1e-4, np.nextafter(1e-4, 1), 1e-5, np.nan])
    assert contestant.failed(1e-4) == 2


@pytest.mark.parametrize("tolerance", solvers.TOLERANCES)
def test_ours_reach_the_tolerance(
    tolerance: float, make_problem: MakeProblem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solvers.paths, "MODELS", tmp_path)  # no learned starts: those come with the data
    problem = make_problem(k=16, eps=0.5)
    contestants = solvers.ours(tolerance)
    solvers.race(contestants, [problem])
    assert {one.name: one.failed(tolerance) for one in contestants} == {one.name: 0 for one in contestants}


def _ran(name: str, errors: list[float]) -> solvers.Contestant:
    return solvers.Contestant(
        name, lambda problem, _cost: np.zeros(len(problem.b)), seconds=[1.0] * len(errors), errors=errors
    )
