"""What was submitted as a file on the boards: some splits, some tracks, seconds as claimed."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.boards import leaderboard, markdown
from paletteot.benchmark.boards import starts as starts_board
from paletteot.benchmark.records.evaluation import TABLES, About, Origin
from paletteot.errors import DataError
from tests.benchmark import fake
from tests.benchmark.test_leaderboard import board, by_name

NAMES = ["<script>", "=1+1", "../../etc/passwd", "a|b", "our-idea"]


def submitted(name: str, split: str, tracks: tuple[str, ...] = ("iterations", "accelerated"), factor: float = 0.4):
    """An evaluation that holds one split and some tables, as records give it."""
    one = replace(
        fake.evaluation(name, factor, accelerations={"relaxed": 0.05, "anderson_10": 0.3}),
        origin=Origin(claimed=True),
        about=About(learned=None, kernel_only=None),
        guest=True,
    )
    frames = {}
    for table in TABLES:
        frame = getattr(one, table)
        wanted = table.startswith(tracks) or (table == "seconds" and "iterations" in tracks)
        frames[table] = frame.filter((pl.col("split") == split) & wanted)
    return replace(one, **frames)


@pytest.fixture
def evaluations():
    made = [fake.evaluation("cold", 1), fake.evaluation("schedule", 0.5), fake.evaluation("net-5", 0.45)]
    return by_name(*made)


def test_one_split_is_enough(evaluations):
    made = board({**evaluations, "theirs": submitted("theirs", "test_unseen")})
    line = made.a.filter(pl.col("method") == "theirs")
    assert line["split"].to_list() == ["test_unseen"]
    assert line["rank"].to_list() == [1]
    assert line["claimed"].to_list() == [True]
    assert not made.a.filter(pl.col("method") != "theirs")["claimed"].any()


def test_its_acceleration_is_never_chosen_on_test(evaluations):
    """On test relaxed is better for it; most others chose anderson_10 on validation, and so it is shown with that."""
    made = board({**evaluations, "theirs": submitted("theirs", "test_unseen")})
    shown = accelerated_board.headline(made.b).filter(pl.col("family") == "theirs")
    assert shown["acceleration"].to_list() == ["anderson_10"]
    both = submitted("theirs", "test_unseen"), submitted("theirs", "validation_unseen")
    frames = {table: pl.concat([getattr(one, table) for one in both]).sort("pair_id") for table in TABLES}
    made = board({**evaluations, "theirs": replace(both[0], **frames)})
    shown = accelerated_board.headline(made.b).filter(pl.col("family") == "theirs")
    assert shown["acceleration"].to_list() == ["relaxed"]


def test_it_is_neither_the_rival_nor_the_best_learned(evaluations):
    theirs = replace(fake.evaluation("theirs", 0.01), guest=True, about=About(learned=None, kernel_only=None))
    made = board({**evaluations, "theirs": theirs})
    assert made.duel is not None
    assert (made.duel.learned[0], made.duel.rival[0]) == ("net", "schedule")
    line = accelerated_board.headline(made.b).filter(pl.col("family") == "theirs")
    assert (line["learned"].to_list(), line["rank"].to_list()) == ([None], [1])


@pytest.mark.parametrize("tracks", [("iterations",), ("accelerated",)])
def test_one_track_is_enough(evaluations, tracks):
    made = board({**evaluations, "theirs": submitted("theirs", "test_unseen", tracks)})
    assert ("theirs" in made.a["method"]) == ("iterations" in tracks)
    assert ("theirs" in made.b["method"]) == ("accelerated" in tracks)


def test_missing_pairs_are_refused(evaluations):
    theirs = submitted("theirs", "test_unseen")
    with pytest.raises(DataError, match="pair_id and split of theirs must be those of cold"):
        board({**evaluations, "theirs": replace(theirs, iterations=theirs.iterations[1:])})


@pytest.mark.parametrize("name", NAMES)
def test_claimed_seconds_and_names_are_shown_as_such(evaluations, name):
    made = board({**evaluations, name: submitted(name, "test_unseen")})
    text = leaderboard.to_markdown(made)
    assert made.a.filter(pl.col("method") == name)["family"].to_list() == [name]
    for part in text.split("## Track ")[1:3]:  # B, then A
        (row,) = [line for line in part.splitlines() if line.startswith(f"| {markdown.escape(name)} |")]
        assert "10.00 claimed |" in row or "| 10.0 | yes |" in row
    for csv in (markdown.to_csv(made.a), markdown.to_csv(made.b)):
        assert f"'{name}" * name.startswith("=") in csv


def test_the_column_is_no_metric(evaluations):
    metrics = leaderboard.metrics(board(evaluations))
    assert "claimed" not in metrics["test_unseen"]["cold"]
    assert "claimed" in starts_board.COLUMNS
