"""Medians, the front, and ours against a peer where edges are kept alike."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paletteot.comparison import board, judging, words
from paletteot.tables import dtypes

OURS = ("hard", "smooth_8")
CREDITS = {"a": "Ann <i>, CC-BY-3.0", "b": "not named, CC0-1.0"}


def rows(*points: tuple[str, float | None, float | None], fallen: str | None = None) -> pl.DataFrame:
    """Return a pair's rows of (method, W1, gradient SSIM); without numbers it fell."""
    made = [
        {
            "kind": "random", "source": "a", "target": "b", "method": method, "w1": w1, "w2": w1,
            "gradient_ssim": edges, "ssim": edges, "banding": None if w1 is None else 0.0, "neutrals_moved": None,
            "fallen": fallen if w1 is None else None, "seconds": None if w1 is None else 0.5,
        }
        for method, w1, edges in points
    ]  # fmt: skip
    return pl.DataFrame(made, schema=dtypes(judging.ROWS))


def made(*points: tuple[str, float, float]) -> pl.DataFrame:
    found = rows(*points)
    return board.board(found, found, OURS)


POINTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=8)


@given(POINTS)
def test_a_method_is_on_the_front_unless_another_is_better(points):
    found = made(*((f"m{place}", float(w1), edges / 5) for place, (w1, edges) in enumerate(points)))
    for row in found.iter_rows(named=True):
        rivals = [
            other for other in found.iter_rows(named=True)
            if other["w1"] <= row["w1"] and other["gradient_ssim"] >= row["gradient_ssim"]
            and (other["w1"], other["gradient_ssim"]) != (row["w1"], row["gradient_ssim"])
        ]  # fmt: skip
        assert row["front"] == (not rivals)
    assert found["front"].any()


def test_medians_are_of_what_there_is_and_who_fell_is_named():
    found = pl.concat([
        rows(("hard", 2, 0.4), ("peer", 5, 0.9)), rows(("hard", 4, 0.6), ("peer", None, None), fallen="why | <b>"),
        rows(("peer", None, None), ("lost", None, None), fallen="why | <b>"),
    ])  # fmt: skip
    medians = board.board(found, found, OURS)
    assert medians.select("method", "pairs", "fallen", "w1", "w1_q1", "w1_q3").rows() == [
        ("hard", 2, 0, 3.0, 2.5, 3.5), ("peer", 1, 2, 5.0, 5.0, 5.0),
    ]  # fmt: skip
    assert board.fallen(found).select("method", "pairs").rows() == [("peer", 2), ("lost", 1)]


def test_ours_is_interpolated_at_a_peers_edges():
    found = made(("hard", 4, 0.5), ("smooth_8", 10, 0.9), ("near", 8, 0.7), ("better", 20, 0.95), ("torn", 2, 0.1))
    equal = {row["method"]: row for row in board.at_equal_edges(found).iter_rows(named=True)}
    assert set(equal) == {"near", "torn"}
    assert equal["near"]["ours_w1"] == pytest.approx(7)
    assert equal["near"]["change"] == pytest.approx(7 / 8 - 1)
    assert equal["torn"]["change"] == pytest.approx(1)
    assert board.beaten(found) == []
    assert board.beaten(made(("hard", 4, 0.5), ("peer", 3, 0.6))) == [("peer", "hard")]


def test_the_worst_pairs_are_those_far_away_and_those_torn():
    found = pl.concat([
        rows(("hard", w1, edges)).with_columns(source=pl.lit(name))
        for name, w1, edges in (("far", 30.0, 0.9), ("torn", 3.0, 0.1), ("good", 2.0, 0.9), ("both", 29.0, 0.2))
    ])  # fmt: skip
    assert board.worst(found, "hard", 2)["source"].to_list() == ["far", "both", "torn"]


def test_the_page_says_when_ours_is_beaten():
    found = pl.concat([rows(("hard", 4, 0.5), ("reinhard", 3, 0.6)), rows(("mvgd", None, None), fallen="a | <b>c")])
    text = words.page({"1 pair": (found, board.board(found, found, OURS))}, found[:1], CREDITS, "hard", "pictures")
    assert "**Better than ours on both: reinhard than hard.**" in text
    assert "| **hard** | 1 | 4.0 (4.0 to 4.0)" in text
    assert "- mvgd, 1 pairs: a \\| &lt;b>c" in text
    assert "- a: Ann &lt;i>, CC-BY-3.0\n- b: not named, CC0-1.0" in text
    fine = rows(("hard", 4, 0.5), ("reinhard", 5, 0.4))
    assert "No peer is better than any of ours on both." in words.page(
        {"1 pair": (fine, board.board(fine, fine, OURS))}, fine[:1], CREDITS, "hard", "pictures"
    )
