from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from paletteot.networks.optimiser import SMALLEST_MATRIX, Optimiser

WIDE = 3 * SMALLEST_MATRIX


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, WIDE), nn.GELU(), nn.Linear(WIDE, SMALLEST_MATRIX), nn.Linear(SMALLEST_MATRIX, 1))


def learn(network: nn.Module, optimiser: Optimiser, steps: int, rate: float = 1.0) -> None:
    for number in range(steps):
        points = torch.randn(16, 2, generator=torch.Generator().manual_seed(number))
        (network(points)[:, 0] - points.square().sum(1)).square().mean().backward()
        optimiser.step(rate)


def weights(network: nn.Module) -> list[torch.Tensor]:
    return [one.detach().clone() for one in network.parameters()]


def test_without_a_rate_for_matrices_it_is_adamw(network: nn.Module) -> None:
    other = copy.deepcopy(network)
    learn(network, Optimiser(network, 1e-2, None), 5, rate=0.5)
    adamw = torch.optim.AdamW(other.parameters(), lr=0.5e-2, weight_decay=1e-4)
    for number in range(5):
        points = torch.randn(16, 2, generator=torch.Generator().manual_seed(number))
        (other(points)[:, 0] - points.square().sum(1)).square().mean().backward()
        adamw.step()
        adamw.zero_grad()
    assert all(torch.equal(one, two) for one, two in zip(weights(network), weights(other), strict=True))


def test_steps_of_hidden_matrices_have_singular_values_that_are_alike(network: nn.Module) -> None:
    before = weights(network)
    rate = 0.02
    for number, one in enumerate(network.parameters()):
        one.grad = torch.randn(one.shape, generator=torch.Generator().manual_seed(number))
    Optimiser(network, 1e-3, rate).step(1.0)
    changes = [new - old for new, old in zip(weights(network), before, strict=True)]
    hidden = [one for one in changes if one.shape == (SMALLEST_MATRIX, WIDE)]
    assert len(hidden) == 1
    sizes = torch.linalg.svdvals(hidden[0])
    assert sizes.max() < 1.3 * rate
    assert sizes.min() > 0.6 * rate
    others = [one for one in changes if one.shape != hidden[0].shape]
    assert all(one.abs().max() < 1.1e-3 for one in others)


@pytest.mark.parametrize("matrix_rate", [None, 0.02])
def test_it_goes_on_from_a_state(network: nn.Module, matrix_rate: float | None) -> None:
    other = copy.deepcopy(network)
    learn(network, whole := Optimiser(network, 1e-2, matrix_rate), 4)
    learn(other, first := Optimiser(other, 1e-2, matrix_rate), 4)
    again = Optimiser(other, 1e-2, matrix_rate)
    again.load_state_dict(copy.deepcopy(first.state_dict()))
    learn(network, whole, 3)
    learn(other, again, 3)
    assert all(torch.equal(one, two) for one, two in zip(weights(network), weights(other), strict=True))


def test_no_rate_changes_nothing(network: nn.Module) -> None:
    before = weights(network)
    learn(network, Optimiser(network, 1e-2, 0.02), 2, rate=0.0)
    assert all(torch.equal(one, two) for one, two in zip(weights(network), before, strict=True))


def test_it_forgets_the_gradients(network: nn.Module) -> None:
    learn(network, Optimiser(network, 1e-2, 0.02), 1)
    assert all(one.grad is None for one in network.parameters())
