"""The stages on tiny problems: contestants are judged under every track, chunk by chunk, and the report is written."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from paletteot.benchmark.records import evaluation, store
from paletteot.benchmark.tracks import runner as referee
from paletteot.config.params import Params
from paletteot.project import judging, paths
from paletteot.project.parameters import load_params
from paletteot.stages import evaluate, report
from paletteot.warmstarts.cold import Cold
from tests.dataset import made
from tests.small_project import ready_to_report

CODE = Path(evaluate.__file__).parents[1] / "warmstarts"
SPLITS = {split: len(pairs) for split, pairs in made.SPLITS.items() if split != "train"}


@pytest.fixture
def params(tmp_path, monkeypatch) -> Params:
    """Parameters in a folder with the data that the stages before would have made."""
    asked = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    asked["workers"] = 1
    asked["transport"]["eps"] = made.EPS
    asked["evaluate"] |= {
        "methods": {
            name: dict.fromkeys(("code", "reads"), str(CODE / f"{file}.py"))
            for name, file in (
                ("cold", "cold"), ("epsilon_schedule_10", "epsilon_schedule"), ("lp_duals", "lp_duals"),
            )
        },
        "accelerated": {"validation_unseen": 3, "test_unseen": 2},
        "only_track_a": [],
        "newton": {"methods": ["epsilon_schedule_10"], "splits": ["test_unseen"]},
        "splits": SPLITS,
        "relaxed": {"validation_unseen": 3, "test_unseen": 2}, "ladder": {"test_unseen": 2},
        "batch": 2,
    }  # fmt: skip
    asked["report"]["bootstrap"] = 100
    monkeypatch.chdir(tmp_path)
    judging.pairs_of.cache_clear()
    made.pipeline_folder(tmp_path / "data")
    ready_to_report()
    Path("params.yaml").write_text(yaml.safe_dump(asked))
    return load_params()


def read(method: str) -> evaluation.Evaluation:
    return evaluation.of_records([store.read(paths.EVALUATIONS / method)])[method]


def test_from_plans_to_the_report(params):
    for method in params.evaluate.methods:
        evaluate.stage(params, method)
    found = read("epsilon_schedule_10")
    assert len(found.iterations) == sum(SPLITS.values())
    counted = found.accelerated.group_by("split").agg(pl.col("pair_id").n_unique()).sort("split")
    # Track B takes the batches that lie within what was asked for: two of the four test pairs.
    assert counted.rows() == [("test_unseen", 2), ("validation_unseen", 3)]
    assert found.newton["split"].to_list() == ["test_unseen"] * SPLITS["test_unseen"]
    assert found.newton["converged"].all()
    assert read("cold").newton.is_empty()
    assert not Path(".partial").exists()

    report.stage(params)
    board = pl.read_csv("reports/accelerated.csv")
    assert set(board["family"]) == set(params.evaluate.methods)
    assert (board.filter(pl.col("acceleration") == "plain")["ratio_1e-9"] == 1).all()
    assert not board["learned"].any()
    assert not board.filter(pl.col("family") == "lp_duals")["kernel_only"].any()
    assert "Track C" in Path("reports/leaderboard.md").read_text()


@pytest.mark.usefixtures("params")
def test_a_run_in_chunks_gives_the_rows_of_one_in_a_piece():
    def tracks_of(_split, stop):
        return ("A", "B", "C") if stop <= 2 else ("A",)

    chunks = list(referee.chunks_of({"test_unseen": 4}, 2, tracks_of, {"test_unseen": 2}))
    rows = referee.run(Cold, chunks, judging.pairs_of, referee.Stop(), folder=Path("chunks"), workers=1, label="test")
    pairs = judging.pairs_of("test_unseen")
    for track, stop in (("A", 4), ("B", 2), ("C", 2)):
        whole = referee.judge(Cold(), pairs[:stop], referee.Stop(), tracks=(track,))[track]
        seconds = [name for name in whole.columns if name.endswith("seconds")]
        assert rows[track].drop(seconds).equals(whole.drop(seconds))
    assert rows["ladder"].is_empty()


def test_the_tracks_of_a_span_are_what_params_ask(params):
    asked = params.evaluate.model_copy(update={"only_track_a": ("lp_duals",)})
    assert evaluate.tracks(asked, "epsilon_schedule_10", "test_unseen", 2) == ("A", "B", "C", "ladder")
    assert evaluate.tracks(asked, "epsilon_schedule_10", "test_unseen", 4) == ("A", "C")
    assert evaluate.tracks(asked, "cold", "validation_unseen", 2) == ("A", "B")
    assert evaluate.tracks(asked, "cold", "test_seen", 2) == ("A",)
    assert evaluate.tracks(asked, "lp_duals", "test_unseen", 2) == ("A", "ladder")
