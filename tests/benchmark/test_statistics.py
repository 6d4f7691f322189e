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


def test_bootstrap_against_every_resample_enumerated():
    """Three pictures, all six ordered pairs: the 27 resamples are known, and so are the quantiles of their medians."""
    pairs = [(i, j) for i in range(3) for j in range(3) if i != j]
    values = np.array([0.2, 0.3, 0.5, 0.7, 1.1, 1.3])
    medians = []
    for draw in itertools.product(range(3), repeat=3):
        times = np.bincount(draw, minlength=3)
        repeated = np.repeat(values, [times[i] * times[j] for i, j in pairs])
        if len(repeated):
            medians.append(np.median(repeated))
    names = "abc"
    weights = statistics.draw_groups([names[i] for i, _ in pairs], [names[j] for _, j in pairs], draws=4000, seed=0)
    interval = statistics.median_interval(values, weights)
    assert interval.median == np.median(values)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(medians, [0.025, 0.975])), abs=1e-9)


def test_pairs_that_share_a_picture_widen_the_interval():
    rng = np.random.default_rng(1)
    effect = rng.normal(size=20)
    source, target = (rng.integers(0, 20, 400) for _ in range(2))
    values = 1 + 0.2 * effect[source] + 0.01 * rng.normal(size=400)
    by_picture = statistics.median_interval(values, statistics.draw_groups(source, target, draws=400, seed=1))
    by_pair = stats.bootstrap((values,), np.median, n_resamples=400, method="percentile", rng=rng).confidence_interval
    assert by_picture.high - by_picture.low > 2 * (by_pair.high - by_pair.low)


def test_draws_are_seeded_and_take_as_many_pictures_as_there_are():
    source, target = list("aabbccdd"), list("bcadbdab")
    one, two = (statistics.draw_groups(source, target, draws=250, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert (one != statistics.draw_groups(source, target, draws=250, seed=4)).any()
    alone = statistics.draw_groups(list("abcd"), list("abcd"), draws=250, seed=3)
    np.testing.assert_array_equal(np.sqrt(alone).sum(axis=1), np.full(250, 4))
