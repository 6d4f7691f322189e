from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paletteot.lab as cielab
from paletteot.ot import exact, sinkhorn
from paletteot.ot.problem import Problem
from paletteot.transfer import ribbons
from tests.conftest import palette

SIZES = st.integers(1, 40)


def case(seed: int, k: int, l: int, empty: bool = False) -> tuple[np.ndarray, ...]:
    """Return a plan and both palettes; of each a third of the atoms have no weight where they are to be empty."""
    rng = np.random.default_rng(seed)
    (x, a), (y, b) = palette(rng, k), palette(rng, l)
    for weights in (a, b) if empty else ():
        weights[1::3] = 0
        weights /= weights.sum()
    problem = Problem(x, a, y, b, 0.5)
    return sinkhorn.plan(problem, exact.solve(problem).g), x, a, y, b


def bar(n: int) -> ribbons.Bar:
    """Return a bar of n equal atoms, each its own group."""
    ends = np.linspace(0, 1, n + 1)
    return ribbons.Bar(np.arange(n), ends, np.arange(n), ends, np.zeros((n, 3)))


@given(st.integers(0, 10**6), SIZES, SIZES, st.booleans())
@settings(max_examples=40)
def test_bars_hold_every_atom_with_weight_once_as_wide_as_its_weight(seed, k, l, empty):
    plan, x, a, y, b = case(seed, k, l, empty)
    for one, points, weights in zip(ribbons.bars(plan, x, a, y, b), (x, y), (a, b), strict=True):
        np.testing.assert_array_equal(np.sort(one.atoms), np.flatnonzero(weights))
        np.testing.assert_allclose(np.diff(one.ends), weights[one.atoms], atol=1e-12)
        assert set(np.diff(one.group).tolist()) <= {0, 1}
        assert one.group[0] == 0
        assert len(one.colours) == len(one.groups) - 1 == one.group[-1] + 1 <= ribbons.GROUPS
        for group in range(len(one.colours)):
            mine = one.atoms[one.group == group]
            assert np.diff(one.groups)[group] == pytest.approx(weights[mine].sum())
            np.testing.assert_allclose(one.colours[group], np.average(points[mine], axis=0, weights=weights[mine]))


@given(st.integers(0, 10**6), SIZES, SIZES, st.booleans())
@settings(max_examples=40)
def test_ribbons_fill_every_group_at_both_bars_and_overlap_at_none(seed, k, l, empty):
    plan, *palettes = case(seed, k, l, empty)
    first, second = ribbons.bars(plan, *palettes)
    joined = ribbons.ribbons(plan, first, second)
    for ends, group, spans in ((first, joined.source, joined.above), (second, joined.target, joined.below)):
        widths = spans[:, 1] - spans[:, 0]
        np.testing.assert_allclose(np.bincount(group, widths, len(ends.colours)), np.diff(ends.groups), atol=1e-12)
        ordered = spans[np.argsort(spans[:, 0])]
        np.testing.assert_allclose(ordered[1:, 0], ordered[:-1, 1], atol=1e-12)
        assert (spans[:, 0] >= ends.groups[group] - 1e-12).all()
        assert (spans[:, 1] <= ends.groups[group + 1] + 1e-12).all()
    assert (np.diff(joined.mass) <= 0).all()
    assert joined.mass.sum() <= 1 + 1e-9
    assert joined.mass.sum() >= 1 - ribbons.LEAST * len(first.colours) * len(second.colours)


def test_at_a_bar_ribbons_lie_in_the_order_of_their_other_ends():
    plan, *palettes = case(3, 30, 30)
    joined = ribbons.ribbons(plan, *ribbons.bars(plan, *palettes))
    for group in range(joined.source.max() + 1):
        mine = joined.source == group
        assert (np.argsort(joined.above[mine, 0]) == np.argsort(joined.below[mine, 0])).all()


def crossings(places: np.ndarray, plan: np.ndarray) -> float:
    """Return the mass times mass of pairs of ribbons that cross, when B's atoms lie at places in A's given order."""
    ordered = plan[:, np.argsort(places)]
    before = np.cumsum(np.cumsum(ordered[::-1], axis=0)[::-1], axis=1)
    return float((ordered[:-1, 1:] * before[1:, :-1]).sum())


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_second_bar_saves_crossings(seed):
    plan, x, a, y, b = case(seed, 40, 40)
    first, second = ribbons.bars(plan, x, a, y, b)
    ours, by_chance = np.empty(40), np.random.default_rng(seed).random(40)
    ours[second.atoms] = np.arange(40)
    assert crossings(ours, plan[first.atoms]) < 0.7 * crossings(by_chance, plan[first.atoms])


def test_the_first_bar_goes_from_dark_to_light_and_neighbours_are_alike():
    plan, x, a, y, b = case(1, 40, 5)
    x[:, 0] = np.linspace(2, 98, 40)[::-1]
    x[:, 1:] = 0
    assert ribbons.bars(plan, x, a, y, b)[0].atoms.tolist() == list(range(40))[::-1]
    x = palette(np.random.default_rng(0), 40)[0]
    order = ribbons.bars(plan, x, a, y, b)[0].atoms
    steps = np.linalg.norm(np.diff(x[order], axis=0), axis=1).sum()
    assert steps < 0.6 * np.linalg.norm(np.diff(x, axis=0), axis=1).sum()


def test_one_colour_each():
    one = np.array([[50.0, 10, 10]]), np.ones(1)
    first, second = ribbons.bars(np.ones((1, 1)), *one, *one)
    joined = ribbons.ribbons(np.ones((1, 1)), first, second)
    assert (joined.above.tolist(), joined.below.tolist()) == ([[0, 1]], [[0, 1]])


def test_a_colour_that_nothing_reaches_has_its_place_and_no_ribbon():
    x, y = np.array([[20.0, 0, 0], [80, 0, 0]]), np.array([[85.0, 0, 0], [20, 0, 0], [84, 0, 0]])
    plan = np.array([[0, 0.5, 0], [0.5, 0, 0]])
    first, second = ribbons.bars(plan, x, np.full(2, 0.5), y, np.full(3, 1 / 3))
    joined = ribbons.ribbons(plan, first, second)
    assert sorted(second.atoms.tolist()) == [0, 1, 2]
    assert second.atoms[0] == 1
    assert set(joined.target.tolist()) == {0, second.group[second.atoms.tolist().index(0)]}


def test_a_bar_shows_its_colours_and_mixes_them_in_a_pixel_by_their_shares():
    x = np.array([[0.0, 0, 0], [100, 0, 0]])
    made = ribbons.Bar(np.arange(2), np.array([0, 0.25, 1]), np.arange(2), np.array([0, 0.25, 1]), x)
    canvas = np.full((3, 10, 3), np.nan)
    ribbons.paint_bar(canvas, made, x)
    np.testing.assert_allclose(canvas[1, :, 0], [0, 0, 127.5, *[255] * 7], atol=1e-9)


def test_a_ribbon_covers_what_it_covers_and_goes_from_colour_to_colour():
    first, second = bar(1), bar(1)
    first.colours[:], second.colours[:] = [30, 20, 0], [80, -10, 30]
    canvas = np.zeros((200, 8, 3))
    span = np.array([[0.25, 0.5625]])
    ribbons.paint(canvas, ribbons.Ribbons(np.zeros(1, int), np.zeros(1, int), span, span, np.ones(1)), first, second)
    top, end = (cielab.to_srgb(one.colours)[0].astype(float) for one in (first, second))
    for row, colour in ((0, top), (-1, end)):
        covered = ribbons.OPACITY * np.array([0, 0, 1, 1, 0.5, 0, 0, 0])
        np.testing.assert_allclose(canvas[row], covered[:, None] * colour, atol=2)


def test_everything_that_is_painted_is_a_colour():
    plan, *palettes = case(5, 40, 40)
    first, second = ribbons.bars(plan, *palettes)
    canvas = np.full((60, 90, 3), 255.0)
    ribbons.paint(canvas, ribbons.ribbons(plan, first, second), first, second)
    assert 0 <= canvas.min() < canvas.max() <= 255
