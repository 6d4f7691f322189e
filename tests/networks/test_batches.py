from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from paletteot.networks.batches import OFF, Batch, centred, distances, epoch, log_weights, meetings, softmin
from paletteot.ot import sinkhorn
from tests.networks.labelled import EPS, labelled_pairs

CPU = torch.device("cpu")


@settings(max_examples=40, deadline=None)
@given(
    pictures=st.integers(2, 30), pairs=st.integers(1, 200), block=st.integers(1, 12), seed=st.integers(0, 99)
)  # fmt: skip
def test_an_epoch_meets_every_pair_once_between_few_pictures(pictures: int, pairs: int, block: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    source, target = rng.integers(0, pictures, (2, pairs)) * 7
    batches = list(epoch(source, target, block, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches)) == list(range(pairs))
    for rows in batches:
        assert len(np.unique(source[rows])) <= block
        assert len(np.unique(target[rows])) <= block


def test_the_order_of_an_epoch_hangs_on_the_seed_alone() -> None:
    source, target = np.random.default_rng(0).integers(0, 20, (2, 300))

    def order(seed: int) -> list[int]:
        return [int(row) for rows in epoch(source, target, 5, np.random.default_rng(seed)) for row in rows]

    assert order(1) == order(1) != order(2)


def test_a_batch_holds_each_palette_once_and_the_right_problems() -> None:
    pairs = labelled_pairs()
    rows = np.array([0, 1, 7, 29, 12])
    batch = Batch.of_pairs(pairs, pairs.g, rows, CPU)
    problems = pairs.problems(EPS)
    assert len(batch) == 5
    assert len(batch.x) == len(np.unique(pairs.source[rows])) < 5
    np.testing.assert_allclose(batch.x[batch.source], problems.x[rows], rtol=1e-6)
    np.testing.assert_allclose(batch.b[batch.target], problems.b[rows], rtol=1e-6)
    assert batch.g is not None
    np.testing.assert_allclose(batch.g, pairs.g[rows], rtol=1e-6)
    np.testing.assert_allclose(batch.costs()[2], problems[7].cost, atol=1e-4)
    part = batch.part(slice(1, 3))
    assert torch.equal(part.costs(), batch.costs()[1:3])


def test_a_batch_of_problems_is_the_batch_of_their_pairs() -> None:
    pairs = labelled_pairs()
    one, other = Batch.of_problems(pairs.problems(EPS), CPU), Batch.of_pairs(pairs, pairs.g, np.arange(30), CPU)
    for field in ("x", "a", "y", "b", "source", "target"):
        assert torch.equal(getattr(one, field), getattr(other, field))
    assert one.g is None


def test_what_stands_where_there_is_no_atom_is_not_seen() -> None:
    pairs = labelled_pairs()
    clean = Batch.of_problems(pairs.problems(EPS), CPU)
    pairs.palettes.x[-1, -2:] = np.nan
    assert torch.equal(Batch.of_problems(pairs.problems(EPS), CPU).costs(), clean.costs())


@pytest.mark.parametrize("dim", [1, 2])
def test_softmin_is_the_sinkhorn_update(dim: int) -> None:
    rng = np.random.default_rng(3)
    cost = rng.uniform(0, 60, (4, 7, 9))
    n = cost.shape[dim]
    potential, weight = rng.normal(size=(4, n)) * 20, rng.dirichlet(np.ones(n), 4)
    weight[0, 0] = 0
    with np.errstate(divide="ignore"):
        exponent = (np.expand_dims(potential, 3 - dim) - cost) / EPS + np.expand_dims(np.log(weight), 3 - dim)
    expected = -EPS * logsumexp(exponent, axis=dim)
    tensors = [torch.tensor(array, dtype=torch.float32) for array in (cost, potential, weight)]
    found = softmin(tensors[0], tensors[1], log_weights(tensors[2]), EPS, dim)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_softmin_of_a_label_is_the_source_potential() -> None:
    pairs = labelled_pairs()
    batch = Batch.of_pairs(pairs, pairs.g, np.arange(len(pairs)), CPU)
    assert batch.g is not None
    f = softmin(batch.costs(), batch.g, log_weights(batch.weights()[1]), EPS, 2)
    for row in (0, 11, 29):
        problem = pairs.problems(EPS)[row]
        on = problem.a > 0
        np.testing.assert_allclose(f[row][on], sinkhorn.source_potential(problem, pairs.g[row])[on], atol=1e-4)


def test_softmin_leaves_its_arguments_alone() -> None:
    cost, potential, weight = torch.rand(2, 3, 4), torch.rand(2, 4), torch.rand(2, 4).log()
    before = [one.clone() for one in (cost, potential, weight)]
    softmin(cost, potential, weight, 0.1, 2)
    assert all(torch.equal(old, new) for old, new in zip(before, (cost, potential, weight), strict=True))


def test_distances_keep_their_digits_far_from_the_origin() -> None:
    x = torch.tensor([[100.0, 90.0, -90.0]])
    assert distances(x, x + torch.tensor([0.0, 0.0, 0.01]))[0, 0] == pytest.approx(0.01, rel=1e-3)


def test_centring_is_the_gauge_and_log_weights_are_finite() -> None:
    weights = torch.tensor([[0.25, 0.75, 0.0]])
    shifted = centred(torch.tensor([[4.0, 0.0, float("nan")]]), weights)
    assert shifted.tolist() == [[3.0, -1.0, 0.0]]
    assert log_weights(weights)[0, 2] == OFF


def test_palettes_meet_whoever_has_a_pair_and_nobody_else() -> None:
    source, target = np.array([3, 3, 9]), np.array([5, 9, 7])
    met = list(islice(meetings(source, target, 6, np.random.default_rng(0)), 40))
    assert all(len(sources) == len(targets) == 6 for sources, targets in met)
    assert {int(row) for both in met for side in both for row in side} == {3, 5, 7, 9}
    assert len({(int(i), int(j)) for sources, targets in met for i, j in zip(sources, targets, strict=True)}) == 16
    again = next(meetings(source, target, 6, np.random.default_rng(0)))
    np.testing.assert_array_equal(again, met[0])


def test_a_batch_between_palettes_is_their_problems() -> None:
    pairs = labelled_pairs()
    rows = np.array([4, 11, 4, 29])
    one = Batch.between(pairs.palettes, pairs.source[rows], pairs.target[rows], CPU)
    other = Batch.of_pairs(pairs, pairs.g, rows, CPU)
    assert one.g is None
    assert torch.equal(one.costs(), other.costs())
    for mine, theirs in zip(one.weights(), other.weights(), strict=True):
        assert torch.equal(mine, theirs)
