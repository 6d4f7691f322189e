"""What the variants are trained on: by hand, against the semi-dual in float64, and by what gets a gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from paletteot.errors import ParamsError
from paletteot.networks import losses
from paletteot.networks.batches import Batch, log_weights, softmin
from paletteot.networks.dual_network import DualNetwork
from paletteot.ot import newton, sinkhorn
from tests.networks.labelled import EPS, labelled_pairs

PAIRS = labelled_pairs()
ROWS = np.array([0, 4, 24, 29])  # 24 has the palette with empty atoms as target, 29 as source

Loss = Callable[[DualNetwork, Batch, float], Tensor]
Answer = tuple[Tensor, Tensor]

DUAL = {name: one.of for name, one in losses.LOSSES.items() if one.architecture == "dual"}

each = pytest.mark.parametrize("loss", DUAL.values(), ids=list(DUAL))


class Told:
    """A network whose blocks answer what it was told."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)

    def encode(self, _batch: Batch) -> None:
        pass

    def potentials(self, _tokens: None, _batch: Batch, _eps: float) -> list[Answer]:
        return self.answers


def told(*answers: Answer) -> DualNetwork:
    return cast(DualNetwork, Told(*answers))


def exact_batch() -> Batch:
    """Return problems in float64, where a gradient of zero is zero."""
    batch = Batch.of_pairs(PAIRS, PAIRS.g, ROWS, torch.device("cpu"))
    x, a = (torch.tensor(part[np.unique(PAIRS.source[ROWS])]) for part in (PAIRS.palettes.x, PAIRS.palettes.a))
    y, b = (torch.tensor(part[np.unique(PAIRS.target[ROWS])]) for part in (PAIRS.palettes.x, PAIRS.palettes.a))
    return replace(batch, x=x, a=a, y=y, b=b, g=torch.tensor(PAIRS.g[ROWS]))


def truth(batch: Batch) -> Answer:
    """Return the potentials that solve the problems of a batch."""
    assert batch.g is not None
    return softmin(batch.costs(), batch.g, log_weights(batch.weights()[1]), EPS, 2), batch.g.clone()


def noisy(answer: Answer, size: float, seed: int = 0) -> Answer:
    dice = torch.Generator().manual_seed(seed)
    f, g = (part + size * torch.randn(part.shape, generator=dice, dtype=part.dtype) for part in answer)
    return f, g


def network() -> DualNetwork:
    """Return a network whose corrections are not zero, as if it had been trained."""
    torch.manual_seed(0)
    made = DualNetwork(hidden=16, temperatures=(8.0, 2.0, 0.5))
    for block in made.blocks:
        torch.nn.init.normal_(block.step.weight, std=0.3)  # type: ignore[union-attr,arg-type]
    return made


@pytest.mark.parametrize("loss", [losses.labelled, losses.unrolled])
@pytest.mark.parametrize("offset", [0.0, 25.0])
def test_at_the_truth_there_is_no_more_to_ask_for(loss: Loss, offset: float) -> None:
    batch = exact_batch()
    f, g = truth(batch)
    answer = (f + offset, g - offset)  # the gauge is no error
    assert loss(told(answer, answer), batch, EPS).item() == pytest.approx(np.log(losses.FLOOR), abs=1e-4)


def test_a_known_error_costs_its_logarithm() -> None:
    batch = exact_batch()
    f, g = truth(batch)
    _, b = batch.weights()
    step = torch.zeros_like(g)
    step[:, 0] = 3.0
    share = b[:, 0]
    expected = (torch.log(9 * share * (1 - share) + losses.FLOOR**2) / 2).mean().item()
    found = losses.labelled(told((f, g + step)), batch, EPS).item()
    assert found == pytest.approx((expected + np.log(losses.FLOOR)) / 2, abs=1e-6)


def test_later_blocks_count_more() -> None:
    batch = exact_batch()
    good, bad = truth(batch), noisy(truth(batch), 5.0)

    def cost(*answers: Answer) -> float:
        return losses.labelled(told(*answers), batch, EPS).item()

    shares = np.array([0.25, 0.5, 1.0]) / 1.75
    assert cost(bad, good, good) == pytest.approx(shares @ [cost(bad), cost(good), cost(good)])
    assert cost(good, bad, good) == pytest.approx(shares @ [cost(good), cost(bad), cost(good)])
    assert cost(bad, good, good) < cost(good, bad, good) < cost(good, good, bad)


def test_without_labels_the_loss_is_minus_the_semi_dual() -> None:
    batch = replace(exact_batch(), g=None)
    f, g = noisy(truth(exact_batch()), 2.0)
    values = []
    for row, pair in enumerate(ROWS):
        kept = (problem := PAIRS.problems(EPS)[int(pair)]).on_support()
        on_f, on_g = f[row][problem.a > 0].numpy(), g[row][problem.b > 0].numpy()
        values.append(newton.semi_dual(kept.cost, kept.a, kept.b, EPS, on_g)[0])
        values.append(newton.semi_dual(kept.cost.T.copy(), kept.b, kept.a, EPS, on_f)[0])
    assert losses.self_supervised(told((f, g)), batch, EPS).item() == pytest.approx(-np.mean(values), rel=1e-9)


def test_without_labels_the_loss_is_least_at_the_truth() -> None:
    batch = exact_batch()
    f, g = (part.requires_grad_() for part in truth(batch))
    loss = losses.self_supervised(told((f, g)), replace(batch, g=None), EPS)
    loss.backward()  # type: ignore[no-untyped-call]
    for part in (f, g):
        assert part.grad is not None
        assert part.grad.abs().max() < 1e-9
    duals = [
        newton.semi_dual(kept.cost, kept.a, kept.b, EPS, PAIRS.g[pair][problem.b > 0])[0]
        for pair in ROWS
        for problem in [PAIRS.problems(EPS)[int(pair)]]
        for kept in [problem.on_support()]
    ]
    assert loss.item() == pytest.approx(-np.mean(duals), rel=1e-9)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), size=st.floats(0.01, 50))
def test_without_labels_every_other_answer_costs_more(seed: int, size: float) -> None:
    batch = exact_batch()
    least = losses.self_supervised(told(truth(batch)), batch, EPS).item()
    assert losses.self_supervised(told(noisy(truth(batch), size, seed)), batch, EPS).item() > least


def test_no_label_is_read_where_there_is_none() -> None:
    batch = Batch.of_pairs(PAIRS, PAIRS.g, ROWS, torch.device("cpu"))
    made = network()
    expected = losses.self_supervised(made, batch, EPS)
    for labels in (None, torch.full_like(batch.g, float("nan"))):  # type: ignore[arg-type]
        assert torch.equal(losses.self_supervised(made, replace(batch, g=labels), EPS), expected)


def test_what_iterations_repair_costs_nothing_in_the_unrolled_part() -> None:
    batch = exact_batch()
    f, g = noisy(truth(batch), 3.0)
    logs = []
    for row, pair in enumerate(ROWS):
        problem = PAIRS.problems(EPS)[int(pair)]
        after = sinkhorn.reference(problem, g[row].numpy(), max_iterations=losses.UNROLLED).g
        error = sinkhorn.fix_gauge(after - PAIRS.g[pair], problem.b)
        logs.append(np.log(problem.b @ error**2 + losses.FLOOR**2) / 2)
    direct = losses.labelled(told((f, g)), batch, EPS).item()
    assert losses.unrolled(told((f, g)), batch, EPS).item() == pytest.approx((direct + np.mean(logs)) / 2, abs=1e-6)


def test_iterations_in_the_graph_have_the_gradient_of_differences() -> None:
    batch = exact_batch()
    f, g = noisy(truth(batch), 1.0)
    g.requires_grad_()
    losses.unrolled(told((f, g)), batch, EPS).backward()  # type: ignore[no-untyped-call]
    assert g.grad is not None
    with torch.no_grad():
        for place in ((0, 1), (2, 5), (3, 7)):
            step = torch.zeros_like(g)
            step[place] = 1e-5
            there, back = (losses.unrolled(told((f, g + sign * step)), batch, EPS).item() for sign in (1, -1))
            assert g.grad[place].item() == pytest.approx((there - back) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("dim", [1, 2])
def test_the_softmin_with_gradients_is_the_softmin(dim: int) -> None:
    batch = Batch.of_pairs(PAIRS, PAIRS.g, ROWS, torch.device("cpu"))
    f, g = truth(batch)
    potential, weights = (f, batch.weights()[0]) if dim == 1 else (g, batch.weights()[1])
    arguments = (batch.costs(), potential, log_weights(weights), EPS, dim)
    torch.testing.assert_close(losses.smooth_softmin(*arguments), softmin(*arguments), atol=1e-4, rtol=0)


UNTOLD: dict[Loss, tuple[str, ...]] = {
    losses.labelled: ("relaxation",),
    losses.self_supervised: ("relaxation",),
    losses.unrolled: ("relaxation",),
}
"""Parameters that a loss says nothing of: the relaxation is fitted afterwards."""


@each
def test_a_loss_tells_every_parameter_that_it_is_about(loss: Loss) -> None:
    made = network()
    value = loss(made, Batch.of_pairs(PAIRS, PAIRS.g, np.arange(30), torch.device("cpu")), EPS)
    value.backward()  # type: ignore[no-untyped-call]
    told_of = {name for name, one in made.named_parameters() if one.grad is not None and one.grad.abs().max() > 0}
    for name, parameter in made.named_parameters():
        if name.startswith(UNTOLD[loss]):
            assert parameter.grad is None
        elif not name.endswith("step.bias"):  # a constant added to g is none but in the gauge
            assert name in told_of
            assert torch.isfinite(parameter.grad).all()  # type: ignore[arg-type]


@each
def test_a_loss_leaves_its_batch_alone(loss: Loss) -> None:
    batch = Batch.of_pairs(PAIRS, PAIRS.g, ROWS, torch.device("cpu"))
    before = [one.clone() for one in (batch.x, batch.a, batch.y, batch.b, batch.g) if one is not None]
    loss(network(), batch, EPS)
    after = [one for one in (batch.x, batch.a, batch.y, batch.b, batch.g) if one is not None]
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_every_network_is_judged_by_a_loss_with_labels_of_its_architecture() -> None:
    for architecture, judge in losses.JUDGES.items():
        (one,) = [loss for loss in losses.LOSSES.values() if loss.of is judge]
        assert (one.architecture, one.labels) == (architecture, True)


def test_a_loss_of_another_architecture_is_refused_with_the_legal_ones() -> None:
    with pytest.raises(ParamsError, match=r"^here must be one of labelled, self_supervised, unrolled, but is 'div"):
        losses.named("divergence", "dual", "here")
    with pytest.raises(ParamsError, match=r"^here must be one of divergence, but is 'kl'$"):
        losses.named("kl", "plan", "here")
    assert losses.named("divergence", "plan", "here").of is losses.divergence


@each
def test_a_loss_without_labels_reads_none(loss: Loss) -> None:
    """Only such a loss may be given any two palettes."""
    batch = replace(Batch.of_pairs(PAIRS, PAIRS.g, ROWS, torch.device("cpu")), g=None)
    if [one.labels for one in losses.LOSSES.values() if one.of is loss] == [False]:
        assert torch.isfinite(loss(network(), batch, EPS))
    else:
        with pytest.raises(AssertionError):
            loss(network(), batch, EPS)
