"""One whole pipeline in a temporary workspace, and what it does when something is wrong."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

import intervals
import workspace
from paletteot import chunks
from paletteot.comparison import judging
from paletteot.dataset import layout, sources, verify
from paletteot.demo import facts as demo
from paletteot.errors import DataError
from paletteot.files import sha256
from paletteot.tables import read_parquet

CODE = "src/paletteot/warmstarts"
TINY = {
    "images": {"source": "bundled", "count": 30, "long_side": 64, "grading": 1.0},
    "palettes": {"k": 16, "sample": 256},
    "pairs": {
        "train": 40, "validation_seen": 16, "validation_unseen": 8, "test_seen": 8, "test_unseen": 8, "total": 80,
    },
    "plans": {"shard_rows": 16},
    "train": {
        "experiment": "test", "seeds": [5, 6],
        "networks": {
            network: {"epochs": 1, "block": 8}
            for network in ("plan_network", "dual_network", "dual_network_self", "dual_network_unrolled")
        },
    },
    "evaluate": {
        "batch": 8,
        "accelerated": {"validation_unseen": 8, "test_unseen": 8},
        "methods": {
            name: {"code": f"{CODE}/{file}.py", "reads": reads or f"{CODE}/{file}.py"}
            for name, file, reads in (
                ("cold", "cold", ""),
                ("nearest", "nearest", "data/plans"),
                ("epsilon_schedule_10", "epsilon_schedule", ""),
                ("plan_network-5", "plan_network", "models/plan_network/5.safetensors"),
                ("dual_network-5", "dual_network", "models/dual_network/5.safetensors"),
                ("dual_network-6", "dual_network", "models/dual_network/6.safetensors"),
            )
        },
    },
    "transfer": {
        "content": 1, "random": 2, "sigmas": [2, 8], "shown": 1,
        "peers": ["reinhard", "color_matcher_mkl", "color_matcher_mvgd", "pot_linear"],
    },
    "demo": {"pairs": []},
    "report": {"bootstrap": 100},
}  # fmt: skip
DATA_STAGES = ("images", "palettes", "pairs", "plans", "release")


def hashes(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): sha256(file) for file in sorted(folder.rglob("*")) if file.is_file()}


def run_stage(folder: Path, stage: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paletteot.stages", *stage.split()]
    return subprocess.run(
        command, cwd=folder, env=workspace.environment(), capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A workspace in which `dvc repro` has run once."""
    folder = workspace.make(tmp_path_factory.mktemp("pipeline") / "one", TINY)
    done = workspace.dvc(folder, "repro", capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    """A copy to break."""
    for name in ("data", "models", "reports", "src"):
        shutil.copytree(whole / name, tmp_path / name)
    shutil.copy2(whole / "params.yaml", tmp_path)
    return tmp_path


@pytest.mark.pipeline
def test_both_rules_of_intervals_are_printed_from_what_the_pipeline_made(whole, monkeypatch):
    monkeypatch.chdir(whole)
    lines = intervals.page([]).splitlines()
    assert lines[0] == "test_unseen, 8 problems of 2 photographs, 100 draws:"
    named = [line.split(" | ")[1] for line in lines[4:]]
    assert "Track A" in named
    assert any(one.startswith("Track B, ") for one in named)
    with pytest.raises(DataError, match="must hold a record of each contestant, but has none of nobody"):
        intervals.page(["nobody"])


@pytest.mark.pipeline
def test_the_pipeline_ends_in_a_leaderboard(whole):
    board = pl.read_csv(whole / "reports" / "leaderboard.csv")
    assert board.columns == [
        "method", "family", "track", "split", "problems", "photographs", "groups", "converged", "fallbacks",
        "min", "q1", "median", "q3", "max",
        "ratio_median", "ratio_low", "ratio_high", "improved_share", "init_iterations", "init_ms", "total_ms",
        "claimed", "label_like", "rank", "ties", "seeds", "shown",
        "data_version", "code_commit", "hardware", "mlflow_run", "made_by",
    ]  # fmt: skip
    assert board.select(pl.col("data_version", "code_commit", "hardware").str.len_chars() > 0).to_numpy().all()
    trained = board["mlflow_run"].str.len_chars() == 32
    assert set(board.filter(trained)["method"]) == {"plan_network-5", "dual_network-5", "dual_network-6"}
    assert set(board["method"]) == set(TINY["evaluate"]["methods"])
    assert set(board["split"]) == {"test_seen", "test_unseen"}
    assert (board["problems"] == 8).all()
    assert (board["groups"] <= board["photographs"]).all()
    assert set(board.filter(pl.col("split") == "test_unseen")["photographs"]) == {2}
    cold = board.filter(pl.col("method") == "cold")
    assert (cold["ratio_median"] == 1).all()
    for name in ("metrics.json", "leaderboard.md", "site/index.html", "site/vega.js", "curves/plan_network.csv"):
        assert (whole / "reports" / name).stat().st_size > 0
    json.loads((whole / "reports" / "metrics.json").read_text())


@pytest.mark.pipeline
def test_transfers_are_compared_and_shown(whole):
    measures = read_parquet(whole / "data" / "transfer" / "measures.parquet", judging.MEASURES)
    methods = ["hard", "smooth_2", "smooth_8", "smooth_2_kept", "smooth_8_kept", *TINY["transfer"]["peers"]]
    pairs = measures.select("source", "target").unique()
    assert 1 <= len(pairs) <= 3
    assert measures["method"].to_list() == methods * len(pairs)
    groups = dict(pl.read_parquet(whole / "data" / "palettes.parquet").select("image_id", "group").rows())
    assert all(groups[a] != groups[b] for a, b in pairs.rows())
    made = measures.filter(pl.col("fallen").is_null())
    assert set(methods) - set(made["method"]) <= {"color_matcher_mvgd"}  # which wants pictures of one size
    seconds = read_parquet(whole / "data" / "transfer" / "seconds.parquet", judging.SECONDS)
    assert len(seconds) == len(made)
    assert "seconds" not in measures.columns
    page = (whole / "reports" / "transfer.md").read_text()
    assert "| **smooth_8** |" in page
    for picture in re.findall(r"\]\((transfer/.+?)\)", page):
        assert (whole / "reports" / picture).stat().st_size > 0
    examples = demo.read(whole / "data" / "demo")
    assert 1 <= len(examples) <= 5
    assert all(one.largest < 1 for one in examples)
    for one in examples:
        shown = whole / "reports" / "figures" / one.sheet
        assert shown.read_bytes() == (whole / "data" / "demo" / one.sheet).read_bytes()
        assert one.source_attribution in html.unescape((whole / "reports" / "site" / "transfer.html").read_text())


@pytest.mark.pipeline
def test_a_second_repro_does_nothing(whole):
    before = hashes(whole / "data") | hashes(whole / "reports")
    done = workspace.dvc(whole, "repro", capture_output=True)
    assert done.returncode == 0
    assert "Running stage" not in done.stdout + done.stderr
    assert "up to date" in done.stdout + done.stderr
    assert hashes(whole / "data") | hashes(whole / "reports") == before


@pytest.mark.pipeline
def test_a_second_run_of_the_data_stages_gives_the_same_hashes(whole, tmp_path):
    again = workspace.make(tmp_path / "two", TINY)
    done = workspace.dvc(again, "repro", *DATA_STAGES, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr
    locks = [yaml.safe_load((folder / "dvc.lock").read_text())["stages"] for folder in (whole, again)]
    for stage in DATA_STAGES:
        one, other = ([(out["path"], out["md5"]) for out in lock[stage]["outs"]] for lock in locks)
        assert one == other


@pytest.mark.pipeline
def test_the_runs_are_in_mlflow(whole):
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{whole / 'mlflow.db'}")
    runs = mlflow.search_runs(experiment_names=["test"], output_format="list")
    networks = ("plan_network", "dual_network", "dual_network_self", "dual_network_unrolled")
    assert {run.info.run_name for run in runs} == {f"{name}-{seed}" for name in networks for seed in (5, 6)}
    lock = yaml.safe_load((whole / "dvc.lock").read_text())["stages"]
    plans = lock["plans"]["outs"][0]["md5"]
    for run in runs:
        assert run.data.params["data_dvc_hash"] == plans
        assert run.data.params["git_commit"]
        assert "validation_unseen_loss" in run.data.metrics
        assert run.info.status == "FINISHED"
        assert [one.dataset.digest for one in run.inputs.dataset_inputs] == [plans]
    client = mlflow.MlflowClient()
    for name in networks:
        champion = client.get_model_version_by_alias(f"paletteot-{name.replace('_network', '')}", "champion")
        (best,) = [run for run in runs if run.info.run_id == champion.run_id]
        assert best.info.run_name.startswith(f"{name}-")
        listed = mlflow.artifacts.list_artifacts(run_id=champion.run_id, artifact_path="model")
        assert [one.path for one in listed] == [f"model/{best.info.run_name.rpartition('-')[2]}.safetensors"]


@pytest.mark.pipeline
def test_the_release_is_what_it_claims(whole):
    report = verify.verify(sources.release(whole / "data" / "release"), threads=2)
    assert report.faults == []
    assert report.plans == TINY["pairs"]["total"]
    manifest = json.loads((whole / "reports" / "release.json").read_text())
    assert manifest["files"] == layout.hashes(whole / "data" / "release")
    card = (whole / "data" / "release" / "README.md").read_text()
    for table in ("manifest", "palettes", "pairs"):
        assert sha256(whole / "data" / f"{table}.parquet") in card


@pytest.mark.pipeline
def test_a_killed_stage_goes_on_from_its_finished_chunks(copy):
    """The chunks that a killed run left are not run again, unless somebody changed them."""
    before = hashes(copy / "data" / "plans")
    probe = (
        "import paletteot.engine as engine\n"
        "from paletteot.stages.__main__ import main\n"
        "engine.collect = lambda files: (_ for _ in ()).throw(KeyboardInterrupt)\n"
        "main(['plans'])\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=copy,
        env=workspace.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == 130
    assert "interrupted; run again to go on" in killed.stderr
    assert hashes(copy / "data" / "plans") == before
    (chunk,) = (copy / ".partial" / "plans").rglob("*.parquet")
    number, question, _ = chunk.stem.split("-")
    marked = pl.read_parquet(chunk).with_columns(newton_steps=pl.lit(77, pl.Int32))
    chunk.unlink()
    chunks.write(chunk.parent, int(number), question, marked)
    assert run_stage(copy, "plans").returncode == 0
    assert 77 in pl.read_parquet(copy / "data" / "plans" / "*.parquet")["newton_steps"]
    assert not (copy / ".partial").exists()


def params(folder: Path, section: str, field: str, value: object) -> None:
    raw = yaml.safe_load((folder / "params.yaml").read_text())
    raw[section][field] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def edit(file: Path, **columns: pl.Expr) -> None:
    pl.read_parquet(file).with_columns(**columns).write_parquet(file)


def first_weights(make) -> pl.Expr:
    def change(series: pl.Series) -> pl.Series:
        rows = series.to_numpy().copy()
        make(rows)
        return pl.Series(rows, dtype=series.dtype)

    return pl.col("weights").map_batches(change)


def make_nan(rows) -> None:
    rows[0, 0] = float("nan")


def double(rows) -> None:
    rows[0] *= 2


FAULTS = {
    "an unknown peer": (
        "transfer", lambda f: params(f, "transfer", "peers", ["nobody"]),
        "params.yaml: transfer.peers must be of reinhard, match_histograms, ",
    ),
    "a demo of pictures that are not of the test": (
        "demo", lambda f: params(f, "demo", "pairs", [["ghost", "ghost"]]),
        "params.yaml: demo.pairs must be pictures of test_unseen, but one is 'ghost'",
    ),
    "a demo that lost a picture": (
        "report", lambda f: (f / "data/demo/demo_1.jpg").unlink(), "data/demo/demo_1.jpg: no such file"
    ),
    "k = 0": ("palettes", lambda f: params(f, "palettes", "k", 0), "params.yaml: palettes.k: "),
    "eps = 0": ("plans", lambda f: params(f, "transport", "eps", 0), "params.yaml: transport.eps: "),
    "unknown source": (
        "images", lambda f: params(f, "images", "source", "web"),
        "params.yaml: images.source must be one of packages, bundled, unsplash, folder, huggingface, but is 'web'",
    ),
    "unknown method": (
        "evaluate cold", lambda f: params(f, "evaluate", "methods", {"hot": {"code": "x", "reads": "x"}}),
        "params.yaml: evaluate.methods must be one of cold, dual_network, ",
    ),
    "a method of another file": (
        "evaluate cold", lambda f: params(f, "evaluate", "methods", {"cold": {"code": "x.py", "reads": "x.py"}}),
        "params.yaml: evaluate.methods.cold.code must be src/paletteot/warmstarts/cold.py, but is 'x.py'",
    ),
    "splits that do not add up": (
        "pairs", lambda f: params(f, "pairs", "total", 81),
        "params.yaml: pairs: Value error, total must be the sum of the five splits, 80, but is 81",
    ),
    "more pairs than there are": (
        "pairs", lambda f: (params(f, "pairs", "test_unseen", 500), params(f, "pairs", "total", 572)),
        "params.yaml: pairs.test_unseen must be at most ",
    ),
    "a missing picture": (
        "palettes", lambda f: (f / "data/images/bundled-00003.jpg").unlink(), "data/images/bundled-00003.jpg is missing"
    ),
    "a truncated picture": (
        "palettes", lambda f: cut(f / "data/images/bundled-00003.jpg"),
        "data/images/bundled-00003.jpg: not a whole picture",
    ),
    "a palette with NaN": (
        "plans", lambda f: edit(f / "data/palettes.parquet", weights=first_weights(make_nan)),
        "data/palettes.parquet: row 0 (bundled-00000): weights must be finite",
    ),
    "weights that do not sum to 1": (
        "plans", lambda f: edit(f / "data/palettes.parquet", weights=first_weights(double)),
        "data/palettes.parquet: row 0 (bundled-00000): weights must sum to 1, but sum to 2",
    ),
    "a pair naming a picture that is not there": (
        "plans", lambda f: edit(f / "data/pairs.parquet", source=pl.lit("ghost")),
        "data/pairs.parquet: source of row 0 names picture 'ghost', which has no palette",
    ),
    "a shard cut short": (
        "evaluate cold", lambda f: cut(f / "data/plans/test_seen-00000-of-00001.parquet"),
        "data/plans/test_seen-00000-of-00001.parquet: not a whole Parquet file",
    ),
    "a version that is none": (
        "release", lambda f: params(f, "dataset", "version", "1.0"), "params.yaml: dataset.version: String should match"
    ),
    "a hub id that is none": (
        "release", lambda f: params(f, "dataset", "hub_id", "paletteot"), "params.yaml: dataset.hub_id: String should"
    ),
    "a shard of the release cut short": (
        "release", lambda f: cut(f / "data/plans/train-00000-of-00003.parquet"), "not a whole Parquet file"
    ),
    "weights of a network cut short": (
        "evaluate dual_network-5", lambda f: cut(f / "models/dual_network/5.safetensors"),
        "models/dual_network/5.safetensors: ",
    ),
    "an evaluation cut short": (
        "report", lambda f: cut(f / "data/evaluations/cold/iterations.parquet"),
        "data/evaluations/cold/iterations.parquet: must be as it was written, but its SHA-256 is not that of",
    ),
}  # fmt: skip


@pytest.mark.pipeline
@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_is_one_clear_line_and_spoils_nothing(copy, fault):
    stage, plant, words = FAULTS[fault]
    plant(copy)
    before = hashes(copy / "data") | hashes(copy / "models") | hashes(copy / "reports")
    done = run_stage(copy, stage)
    assert done.returncode == 1
    errors = [line for line in done.stderr.replace("\r", "\n").splitlines() if "error: " in line]
    assert len(errors) == 1, done.stderr
    assert words in errors[0]
    assert "Traceback" not in done.stderr
    assert hashes(copy / "data") | hashes(copy / "models") | hashes(copy / "reports") == before
