from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from paletteot.benchmark import statistics


def test_five_numbers_interpolate_linearly():
    assert statistics.five_numbers([4, 1, 3, 2]) == (1, 1.75, 2.5, 3.25, 4)


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=40))
def test_five_numbers_agree_with_scipy(counts):
    ours = statistics.five_numbers(counts)
    theirs = stats.mstats.mquantiles(counts, [0.25, 0.5, 0.75], alphap=1, betap=1)
    np.testing.assert_allclose(ours, [min(counts), *theirs, max(counts)])


def test_nothing_is_saved_on_a_cold_count_of_zero():
    np.testing.assert_array_equal(statistics.ratios([5, 0, 3], [10, 0, 0]), [0.5, 1, 4])


def test_only_strictly_fewer_is_improved():
    assert statistics.improved_share([5, 10, 11, 0, 0], [10, 10, 10, 0, 1]) == 0.4


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 1000))
def test_a_number_is_marked_just_when_censored_runs_could_move_it(problems, converged, higher):
    """The same counts with the censored ones put higher: a quantile moves just when it is a lower bound."""
    converged = min(problems, converged)
    counts = np.concatenate([np.arange(converged), np.full(problems - converged, 100)])
    moved = np.where(counts == 100, 100 + higher, counts)
    differs = np.not_equal(statistics.five_numbers(counts), statistics.five_numbers(moved))
    assert statistics.censored(problems, converged) == tuple(differs)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), min_size=1, max_size=30).filter(
        lambda pairs: any(times for _, times in pairs)
    )
)
def test_weighted_median_is_the_median_of_the_repeated_values(pairs):
    values, times = np.array([v for v, _ in pairs], dtype=float), np.array([[t for _, t in pairs]])
    assert statistics.weighted_median(values, times)[0] == np.median(np.repeat(values, times[0]))


def test_no_pair_drawn_gives_no_median():
    assert np.isnan(statistics.weighted_median(np.array([1.0, 2.0]), np.zeros((1, 2), dtype=int))[0])


def naive(values, source, target, draws, seed):
    """The medians of a bootstrap as one would write it down: each pair repeated as often as it was drawn."""
    groups = sorted({*source, *target})
    medians = []
    for times in np.random.default_rng(seed).multinomial(len(groups), np.full(len(groups), 1 / len(groups)), draws):
        drawn = dict(zip(groups, times, strict=True))
        repeated = [
            value
            for value, one, other in zip(values, source, target, strict=True)
            for _ in range(drawn[one] if one == other else drawn[one] * drawn[other])
        ]
        medians.append(np.median(repeated) if repeated else np.nan)
    return np.array(medians)


pairs_of_groups = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef"), st.integers(0, 9)), min_size=1, max_size=25
)


@given(pairs_of_groups, st.integers(0, 2**32 - 1))
def test_a_bootstrap_is_the_one_that_one_would_write_down(pairs, seed):
    source, target, values = (list(column) for column in zip(*pairs, strict=True))
    weights = statistics.draw_groups(source, target, draws=20, seed=seed)
    found = statistics.weighted_median(np.array(values, dtype=float), weights)
    np.testing.assert_array_equal(found, naive(values, source, target, 20, seed))


@given(pairs_of_groups, st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_more_crops_of_the_same_photographs_narrow_no_interval(pairs, crops, others, seed):
    """Each pair once for every crop of its source and of its target: nothing new is known, and nothing changes."""
    source, target, values = (np.array(column) for column in zip(*pairs, strict=True))
    times = crops * others
    one, many = (
        statistics.median_interval(
            np.repeat(values, each).astype(float),
            statistics.draw_groups(np.repeat(source, each), np.repeat(target, each), draws=50, seed=seed),
        )
        for each in (1, times)
    )
    assert many == one


def test_drawing_crops_narrows_an_interval_that_drawing_photographs_does_not():
    rng = np.random.default_rng(2)
    photographs, crops = 20, 9
    effect = rng.normal(size=photographs)
    widths = {}
    for each in (1, crops):
        source, target = rng.integers(0, photographs * each, (2, 2000))
        values = effect[source // each] + effect[target // each]
        for name, by in (("photographs", each), ("crops", 1)):
            found = statistics.median_interval(
                values, statistics.draw_groups(source // by, target // by, draws=400, seed=1)
            )
            widths[name, each] = found.high - found.low
    assert widths["photographs", 1] == widths["crops", 1]
    assert widths["crops", crops] < 0.6 * widths["crops", 1]
    assert widths["photographs", crops] > 0.8 * widths["photographs", 1]


def covered(by_photograph: bool, photographs: int = 45, crops: int = 4, pairs: int = 800, repeats: int = 200) -> float:
    """Return how often an interval holds the median, 0, where photographs, their crops and pairs have effects."""
    rng = np.random.default_rng(7)
    held = 0
    for repeat in range(repeats):
        effect, own = rng.normal(size=(2, photographs)), 0.3 * rng.normal(size=(2, photographs * crops))
        source, target = rng.integers(0, photographs * crops, (2, pairs))
        values = effect[0, source // crops] + effect[1, target // crops] + own[0, source] + own[1, target]
        values += 0.3 * rng.normal(size=pairs)
        by = crops if by_photograph else 1
        weights = statistics.draw_groups(source // by, target // by, draws=200, seed=repeat)
        found = statistics.median_interval(values, weights)
        held += found.low <= 0 <= found.high
    return held / repeats


def test_an_interval_over_photographs_covers_what_it_says_and_one_over_crops_does_not():
    assert 0.9 <= covered(by_photograph=True) <= 0.99
    assert covered(by_photograph=False) < 0.85


def test_bootstrap_against_every_resample_enumerated():
    """Three groups, all ordered pairs, within a group too: the 27 resamples are known, and so are their quantiles."""
    pairs = [(i, j) for i in range(3) for j in range(3)]
    values = np.array([0.9, 0.2, 0.3, 0.5, 0.1, 0.7, 1.1, 1.3, 0.6])
    medians = []
    for draw in itertools.product(range(3), repeat=3):
        times = np.bincount(draw, minlength=3)
        medians.append(np.median(np.repeat(values, [times[i] * (times[j] if i != j else 1) for i, j in pairs])))
    names = "abc"
    weights = statistics.draw_groups([names[i] for i, _ in pairs], [names[j] for _, j in pairs], draws=4000, seed=0)
    interval = statistics.median_interval(values, weights)
    assert interval.median == np.median(values)
    often = np.repeat(medians, 100)  # as many as there are draws, whose quantiles fall between no two resamples
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(often, [0.025, 0.975])), abs=1e-9)


def test_a_pair_counts_on_average_once_within_a_group_and_between_two():
    weights = statistics.draw_groups(list("aab"), list("aba"), draws=40_000, seed=0)
    alone, between, _ = weights.mean(axis=0)
    assert alone == pytest.approx(1, abs=0.02)
    assert between == pytest.approx(1 - 1 / 2, abs=0.02)
    many = statistics.draw_groups(list("abcdefgha"), list("bcdefghaa"), draws=40_000, seed=0)
    np.testing.assert_allclose(many.mean(axis=0), [*[1 - 1 / 8] * 8, 1], atol=0.03)


def test_draws_are_seeded_and_take_as_many_groups_as_there_are():
    source, target = list("aabbccdd"), list("bcadbdab")
    one, two = (statistics.draw_groups(source, target, draws=250, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert (one != statistics.draw_groups(source, target, draws=250, seed=4)).any()
    alone = statistics.draw_groups(list("abcd"), list("abcd"), draws=250, seed=3)
    np.testing.assert_array_equal(alone.sum(axis=1), np.full(250, 4))
