from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from paletteot.benchmark import leaderboard, results, seed_view
from paletteot.benchmark.results import Evaluation
from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import write_parquet
from paletteot.report.build import build

SPLITS = ("validation_seen", "test_seen", "test_unseen")
EACH = 64


def pairs() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 12, (3 * EACH, 2))
    return pl.DataFrame(
        {"pair_id": range(3 * EACH), "source": [f"p{i}" for i in ids[:, 0]], "target": [f"p{j}" for j in ids[:, 1]]},
        schema_overrides={"pair_id": pl.Int32},
    )


def evaluation(method: str, factor: float, init: int = 0, cap: int = 20_000) -> Evaluation:
    rng = np.random.default_rng(1)
    cold = np.exp(rng.normal(np.log(900), 0.8, 3 * EACH))
    counts = np.minimum(cold * factor, cap).astype(np.int32)
    base = pl.DataFrame(
        {"pair_id": range(3 * EACH), "split": np.repeat(SPLITS, EACH)}, schema_overrides={"pair_id": pl.Int32}
    )
    iterations = base.with_columns(
        iterations=pl.Series(counts), converged=pl.Series(counts < cap),
        init_iterations=pl.lit(init, pl.Int32), **{f"error_{n}": pl.lit(1e-5) for n in ("0", "1", "10", "100", "stop")},
    )  # fmt: skip
    seconds = base.with_columns(init_seconds=pl.lit(0.001), total_seconds=pl.lit(0.01))
    return Evaluation(method, iterations, seconds)


@pytest.fixture
def evaluations() -> dict[str, Evaluation]:
    made = [evaluation("cold", 1), evaluation("half", 0.5, init=10), evaluation("odd | <b>name</b>", 0.9)]
    return {one.method: one for one in made}


def test_the_columns_are_those_agreed(evaluations):
    board = leaderboard.rows(evaluations, pairs(), bootstrap=200, seed=0)
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
    board = leaderboard.rows(evaluations, pairs(), bootstrap=200, seed=0)
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
    censored = {"cold": evaluation("cold", 1), "slow": evaluation("slow", 30)}
    board = leaderboard.rows(censored, pairs(), bootstrap=200, seed=0)
    line = board.row(by_predicate=(pl.col("method") == "slow") & (pl.col("split") == "test_unseen"), named=True)
    assert line["problems"] == EACH
    assert line["converged"] < EACH
    assert line["max"] == 20_000


def test_names_are_shown_as_typed(evaluations):
    text = leaderboard.to_markdown(leaderboard.rows(evaluations, pairs(), bootstrap=200, seed=0))
    row = next(line for line in text.splitlines() if "name" in line and line.startswith("| odd"))
    assert "odd \\| \\<b\\>name\\</b\\>" in row


def test_methods_judged_on_other_pairs_are_refused(evaluations):
    half = evaluations["half"]
    evaluations["half"] = Evaluation("half", half.iterations[1:], half.seconds[1:])
    with pytest.raises(DataError, match="pair_id of half must be those of cold"):
        leaderboard.rows(evaluations, pairs(), bootstrap=200, seed=0)


def test_without_the_cold_start_there_is_no_ratio(evaluations):
    del evaluations["cold"]
    with pytest.raises(DataError, match=r"evaluate\.methods must name cold"):
        leaderboard.rows(evaluations, pairs(), bootstrap=200, seed=0)


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


def test_the_report_is_whole_and_its_metrics_repeat(tmp_path, evaluations):
    curves = {"half": pl.DataFrame({"epoch": [1, 2], "train_loss": [2.0, 1.0], "validation_unseen_loss": [2.5, 1.5]})}
    for name in ("one", "two"):
        build(evaluations, pairs(), curves, bootstrap=200, seed=0, made="by a test", folder=tmp_path / name)
    one, two = tmp_path / "one", tmp_path / "two"
    metrics = json.loads((one / "metrics.json").read_text())
    assert metrics["test_unseen"]["half"]["rank"] == 1
    assert "init_ms" not in metrics["test_unseen"]["half"]
    assert (
        metrics["seed_view"]["cold"]["max"]
        == seed_view.maxima(evaluations["cold"].split("validation_seen").iterations["iterations"]).max()
    )
    for file in ("metrics.json", "leaderboard.csv", "seed_view.md", "plots/iterations.csv", "index.html"):
        assert (one / file).read_bytes() == (two / file).read_bytes()
    page = (one / "index.html").read_text()
    assert "odd | &lt;b&gt;name&lt;/b&gt;" in page
    assert "<b>name" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "src=" not in page
    for figure in ("ratios", "iterations_half", "loss_half"):
        assert (one / "figures" / f"{figure}.png").read_bytes().startswith(b"\x89PNG")
    frame = (one / "plots" / "offline.html").read_text()
    assert "{plot_divs}" in frame
    assert "cdn" not in frame[:2000]
