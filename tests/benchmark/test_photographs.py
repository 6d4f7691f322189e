"""What a figure rests on: photographs, counted and drawn by group, and the ratios of each."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import intervals
from paletteot.benchmark.boards import leaderboard, photographs
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.sample import FEWEST, SIZES, Sample, warning_of, words_of
from paletteot.errors import DataError
from tests.benchmark import fake

PAIRS = pl.DataFrame({"pair_id": [0, 1, 2, 3], "source": list("aabc"), "target": list("bcda")})
PICTURES = pl.DataFrame({"image_id": list("abcd"), "photograph": list("pqrr"), "group": list("ggss")})


def evaluations():
    made = [fake.evaluation("cold", 1), fake.evaluation("half", 0.5, noise=0.3), fake.evaluation("late", 0.9)]
    return {one.method: one for one in made}


def test_a_sample_counts_photographs_and_groups_of_both_sides():
    bootstrap = Bootstrap(PAIRS, PICTURES, 100, 0)
    assert bootstrap.sample(PAIRS["pair_id"]) == Sample(4, 3, 2)
    assert bootstrap.sample(PAIRS["pair_id"][:1]) == Sample(1, 2, 1)
    assert bootstrap.sample(PAIRS["pair_id"]).words == "4 problems of 3 photographs in 2 groups"
    assert Sample(1, 1, 1).words == "1 problem of 1 photograph"
    assert Sample(5000, 60, 60).words == "5,000 problems of 60 photographs"


def test_a_picture_that_is_not_known_is_an_error_and_so_is_a_pair():
    with pytest.raises(DataError, match=r"palettes\.parquet: image_id must name .* but lacks 'd'"):
        Bootstrap(PAIRS, PICTURES[:3], 100, 0).sample(PAIRS["pair_id"])
    with pytest.raises(DataError, match=r"pairs\.parquet: pair_id must name .* but lacks 9"):
        Bootstrap(PAIRS, PICTURES, 100, 0).interval(np.ones(1), pl.Series("pair_id", [9]))


@given(st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_an_interval_is_of_groups_whatever_their_crops_and_photographs_are_called(groups, seed):
    """Names of crops do not matter, nor into how many photographs a group falls."""
    rng = np.random.default_rng(seed)
    crop, group = np.arange(60), rng.integers(0, groups, 60)
    frame = pl.DataFrame(
        {"pair_id": range(40), "source": rng.integers(0, 60, 40), "target": rng.integers(0, 60, 40)},
        schema={"pair_id": pl.Int32, "source": pl.String, "target": pl.String}, strict=False,
    )  # fmt: skip
    values = rng.normal(size=40)
    found = {
        Bootstrap(
            frame,
            pl.DataFrame({"image_id": crop, "photograph": shown, "group": group}).cast(pl.String),
            50,
            1,
        ).interval(values, frame["pair_id"])
        for shown in (crop, group, np.zeros(60, dtype=int))
    }
    assert len(found) == 1


def test_of_few_photographs_no_interval_is_shown_and_a_line_says_so():
    few, enough = Sample(500, 20, FEWEST - 1), Sample(500, 20, FEWEST)
    assert few.interval(0.5, 0.4, 0.6) == "0.500"
    assert few.warning == "20 photographs in 9 groups: no interval worth reading, nor a rank"
    assert enough.interval(0.5, 0.4, 0.6) == "0.500 (0.400 to 0.600)"
    assert enough.warning == ""


def test_rows_that_rest_on_others_are_named():
    board = pl.DataFrame(
        [(500, 12, 12, "a"), (500, 12, 12, "b"), (250, 9, 9, "c")], schema=[*SIZES, "family"], orient="row"
    )
    assert words_of(board) == "500 problems of 12 photographs; c on 250 problems of 9 photographs"
    assert warning_of(board) == "9 photographs: no interval worth reading, nor a rank"
    assert warning_of(board[:2]) == ""


@pytest.mark.parametrize("number", [2, 12])
def test_every_table_of_the_leaderboard_names_the_photographs(number):
    made = leaderboard.make(evaluations(), fake.bootstrap(photographs=number))
    text = leaderboard.to_markdown(made)
    for board in (made.a, made.b, made.c):
        assert (board["photographs"] == number).all()
        assert (board["groups"] == number).all()
        assert (board["problems"] == 64).all()
    assert text.count(f"64 problems of {number} photographs.") == 2
    assert text.count("| problems | photographs | groups |") == 3
    assert (made.a["ratio_low"] < made.a["ratio_high"]).any()  # a machine reads numbers in any case
    few = "2 photographs: no interval worth reading, nor a rank."
    half = next(line for line in text.splitlines() if line.startswith("| half | anderson"))
    if number < FEWEST:
        assert text.count(few) == 3  # Tracks B and A, and the ladder
        assert " to " not in half
    else:
        assert few not in text
        assert " to " in half
    numbers = leaderboard.metrics(made)
    assert numbers["test_unseen"]["half"]["photographs"] == number
    assert {"ratio_low", "ratio_high"} <= set(numbers["test_unseen"]["half"])


def test_a_photograph_has_the_median_of_its_pairs_on_either_side():
    sides = Bootstrap(PAIRS, PICTURES, 100, 0).sides(PAIRS["pair_id"])
    found = photographs.by_photograph(np.array([1.0, 2.0, 3.0, 4.0]), sides)
    assert found.rows() == [("p", 3, 2.0), ("q", 2, 2.0), ("r", 3, 3.0)]
    within = Bootstrap(PAIRS, PICTURES.with_columns(photograph=pl.lit("p")), 100, 0).sides(PAIRS["pair_id"])
    assert photographs.by_photograph(np.array([1.0, 2.0, 3.0, 4.0]), within).rows() == [("p", 4, 2.5)]


def test_the_script_shows_that_drawing_crops_was_too_narrow():
    """Sixteen photographs of five crops each: the old rule takes crops for independent."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"pair_id": range(600), "source": rng.integers(0, 80, 600), "target": rng.integers(0, 80, 600)}
    ).cast({"pair_id": pl.Int32, "source": pl.String, "target": pl.String})
    photograph = pl.col("image_id").cast(pl.Int64) % 16
    pictures = pl.DataFrame({"image_id": [str(one) for one in range(80)]}).with_columns(
        photograph=photograph.cast(pl.String), group=photograph.cast(pl.String)
    )
    effect = rng.normal(size=16)
    values = np.exp(sum(effect[frame[side].cast(pl.Int64).to_numpy() % 16] for side in ("source", "target")))
    bootstrap = Bootstrap(frame, pictures, 300, 0)
    new, old = intervals.both(values, frame["pair_id"], bootstrap)
    assert new == bootstrap.interval(values, frame["pair_id"])
    assert (new.median, new.high - new.low > 1.3 * (old.high - old.low)) == (old.median, True)
    name, _, ratio, *_, wider = intervals.line("one", "Track A", values, frame["pair_id"], bootstrap)
    assert (name, ratio) == ("one", f"{np.median(values):.3f}")
    assert float(wider.removesuffix(" times")) > 1.3


def test_the_script_has_a_line_for_each_track():
    made, bootstrap = evaluations(), fake.bootstrap()
    half, cold = (made[name].split("test_unseen") for name in ("half", "cold"))
    a, b = intervals.lines(half, cold, "anderson_10", bootstrap)
    board = leaderboard.make(made, bootstrap)
    row = board.a.filter((pl.col("method") == "half") & (pl.col("split") == "test_unseen")).row(0, named=True)
    assert a[:4] == [
        "half",
        "Track A",
        f"{row['ratio_median']:.3f}",
        "{ratio_low:.3f} to {ratio_high:.3f}".format(**row),
    ]
    assert b[1] == "Track B, anderson_10, 1e-5"
    (alone,) = intervals.lines(cold, cold, "anderson_10", bootstrap)
    assert alone[1] == "Track B, anderson_10, 1e-5"


def test_each_start_has_a_row_for_each_photograph():
    made, bootstrap = evaluations(), fake.bootstrap()
    board = leaderboard.make(made, bootstrap).b
    rows = photographs.rows(board, made, bootstrap)
    assert rows["family"].unique(maintain_order=True).to_list() == ["half", "late", "cold"]
    for (family,), part in rows.group_by("family"):
        assert len(part) == 12, family
        assert part["ratio"].is_sorted()
    half = rows.filter(pl.col("family") == "half")
    shown = board.filter((pl.col("family") == "half") & pl.col("chosen") & (pl.col("split") == "test_unseen"))
    assert half["ratio"].min() <= shown["ratio_1e-5"][0] <= half["ratio"].max()
