"""The readout of omega: what it is fitted to, and that nothing else of the network moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from paletteot.networks import relaxation
from paletteot.networks.batches import Batch
from paletteot.networks.dual_network import DualNetwork
from paletteot.networks.relaxation import fit_relaxation, second_singular_value
from paletteot.ot import sinkhorn
from paletteot.ot.accelerated import best_omega
from paletteot.ot.problem import Array
from paletteot.warmstarts.dual_network import DualStart
from tests.networks.labelled import EPS, labelled_pairs

CPU = torch.device("cpu")
PAIRS = labelled_pairs()
EVERY = Batch.of_pairs(PAIRS, PAIRS.g, np.arange(len(PAIRS)), CPU)


def singular_values() -> Array:
    """Return the second singular value of each label's scaled plan, by numpy in float64."""
    found = []
    for row in range(len(PAIRS)):
        problem = PAIRS.problems(EPS)[row]
        i, j = problem.a > 0, problem.b > 0
        coupling = sinkhorn.plan(problem, PAIRS.g[row])[i][:, j]
        values = np.linalg.svd(coupling / np.sqrt(np.outer(problem.a[i], problem.b[j])), compute_uv=False)
        assert values[0] == pytest.approx(1)
        found.append(values[1])
    return np.array(found)


def network() -> DualNetwork:
    torch.manual_seed(0)
    return DualNetwork(hidden=8, temperatures=(8.0, 2.0, 0.5)).eval()


def predicted(made: DualNetwork) -> Array:
    omega = DualStart(made).start(PAIRS.problems(EPS)).omega
    assert omega is not None
    return omega


def test_the_second_singular_value_is_numpys_from_below(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = singular_values()
    few = second_singular_value(EVERY, EPS).numpy()
    assert (few <= expected + 1e-4).all()
    np.testing.assert_allclose(few, expected, atol=0.03)
    assert np.median(np.abs(few - expected)) < 1e-4
    monkeypatch.setattr(relaxation, "POWER", 600)
    np.testing.assert_allclose(second_singular_value(EVERY, EPS).numpy(), expected, atol=1e-4)


def test_nothing_but_the_readout_is_fitted() -> None:
    made = network()
    problems = PAIRS.problems(EPS)
    before = {key: value.clone() for key, value in made.state_dict().items()}
    g, omega = DualStart(made).start(problems).g, predicted(made)
    fit_relaxation(made, PAIRS, PAIRS.g, EPS, CPU)
    moved = {key for key, value in made.state_dict().items() if not torch.equal(before[key], value)}
    assert moved == {"relaxation.weight", "relaxation.bias"}
    np.testing.assert_array_equal(DualStart(made).start(problems).g, g)
    assert np.abs(predicted(made) - omega).max() > 0.1


def test_the_fitted_omega_is_between_one_and_two_and_near_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaxation, "POWER", 600)
    made = network()
    fit_relaxation(made, PAIRS, PAIRS.g, EPS, CPU)
    found, wanted = predicted(made), np.array([best_omega(value) for value in singular_values()])
    assert ((found > 1) & (found < 2)).all()

    def logit(omega: Array) -> Array:
        return np.asarray(np.log((omega - 1) / (2 - omega)))

    assert logit(found).mean() == pytest.approx(logit(wanted).mean(), abs=5e-3)  # the readout has an intercept
    assert ((logit(found) - logit(wanted)) ** 2).mean() < 0.8 * logit(wanted).var()


def test_it_is_fitted_on_the_first_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = network(), network()
    fit_relaxation(one, PAIRS[:7], PAIRS.g[:7], EPS, CPU)
    monkeypatch.setattr(relaxation, "PAIRS", 7)
    fit_relaxation(other, PAIRS, PAIRS.g, EPS, CPU)
    assert all(torch.equal(other.state_dict()[key], value) for key, value in one.state_dict().items())


def test_plans_of_one_atom_need_no_relaxation() -> None:
    pairs = labelled_pairs(2, pictures=3)
    pairs.palettes.a[:] = 0
    pairs.palettes.a[:, 0] = 1
    batch = Batch.of_pairs(pairs, np.zeros_like(pairs.g), np.arange(len(pairs)), CPU)
    np.testing.assert_allclose(second_singular_value(batch, EPS).numpy(), 0, atol=1e-6)
