"""Who is better than whom: all pairs at once, on the same problems and the same draws of photographs."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot.benchmark.boards.families import ranked, who_ties
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.comparisons import LEVEL, compare, half_widths, logarithms
from paletteot.benchmark.statistics import draw_groups
from tests.benchmark import fake

seeds = st.integers(0, 2**32 - 1)


def drawn(rng: np.random.Generator, problems: int, pictures: int = 12, draws: int = 100):
    ids = rng.integers(0, pictures, (problems, 2))
    return ids, draw_groups(ids[:, 0], ids[:, 1], draws=draws, seed=int(rng.integers(2**31)))


def counts(rng: np.random.Generator, ids: np.ndarray, methods: int, effect: float, noise: float) -> np.ndarray:
    """Logarithms of counts without a difference: a picture is as hard for all, and for each a little otherwise."""
    pictures = ids.max() + 1
    hard = rng.normal(size=pictures)
    own = effect * rng.normal(size=(methods, pictures))
    shown = hard[ids[:, 0]] + hard[ids[:, 1]] + own[:, ids[:, 0]] + own[:, ids[:, 1]]
    return 7 + shown + noise * rng.normal(size=shown.shape)


@given(seeds, st.integers(2, 5))
@settings(max_examples=25)
def test_identical_methods_tie_and_a_clearly_better_one_is_first(seed, methods):
    rng = np.random.default_rng(seed)
    ids, weights = drawn(rng, 60)
    logs = counts(rng, ids, 1, 0.1, 0.3).repeat(methods, axis=0)
    same = compare(logs, weights)
    assert same.ranks(range(methods)) == [1] * methods
    assert same.ties == [[other for other in range(methods) if other != one] for one in range(methods)]
    logs[-1] -= 1
    assert compare(logs, weights).ranks([*range(1, methods), 0]) == [*[2] * (methods - 1), 1]


@given(seeds, st.floats(0, 2))
@settings(max_examples=25)
def test_who_needs_less_everywhere_does_not_fall_behind(seed, less):
    rng = np.random.default_rng(seed)
    ids, weights = drawn(rng, 40)
    logs = counts(rng, ids, 4, 0.3, 0.3)
    before, ranks = compare(logs, weights).better.sum(axis=0), compare(logs, weights).ranks(np.median(logs, axis=1))
    logs[1] -= less
    after = compare(logs, weights).better.sum(axis=0)
    assert after[1] <= before[1]
    assert all(after[other] >= before[other] for other in (0, 2, 3))
    assert compare(logs, weights).ranks(np.median(logs, axis=1))[1] <= ranks[1]


@given(seeds)
@settings(max_examples=25)
def test_a_comparison_reads_the_same_from_both_sides_and_in_any_order(seed):
    rng = np.random.default_rng(seed)
    ids, weights = drawn(rng, 40)
    logs = counts(rng, ids, 4, 0.3, 0.3)
    found = compare(logs, weights)
    np.testing.assert_allclose(found.low, -found.high.T)
    np.testing.assert_allclose(found.median, -found.median.T)
    assert not (found.better & found.better.T).any()
    order = rng.permutation(4)
    again = compare(logs[order], weights)
    np.testing.assert_allclose(again.high, found.high[np.ix_(order, order)], atol=1e-12)
    scores = np.median(logs, axis=1)
    ranks = found.ranks(scores)
    assert again.ranks(scores[order]) == [ranks[place] for place in order]


@given(seeds, st.integers(2, 6))
@settings(max_examples=25)
def test_nobody_ranks_above_a_better_score(seed, methods):
    rng = np.random.default_rng(seed)
    ids, weights = drawn(rng, 40)
    logs = counts(rng, ids, methods, 0.5, 0.3)
    logs[0, 5:] = np.nan  # judged on few problems, so told apart from few
    scores = np.nanmedian(logs, axis=1)
    ranks = compare(logs, weights).ranks(scores)
    assert min(ranks) == 1
    assert [ranks[place] for place in np.argsort(scores)] == sorted(ranks)


def test_what_separate_intervals_hide_pairs_show():
    """One needs a twentieth less of everybody's problems, which differ a hundredfold."""
    rng = np.random.default_rng(0)
    ids, weights = drawn(rng, 200)
    logs = counts(rng, ids, 1, 0, 0).repeat(2, axis=0)
    logs[1] += np.log(0.95) + 0.02 * rng.normal(size=200)
    found = compare(logs, weights)
    assert found.ranks([1.0, 0.95]) == [2, 1]
    assert found.median[1, 0] == pytest.approx(np.log(0.95), abs=0.01)


def test_the_median_is_below_zero_just_when_more_problems_are_won():
    logs = logarithms([[10, 10, 10, 10, 900], [11, 11, 11, 9, 1]])
    assert compare(logs, np.ones((3, 5), dtype=np.int32)).median[0, 1] < 0


def test_half_widths_hold_the_share_of_draws_that_they_say():
    rng = np.random.default_rng(1)
    deviations = rng.normal(size=(6, 4000)) * np.array([0.1, 1, 1, 10, 0, 1])[:, None]
    deviations[2] = deviations[1]
    half = half_widths(deviations)
    assert (np.abs(deviations) <= half[:, None]).all(axis=0).mean() == pytest.approx(LEVEL, abs=1e-3)
    assert half[4] == 0
    scale = np.sqrt((deviations**2).mean(axis=1))
    np.testing.assert_allclose(half[[0, 1, 2, 3, 5]] / scale[[0, 1, 2, 3, 5]], half[0] / scale[0])


def test_a_draw_that_leaves_a_pair_without_problems_is_not_used():
    deviations = np.array([[1.0, -1.0, np.nan], [2.0, -2.0, 50.0]])
    np.testing.assert_allclose(half_widths(deviations), [1, 2])
    assert np.isinf(half_widths(np.full((2, 3), np.nan))).all()


def test_each_pair_meets_on_the_problems_that_both_have():
    rng = np.random.default_rng(2)
    ids, weights = drawn(rng, 60)
    logs = counts(rng, ids, 3, 0.1, 0.2)
    logs[1] -= 2
    logs[1, 30:] = np.nan
    logs[2, :30] = np.nan
    found = compare(logs, weights)
    assert found.ranks([2.0, 1.0, 1.5]) == [2, 1, 1]
    assert found.ranks([1.5, 1.0, 2.0]) == [2, 1, 2]  # what is told apart from nobody ranks where its score stands
    assert found.ties == [[2], [2], [0, 1]]
    assert found.median[1, 0] == pytest.approx(np.median((logs[1] - logs[0])[:30]))
    assert (found.low[1, 2], found.high[1, 2]) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("effect", "noise", "least", "most"), [(0.3, 0.05, 0.02, 0.09), (0.0, 0.3, 0.0, 0.05)], ids=["pictures", "pairs"]
)
def test_without_a_difference_few_boards_show_one(effect, noise, least, most):
    """Of 400 boards of four equal methods about one in twenty errs where pictures matter, fewer where they do not."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(400):
        ids, weights = drawn(rng, 200, pictures=40, draws=200)
        wrong += compare(counts(rng, ids, 4, effect, noise), weights).better.any()
    assert least <= wrong / 400 <= most


def test_a_count_of_zero_is_less_than_one():
    assert logarithms([0, 1, 2]).tolist() == [np.log(0.5), 0, np.log(2)]


def test_a_board_names_who_ties_and_leaves_out_who_does_not_take_part():
    rng = np.random.default_rng(4)
    ids, _ = drawn(rng, 60)
    pairs = pl.DataFrame({"pair_id": range(60), "source": ids[:, 0].astype(str), "target": ids[:, 1].astype(str)})
    logs = counts(rng, ids, 1, 0.1, 0.3)[0]
    shift = {"slow": 1.0, "a": 0.0, "b": 0.0, "out": -5.0}
    board = pl.DataFrame({"family": list(shift), "shown": [True, True, True, False]})
    board = board.with_columns(ratio=pl.Series([2.0, 1.0, 1.0, 0.1]))
    made = ranked(
        board,
        pl.col("shown"),
        "ratio",
        Bootstrap(pairs, fake.alone(pairs), 100, 0),
        lambda row: (pairs["pair_id"], logs + shift[row["family"]]),
    )
    assert made["rank"].to_list() == [3, 1, 1, None]
    assert made["ties"].to_list() == ["", "b", "a", None]
    assert who_ties(made) == "a with b"
    assert who_ties(made.filter(pl.col("family") == "slow")) == "none"
    three = pl.DataFrame({"family": ["a", "a, b", "c"], "ties": ["a, b, c", "a, c", "a, a, b"]})
    assert who_ties(three) == "a with a, b, c; a, b with c"
