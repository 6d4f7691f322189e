from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paletteot.config.pairs import PairsParams
from paletteot.dataset import schema
from paletteot.errors import DataError, ParamsError
from paletteot.pairs import draw, sides
from paletteot.tables import dtypes

SIDE_OF_SPLIT = {
    "train": "train", "validation_seen": "train", "test_seen": "train",
    "validation_unseen": "validation", "test_unseen": "test",
}  # fmt: skip


def params(*sizes: int, share: float = 0.1, seed: int = 3) -> PairsParams:
    names = ("train", "validation_seen", "validation_unseen", "test_seen", "test_unseen")
    counts = dict(zip(names, sizes or (40, 5, 5, 5, 5), strict=True))
    return PairsParams(**counts, total=sum(counts.values()), unseen_share=share, seed=seed)


World = tuple[list[str], list[str], list[str]]


def pictures(*group_sizes: int, crops: int = 1) -> World:
    """Return ids, groups and photographs of pictures; crops: of each photograph, the last of a group may have fewer."""
    places = [(number, place) for number, size in enumerate(group_sizes) for place in range(size)]
    groups = [f"group-{number}" for number, _ in places]
    photographs = [f"photograph-{number}-{place // crops}" for number, place in places]
    return [f"picture-{number:05d}" for number in range(len(places))], groups, photographs


@st.composite
def worlds(draw_from: st.DrawFn) -> tuple[World, PairsParams]:
    sizes = draw_from(st.lists(st.integers(5, 9), min_size=5, max_size=14))
    world = pictures(*sizes, crops=draw_from(st.integers(1, 9)))
    share, seed = draw_from(st.sampled_from([0.01, 0.1])), draw_from(st.integers(0, 2**31))
    return world, params(*(draw_from(st.integers(1, 4)) for _ in range(5)), share=share, seed=seed)


@settings(max_examples=80, deadline=None)
@given(worlds())
def test_every_drawing_keeps_the_protocol(world):
    (ids, groups, photographs), asked = world
    frame = draw(ids, groups, photographs, asked)
    assert frame.schema == pl.Schema(dtypes(schema.PAIRS))
    assert frame["pair_id"].to_list() == list(range(asked.total))
    assert frame["split"].to_list() == [split for split, size in asked.sizes().items() for _ in range(size)]
    assert not (frame["source"] == frame["target"]).any()
    assert not frame.select("source", "target").is_duplicated().any()
    side_of, group_of = sides(ids, groups, photographs, asked), dict(zip(ids, groups, strict=True))
    for split, source, target in frame.select("split", "source", "target").iter_rows():
        assert side_of[source] == side_of[target] == SIDE_OF_SPLIT[split]
    side_groups = {side: {group_of[name] for name in ids if side_of[name] == side} for side in set(side_of.values())}
    assert sum(map(len, side_groups.values())) == len(set(groups))
    assert len(side_groups["train"]) >= 1
    for side in ("validation", "test"):
        assert len(side_groups[side]) >= 2
        assert list(side_of.values()).count(side) >= asked.unseen_share * len(ids)
        assert len(side_groups[side]) >= asked.unseen_share * len(set(groups))
        shown = {photograph for name, photograph in zip(ids, photographs, strict=True) if side_of[name] == side}
        assert len(shown) >= asked.unseen_share * len(set(photographs))


@settings(max_examples=25, deadline=None)
@given(crops=st.integers(2, 6), each=st.integers(1, 3), seed=st.integers(0, 2**31))
def test_two_pictures_of_one_photograph_meet_at_most_as_often_as_chance_has_it(crops, each, seed):
    ids, groups, photographs = pictures(*[crops * each] * 60, crops=crops)
    asked = params(4000, 200, 60, 200, 60, seed=seed)
    frame = draw(ids, groups, photographs, asked)
    side_of, shown = sides(ids, groups, photographs, asked), dict(zip(ids, photographs, strict=True))
    for split, size in asked.sizes().items():
        rows = frame.filter(pl.col("split") == split)
        same = sum(shown[a] == shown[b] for a, b in rows.select("source", "target").iter_rows())
        members = list(side_of.values()).count(SIDE_OF_SPLIT[split])
        natural = (crops - 1) / (members - 1)
        assert size * natural - 6 * np.sqrt(size * natural) - 1 <= same <= size * natural + 1e-9


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_of_the_pictures_does_not_matter(random):
    ids, groups, photographs = pictures(5, 6, 7, 4, 5, 8, 6)
    rows = list(zip(ids, groups, photographs, strict=True))
    random.shuffle(rows)
    assert draw(*map(list, zip(*rows, strict=True)), params()).equals(draw(ids, groups, photographs, params()))


def test_the_seed_decides():
    ids, groups, photographs = pictures(*[9] * 11)
    assert draw(ids, groups, photographs, params(seed=3)).equals(draw(ids, groups, photographs, params(seed=3)))
    assert not draw(ids, groups, photographs, params(seed=3)).equals(draw(ids, groups, photographs, params(seed=4)))
    assert sides(ids, groups, photographs, params(seed=3)) != sides(ids, groups, photographs, params(seed=4))


def test_all_legal_pairs_can_be_drawn():
    ids, groups, photographs = pictures(2, 2, 2, 2, 3)
    frame = draw(ids, groups, photographs, params(4, 1, 12, 1, 12))
    unseen = frame.filter(pl.col("split") == "test_unseen")
    names = sorted(set(unseen["source"]))
    assert len(names) == 4
    assert set(unseen.select("source", "target").iter_rows()) == {(a, b) for a in names for b in names if a != b}


def test_pairs_of_the_training_pictures_are_spread_evenly():
    ids, groups, photographs = pictures(*[20] * 10)
    frame = draw(ids, groups, photographs, params(8000, 500, 100, 500, 100))
    seen = frame.filter(pl.col("split") == "train")
    # 120 pictures, 8 000 of 14 280 pairs: 66.7 a picture, standard deviation 5.4 at most.
    for column in ("source", "target"):
        counts = seen[column].value_counts()["count"]
        assert len(counts) == 120
        assert counts.min() > 35
        assert counts.max() < 100


def test_rows_of_a_split_are_shuffled():
    ids, groups, photographs = pictures(*[20] * 10)
    sources = (
        draw(ids, groups, photographs, params(400, 50, 50, 50, 50))
        .filter(pl.col("split") == "train")["source"]
        .to_list()
    )
    assert sources != sorted(sources)
    assert np.mean(np.diff([ids.index(name) for name in sources]) > 0) == pytest.approx(0.5, abs=0.1)


def test_eleven_equal_groups_give_two_to_each_unseen_side():
    ids, groups, photographs = pictures(*[182] * 11)
    side_of = sides(ids, groups, photographs, params())
    assert [list(side_of.values()).count(side) for side in ("train", "validation", "test")] == [7 * 182, 364, 364]


def test_many_small_groups_meet_the_share_closely():
    ids, groups, photographs = pictures(*np.random.default_rng(0).integers(1, 6, 400).tolist())
    side_of = list(sides(ids, groups, photographs, params(share=0.15)).values())
    for side in ("validation", "test"):
        assert 0.15 * len(ids) <= side_of.count(side) <= 0.15 * len(ids) + 5


@pytest.mark.parametrize("seed", range(8))
def test_a_dominant_group_trains(seed):
    ids, groups, photographs = pictures(500, *[10] * 20)
    side_of = sides(ids, groups, photographs, params(seed=seed))
    assert side_of[ids[0]] == "train"


def test_an_unseen_side_has_its_share_of_photographs_and_groups_however_many_pictures_these_have():
    """Half of the pictures are of a tenth of the groups: those alone would fill a side."""
    ids, groups, photographs = pictures(*[45] * 10, *[5] * 90, crops=5)
    for seed in range(8):
        side_of = sides(ids, groups, photographs, params(seed=seed))
        for side in ("validation", "test"):
            rows = [row for row, name in enumerate(ids) if side_of[name] == side]
            assert len({groups[row] for row in rows}) >= 10
            assert len({photographs[row] for row in rows}) >= 18


def test_a_share_of_floating_point_noise_asks_for_no_picture_more():
    # 0.07 * 100 is 7.000000000000001
    ids, groups, photographs = pictures(*[1] * 100)
    assert list(sides(ids, groups, photographs, params(share=0.07)).values()).count("test") == 7


@pytest.mark.parametrize(
    ("field", "sizes", "legal", "asked"),
    [
        ("pairs.train + pairs.validation_seen + pairs.test_seen", (5, 1, 1, 1, 1), 6, 7),
        ("pairs.validation_unseen", (1, 1, 31, 1, 1), 30, 31),
        ("pairs.test_unseen", (1, 1, 1, 1, 31), 30, 31),
    ],
)
def test_too_many_pairs_names_the_field_and_the_largest_number(field, sizes, legal, asked):
    ids, groups, photographs = pictures(3, 3, 3, 3, 3)
    with pytest.raises(ParamsError) as caught:
        draw(ids, groups, photographs, params(*sizes))
    assert str(caught.value).startswith(f"params.yaml: {field} must be at most {legal}, ")
    assert str(caught.value).endswith(f"but is {asked}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("groups", [0, 1, 4])
def test_too_few_groups(groups):
    with pytest.raises(ParamsError, match=rf"params\.yaml: images\.source .*at least 5 groups .*but give {groups}$"):
        sides(*pictures(*[3] * groups), params())


def test_a_share_that_starves_training_names_the_largest_legal_one():
    ids, groups, photographs = pictures(4, 4, 4, 4, 4)
    with pytest.raises(ParamsError, match=r"pairs\.unseen_share must be at most 0\.4, .*but is 0\.41$"):
        sides(ids, groups, photographs, params(share=0.41))
    assert list(sides(ids, groups, photographs, params(share=0.4)).values()).count("train") == 4


def test_a_picture_named_twice():
    ids, groups, photographs = pictures(3, 3, 3, 3, 3)
    with pytest.raises(DataError, match="image_id must be unique, but picture-00004 occurs 2 times"):
        sides([*ids, "picture-00004"], [*groups, "group-0"], [*photographs, "photograph-0-0"], params())
