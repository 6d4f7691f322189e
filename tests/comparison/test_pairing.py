"""Which pictures meet: one of each photograph, never two of one group, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paletteot.comparison import pairing
from paletteot.comparison.pairing import Candidate
from paletteot.errors import DataError

ROWS = [(f"i{n}", f"p{n // 3}", f"g{n // 6}") for n in range(36)]
SUBJECTS = {f"p{n}": "water" if n % 2 else "city" for n in range(10)}


def test_one_picture_of_each_photograph():
    found = pairing.chosen(ROWS, SUBJECTS, 1)
    of = {image: photograph for image, photograph, _ in ROWS}
    assert sorted(of[one.image_id] for one in found) == sorted({photograph for _, photograph, _ in ROWS})
    assert [one.subject for one in found][-3:] == ["water", "", ""]
    assert found == pairing.chosen(ROWS, SUBJECTS, 1) != pairing.chosen(ROWS, SUBJECTS, 2)


@given(st.integers(0, 2**31), st.integers(0, 20), st.integers(1, 200))
def test_pairs_are_of_two_groups_and_content_pairs_of_one_subject(seed, content, random):
    candidates = pairing.chosen(ROWS, SUBJECTS, seed)
    layouts = np.random.default_rng(seed).normal(size=(len(candidates), 4))
    found = pairing.pairs(candidates, layouts, content, random, seed)
    of = {one.image_id: one for one in candidates}
    assert len({(one.source, one.target) for one in found}) == len(found)
    assert [one.kind for one in found] == sorted((one.kind for one in found), key=("content", "random").index)
    assert len(found) == min(content, 12) + min(random, 12 * 10 - min(content, 12))
    for one in found:
        source, target = of[one.source], of[one.target]
        assert source.group != target.group
        if one.kind == "content" and source.subject:
            assert source.subject == target.subject
    assert found == pairing.pairs(candidates, layouts, content, random, seed)


def test_a_content_pair_is_of_the_nearest_layout():
    candidates = [Candidate(name, name, "") for name in "abc"]
    layouts = np.array([[0.0], [5.0], [1.0]])
    found = pairing.pairs(candidates, layouts, 3, 1, 0)
    assert {(one.source, one.target) for one in found if one.kind == "content"} == {("a", "c"), ("b", "c"), ("c", "a")}


def test_a_layout_is_where_it_is_light():
    left = np.zeros((40, 60, 3), dtype=np.uint8)
    left[:, :30] = 200
    tinted = left // 2
    far, near = (((pairing.layout(left) - pairing.layout(one)) ** 2).sum() for one in (left[:, ::-1], tinted))
    assert near < far


def test_one_group_is_no_pair():
    with pytest.raises(DataError, match="two groups"):
        pairing.pairs([Candidate("a", "g", ""), Candidate("b", "g", "")], np.zeros((2, 1)), 1, 1, 0)
