from __future__ import annotations

import shutil

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from paletteot import cli
from paletteot.dataset import schema
from paletteot.ot import sinkhorn
from paletteot.ot.problem import Problem
from paletteot.stages import __main__ as stages
from paletteot.tables import dtypes, read_parquet, write_parquet
from tests.dataset.test_load import K, palettes_frame


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, [str(one) for one in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout if result.exit_code == 0 else result.stderr


@pytest.fixture
def palettes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_parquet(tmp_path / "A.parquet", palettes_frame(), schema.palettes(K))
    return tmp_path / "A.parquet"


def test_solve_writes_the_plans_of_every_ordered_pair(palettes):
    code, output = run("solve", palettes)
    assert (code, output.split()[:2]) == (0, ["12", "plans"])
    plans = read_parquet(palettes.with_suffix(".plans.parquet"), schema.plans(K))
    assert (plans["target_error"] <= 1e-9).all()
    assert (plans["source"] != plans["target"]).all()
    assert not (palettes.parent / ".partial").exists()


def test_solve_takes_the_pairs_it_is_given(palettes, tmp_path):
    pairs = pl.DataFrame(
        {"pair_id": [7], "split": ["mine"], "source": ["p0"], "target": ["p3"]}, schema=dtypes(schema.PAIRS)
    )
    write_parquet(tmp_path / "pairs.parquet", pairs, schema.PAIRS)
    code, _ = run("solve", palettes, "--pairs", tmp_path / "pairs.parquet", "-o", tmp_path / "out.parquet")
    assert code == 0
    assert read_parquet(tmp_path / "out.parquet", schema.plans(K))["pair_id"].to_list() == [7]


def couplings(file) -> np.ndarray:
    if file.suffix == ".npy":
        return np.load(file)
    if file.suffix == ".npz":
        with np.load(file) as archive:
            assert sorted(archive) == ["plans", "source", "target"]
            assert list(zip(archive["source"][:2], archive["target"][:2], strict=True)) == [("p0", "p1"), ("p0", "p2")]
            return archive["plans"]
    frame = pl.read_parquet(file)
    assert frame.schema["plan"] == pl.Array(pl.Float64, (K, K))
    assert frame["pair_id"].to_list() == list(range(12))
    assert frame.select("source", "target").row(0) == ("p0", "p1")
    return frame["plan"].to_numpy()


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".parquet"])
def test_solve_writes_the_couplings_too(palettes, tmp_path, suffix, monkeypatch):
    monkeypatch.setattr("paletteot.dataset.couplings.GROUP", 5 * 8 * K * K)  # three row groups
    file = tmp_path / f"couplings{suffix}"
    code, output = run("solve", palettes, "--plans", file, "--eps", 0.5)
    assert code == 0
    assert f"their couplings in {file}" in output
    plans = read_parquet(palettes.with_suffix(".plans.parquet"), schema.plans(K))
    frame, found = palettes_frame(), couplings(file)
    assert found.shape == (12, K, K)
    assert found.dtype == np.float64
    at = {name: row for row, name in enumerate(frame["image_id"])}
    for row, P in zip(plans.iter_rows(named=True), found, strict=True):
        i, j = at[row["source"]], at[row["target"]]
        x, a = frame["centroids"].to_numpy()[i], frame["weights"].to_numpy()[i]
        y, b = frame["centroids"].to_numpy()[j], frame["weights"].to_numpy()[j]
        np.testing.assert_array_equal(P, sinkhorn.plan(Problem(x, a, y, b, 0.5), row["g"]))
        assert np.abs(P.sum(1) - a).sum() + np.abs(P.sum(0) - b).sum() <= 2e-9


def test_couplings_without_room_are_refused_before_anything_is_solved(palettes, tmp_path, monkeypatch):
    full = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    code, output = run("solve", palettes, "--plans", "c.npy")
    assert code == 1
    assert "c.npy: 12 couplings take 3.46e-06 GB, but 1e-06 GB are free" in output
    assert [one.name for one in tmp_path.iterdir()] == ["A.parquet"]


@pytest.mark.parametrize(
    ("plans", "words"),
    [
        ("c.csv", "--plans must end in one of .npy, .npz, .parquet, but is c.csv"),
        ("A.parquet", "--plans must not be A.parquet, which is read, but is A.parquet"),
        ("A.plans.parquet", "--plans must not be A.plans.parquet, where the potentials go"),
        ("A.parquet/c.npy", "--plans must be in a folder, but A.parquet is none"),
    ],
)
def test_couplings_go_nowhere_that_they_should_not(palettes, tmp_path, plans, words):
    before = palettes.read_bytes()
    code, output = run("solve", "A.parquet", "--plans", plans)
    assert code == 1
    assert words in output
    assert output.count("\n") == 1
    assert [one.name for one in tmp_path.iterdir()] == ["A.parquet"]
    assert palettes.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--eps", "0"], "error: --eps must be a positive number of LAB units, but is 0.0"),
        (["--pairs", "none.parquet"], "error: none.parquet: no such file"),
    ],
)
def test_solve_refuses_with_one_line(palettes, change, words):
    code, output = run("solve", palettes, *change)
    assert code == 1
    assert words in output
    assert output.count("\n") == 1


def test_weights_that_do_not_sum_to_one_are_refused(tmp_path):
    frame = palettes_frame().with_columns(weights=pl.Series(np.full((4, K), 0.5), dtype=pl.Array(pl.Float64, K)))
    frame.write_parquet(tmp_path / "A.parquet")
    code, output = run("solve", tmp_path / "A.parquet")
    assert code == 1
    assert "A.parquet: row 0 (p0): weights must sum to 1, but sum to 3" in output


def test_commands_outside_a_project_say_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, output = run("leaderboard")
    assert (code, output) == (1, "error: reports/leaderboard.md: no such file; `dvc repro` makes it\n")
    code, output = run("evaluate", "cold")
    assert (code, output) == (1, "error: params.yaml: no such file; run from the root of the project\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            [],
            "error: stage must be one of images, palettes, pairs, plans, release, train, evaluate, transfer, demo, "
            "report, but is ''",
        ),
        (["paint"], "but is 'paint'"),
        (["train"], "error: stage train must be given one of plan_network, dual_network, "),
        (["evaluate", "hot"], "must be given one of cold, gaussian, nearest, "),
        (["images", "x"], "error: stage images must be given nothing more, but is given x"),
    ],
)
def test_a_stage_that_is_not_there_is_refused(arguments, words, capsys):
    with pytest.raises(SystemExit) as ended:
        stages.main(arguments)
    assert ended.value.code == 1
    assert words in capsys.readouterr().err
