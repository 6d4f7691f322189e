from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from paletteot.benchmark import leaderboard, results, seed_view
from paletteot.benchmark.results import Evaluation
from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import write_parquet
from tests.benchmark import fake


@pytest.fixture
def evaluations() -> dict[str, Evaluation]:
    made = [
        fake.evaluation("cold", 1),
        fake.evaluation("half", 0.5, init=10),
        fake.evaluation("odd | <b>name</b>", 0.9),
    ]
    return {one.method: one for one in made}


def test_the_columns_are_those_agreed(evaluations):
    board = leaderboard.rows(evaluations, fake.pairs(), bootstrap=200, seed=0)
    assert board.columns == [
        "method",
        "track",
        "split",
        "problems",
        "converged",
        "min",
        "q1",
        "median",
        "q3",
        "max",
        "ratio_median",
        "ratio_low",
        "ratio_high",
        "improved_share",
        "init_iterations",
        "init_ms",
        "total_ms",
        "rank",
    ]
    assert board["split"].to_list() == ["test_unseen"] * 3 + ["test_seen"] * 3
    assert board["method"].to_list()[:3] == ["half", "odd | <b>name</b>", "cold"]
    assert board["rank"].to_list()[:3] == [1, 2, 3]


def test_a_line_is_what_the_rows_say(evaluations):
    board = leaderboard.rows(evaluations, fake.pairs(), bootstrap=200, seed=0)
    line = board.row(by_predicate=(pl.col("method") == "half") & (pl.col("split") == "test_unseen"), named=True)
    frame = evaluations["half"].split("test_unseen").iterations
    cold = evaluations["cold"].split("test_unseen").iterations["iterations"].to_numpy()
    counts = frame["iterations"].to_numpy()
    assert line["median"] == np.median(counts)
    assert line["ratio_median"] == pytest.approx(np.median((counts + 10) / cold))
    assert line["ratio_low"] <= line["ratio_median"] <= line["ratio_high"]
    assert line["improved_share"] == ((counts + 10) < cold).mean()
    assert (line["init_iterations"], line["init_ms"], line["total_ms"]) == (10, 1.0, 10.0)


def test_a_censored_run_stands_as_the_cap_and_is_not_dropped():
    censored = {"cold": fake.evaluation("cold", 1), "slow": fake.evaluation("slow", 30)}
    board = leaderboard.rows(censored, fake.pairs(), bootstrap=200, seed=0)
    line = board.row(by_predicate=(pl.col("method") == "slow") & (pl.col("split") == "test_unseen"), named=True)
    assert line["problems"] == 64
    assert line["converged"] < 64
    assert line["max"] == 20_000


def test_names_are_shown_as_typed(evaluations):
    text = leaderboard.to_markdown(leaderboard.rows(evaluations, fake.pairs(), bootstrap=200, seed=0))
    row = next(line for line in text.splitlines() if "name" in line and line.startswith("| odd"))
    assert "odd \\| \\<b\\>name\\</b\\>" in row


def test_methods_judged_on_other_pairs_are_refused(evaluations):
    half = evaluations["half"]
    evaluations["half"] = Evaluation("half", half.iterations[1:], half.seconds[1:])
    with pytest.raises(DataError, match="pair_id and split of half must be those of cold"):
        leaderboard.rows(evaluations, fake.pairs(), bootstrap=200, seed=0)


def test_without_the_cold_start_there_is_no_ratio(evaluations):
    del evaluations["cold"]
    with pytest.raises(DataError, match=r"evaluate\.methods must name cold"):
        leaderboard.rows(evaluations, fake.pairs(), bootstrap=200, seed=0)


def test_evaluations_are_read_as_they_were_written(tmp_path, evaluations):
    for name, frame, table in (
        ("iterations", evaluations["half"].iterations, schema.ITERATIONS),
        ("seconds", evaluations["half"].seconds, schema.SECONDS),
    ):
        write_parquet(tmp_path / "half" / f"{name}.parquet", frame, table)
    assert results.read(tmp_path, "half").iterations.equals(evaluations["half"].iterations)
    with pytest.raises(DataError, match=r"none/iterations\.parquet: no such file"):
        results.read(tmp_path, "none")


def test_the_seed_view_is_the_maximum_of_eight():
    np.testing.assert_array_equal(seed_view.maxima([*range(16), 3]), [7, 15, 3])
    rows = seed_view.rows({"cold": range(16)})
    assert rows[0] == ["cold, published", "884", "2264", "3031", "4217", "20000"]
    assert rows[-1] == ["cold, ours", "7", "9", "11", "13", "15"]


def test_a_pair_that_is_not_in_the_table_of_pairs_is_named(evaluations):
    with pytest.raises(
        DataError, match=r"pairs\.parquet: pair_id must name every pair that was evaluated, but lacks 191"
    ):
        leaderboard.rows(evaluations, fake.pairs()[:-1], bootstrap=200, seed=0)


def test_a_split_that_was_not_evaluated_is_named(evaluations):
    without = {
        name: Evaluation(
            name, *(frame.filter(pl.col("split") != "test_seen") for frame in (one.iterations, one.seconds))
        )
        for name, one in evaluations.items()
    }
    with pytest.raises(DataError, match=r"evaluate\.splits must name test_seen"):
        leaderboard.rows(without, fake.pairs(), bootstrap=200, seed=0)
    with pytest.raises(DataError, match=r"evaluate\.splits must name validation_seen"):
        seed_view.rows({"cold": []})


def test_equal_methods_share_a_rank():
    twins = [fake.evaluation(name, factor) for name, factor in (("cold", 1), ("one", 0.5), ("two", 0.5))]
    board = leaderboard.rows({one.method: one for one in twins}, fake.pairs(), bootstrap=200, seed=0)
    assert board["rank"].to_list() == [1, 1, 3] * 2
    assert board["method"].to_list() == ["one", "two", "cold"] * 2


def test_a_quantile_among_censored_runs_is_marked_as_a_lower_bound():
    slow = {"cold": fake.evaluation("cold", 1), "slow": fake.evaluation("slow", 30)}
    board = leaderboard.rows(slow, fake.pairs(), bootstrap=200, seed=0)
    line = board.row(by_predicate=(pl.col("method") == "slow") & (pl.col("split") == "test_unseen"), named=True)
    shown = leaderboard.cells(line)
    assert (shown["median"], shown["max"]) == ("≥ 20000", "≥ 20000")
    assert not shown["min"].startswith("≥")
    assert "≥ 20000" in leaderboard.to_markdown(board)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("lp_duals", "lp_duals"),
        ("_it_", "\\_it\\_"),
        ("a|b", "a\\|b"),
        ("*x* `y` [z](u)", "\\*x\\* \\`y\\` \\[z\\](u)"),
        ("two\nlines", "two lines"),
        ("<script>", "\\<script\\>"),
        ("&lt;", "\\&lt;"),
    ],
)
def test_markdown_shows_names_as_typed(name, shown):
    assert leaderboard.escape(name) == shown
    assert f"| {shown}, ours |" in seed_view.to_markdown(seed_view.rows({name: range(16)}))


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", 'a "quoted", name'])
def test_csv_holds_names_that_no_spreadsheet_runs(name):
    evaluations = {one.method: one for one in (fake.evaluation("cold", 1), fake.evaluation(name, 0.5))}
    text = leaderboard.to_csv(leaderboard.rows(evaluations, fake.pairs(), bootstrap=200, seed=0))
    read = pl.read_csv(text.encode())
    assert read.columns == list(leaderboard.COLUMNS)
    assert read["method"][0] == (name if name.startswith("a") else f"'{name}")


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("seconds", "total_seconds", float("nan"), r"seconds\.parquet: total_seconds must be finite and at least 0"),
        ("seconds", "init_seconds", float("inf"), "init_seconds must be finite and at least 0, but is inf for pair 0"),
        ("iterations", "error_10", float("nan"), r"iterations\.parquet: error_10 must be finite"),
        ("iterations", "iterations", -1, "iterations must be finite and at least 0, but is -1 for pair 0"),
        ("iterations", "pair_id", 5, "pair_id must name each pair once, but names 5 more than once"),
        ("iterations", "split", None, "column split must have a value in every row, but row 0 has none"),
    ],
)
def test_illegal_rows_are_named(tmp_path, table, column, value, message):
    made = fake.evaluation("half", 0.5)
    for name, frame in (("iterations", made.iterations), ("seconds", made.seconds)):
        if name == table:
            first = pl.int_range(pl.len()) == 0
            frame = frame.with_columns(
                pl.when(first).then(pl.lit(value, frame.schema[column])).otherwise(pl.col(column)).alias(column)
            )
        (tmp_path / "half").mkdir(exist_ok=True)
        frame.write_parquet(tmp_path / "half" / f"{name}.parquet")
    with pytest.raises(DataError, match=message):
        results.read(tmp_path, "half")


def test_seconds_of_other_pairs_are_refused(tmp_path):
    made = fake.evaluation("half", 0.5)
    (tmp_path / "half").mkdir()
    made.iterations.write_parquet(tmp_path / "half" / "iterations.parquet")
    made.seconds[1:].write_parquet(tmp_path / "half" / "seconds.parquet")
    with pytest.raises(DataError, match="must hold the same pair_id"):
        results.read(tmp_path, "half")
