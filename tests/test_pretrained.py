"""The weights in the package, their card, and the script that puts both there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from skimage import data
from sklearn.datasets import load_sample_image

import paletteot
import ship
from paletteot import pretrained, warmstarts
from paletteot.errors import DataError, ParamsError
from paletteot.networks.dual_network import DualNetwork
from paletteot.ot import accelerated
from paletteot.ot.problem import Problems
from paletteot.palettes import palette
from tests.conftest import MakeProblem

ROOT = Path(__file__).parent.parent
SEED = 6
SIZES = {"problems": 5000, "photographs": 60, "groups": 58}
ROW = {
    **SIZES, "ratio_median": 0.3, "ratio_low": 0.28, "ratio_high": 0.3251, "improved_share": 0.987,
    "median": 301.0, "init_iterations": 5.0,
}  # fmt: skip
TRACK_B = {f"{name}_{error}": value for error in ("1e-5", "1e-9") for name, value in
           (("ratio", 0.0414), ("low", 0.04), ("high", 0.043))} | SIZES  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a project where small networks were trained with two seeds, of which SEED is the better."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for seed in (5, SEED):
        torch.manual_seed(seed)
        network = DualNetwork(hidden=8)
        network.name = ship.NETWORK
        network.save(Path(f"models/dual_network_self/{seed}.safetensors"), eps=0.1)
    Path("reports/curves").mkdir(parents=True)
    losses = [-1.0, -0.8, -1.1, -1.3, -1.2]
    pl.DataFrame(
        {"seed": [5, 5, SEED, SEED, SEED], "epoch": [1, 2, 1, 2, 3], "validation_unseen_loss": losses}
    ).write_csv("reports/curves/dual_network_self.csv")
    report("dual_network_self-5", f"dual_network_self-{SEED}", track_b={"dual_network_self + anderson_20": TRACK_B})
    return tmp_path


def report(*methods: str, **metrics: object) -> None:
    """Write a leaderboard in which each method is better than the one before, and metrics."""
    rows = [
        {"method": name, "split": split, **ROW, "ratio_median": 0.4 - place / 10}
        for place, name in enumerate(methods) for split in ("test_unseen", "test_seen")
    ]  # fmt: skip
    pl.DataFrame(rows).write_csv("reports/leaderboard.csv")
    Path("reports/metrics.json").write_text(json.dumps(metrics))


@pytest.fixture
def weights() -> Path:
    """Return the weights in the package, or skip."""
    file = pretrained.weights("dual")
    if not file.is_file():
        pytest.skip("the package holds no weights yet: `python scripts/ship.py` puts them there")
    return file


def test_importing_the_package_does_not_import_torch() -> None:
    check = "import sys, paletteot; assert callable(paletteot.warm_start) and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_an_unknown_name_is_refused_with_the_legal_ones() -> None:
    with pytest.raises(ParamsError, match=r"^warm start must be one of dual, but is 'plan'$"):
        paletteot.warm_start("plan")


def test_a_package_without_weights_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    with pytest.raises(
        DataError, match=r"dual_network_self.safetensors: this copy of the package holds no weights; .*ship"
    ):
        paletteot.warm_start()


def test_what_is_shipped_is_the_best_seed_and_says_of_what(
    project: Path, monkeypatch: pytest.MonkeyPatch, make_problem: MakeProblem
) -> None:
    ship.ship()
    header, tensors = ship.read(ship.WEIGHTS)
    source, trained = ship.read(Path(f"models/dual_network_self/{SEED}.safetensors"))
    version = re.search(r"^dataset:\n  version: (\S+)", (ROOT / "params.yaml").read_text(), re.M)
    assert version
    assert header == source | {"seed": SEED, "data_version": version[1], "commit": "unknown"}
    assert tensors.keys() == trained.keys()
    assert all(np.array_equal(tensors[name], trained[name]) for name in trained)
    monkeypatch.setattr(pretrained, "FOLDER", project / ship.WEIGHTS.parent)
    problems = Problems.of(make_problem())
    wanted = warmstarts.create(ship.NETWORK, Path(f"models/dual_network_self/{SEED}.safetensors")).start(problems).g
    np.testing.assert_array_equal(paletteot.warm_start("dual").start(problems).g, wanted)


@pytest.mark.parametrize("method", ["dual_network_self", f"dual_network_self-{SEED}"])
def test_the_card_holds_the_figures_of_the_seed_or_of_the_only_one(project: Path, method: str) -> None:
    assert project == Path.cwd()
    report("dual_network_self-5", method, track_b={f"{method} + anderson_20": TRACK_B, "cold + plain": {}})
    ship.ship()
    card = ship.CARD.read_text()
    assert (
        "| test_unseen | 5000 | 60 photographs in 58 groups | 0.300 (0.280 to 0.325) | 98.7% | 301 | 5 |\n| test_seen |"
        in card
    )
    assert "on 5,000 problems of 60 photographs in 58 groups of `test_unseen`" in card
    assert "| 1e-5 | 0.041 (0.040 to 0.043) |" in card
    assert ("seed that stands for all" in card) == (method == "dual_network_self")
    assert f"| seed | {SEED}, of 5, 6, 7 the best" in card
    assert "all blocks: -1.300." in card


def test_the_card_does_without_track_b_and_not_without_track_a(project: Path) -> None:
    assert project == Path.cwd()
    report("dual_network_self")
    ship.ship()
    assert "anderson_20 from this start" not in ship.CARD.read_text()
    report("cold", "dual_network_self-5")
    with pytest.raises(DataError, match=r"leaderboard.csv: method must name dual_network_self or dual_network_self-6;"):
        ship.ship()


def test_shipping_again_changes_nothing_until_a_commit_is_known(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project == Path.cwd()
    for now, recorded in [("aaa-dirty", "aaa-dirty"), ("bbb", "bbb"), ("bbb-dirty", "bbb"), ("ccc", "bbb")]:
        monkeypatch.setattr(ship.provenance, "git_commit", lambda now=now: now)
        ship.ship()
        assert ship.read(ship.WEIGHTS)[0]["commit"] == recorded
    shutil.copy("models/dual_network_self/5.safetensors", f"models/dual_network_self/{SEED}.safetensors")
    ship.ship()
    assert ship.read(ship.WEIGHTS)[0]["commit"] == "ccc"


def _untrained() -> None:
    shutil.rmtree("models/dual_network_self")


def _cut() -> None:
    file = Path(f"models/dual_network_self/{SEED}.safetensors")
    file.write_bytes(file.read_bytes()[:-100])


def _large() -> None:
    DualNetwork(hidden=160).save(Path(f"models/dual_network_self/{SEED}.safetensors"), eps=0.1)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_untrained, "models/dual_network_self must be there; `dvc repro train`"),
        (_cut, "not a whole file of weights"),
        (_large, "must be at most 2000000 bytes, but would be"),
    ],
)
def test_what_cannot_be_shipped_is_refused_and_nothing_is_written(
    project: Path, damage: Callable[[], None], words: str
) -> None:
    damage()
    with pytest.raises(DataError, match=words):
        ship.ship()
    assert not (project / ship.WEIGHTS).exists()
    assert not (project / ship.CARD).exists()


def test_weights_have_a_card_and_cards_weights() -> None:
    assert (ROOT / ship.WEIGHTS).is_file() == (ROOT / ship.CARD).is_file()


def test_the_card_is_that_of_the_shipped_weights(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert weights.stat().st_size <= ship.LARGEST
    assert ship.CARD.read_text() == ship.card(), "run `python scripts/ship.py`"


def test_the_shipped_weights_are_those_of_the_last_training(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if not Path("models/dual_network_self").is_dir():
        pytest.skip("models/dual_network_self is not here: `dvc pull` or `dvc repro train` brings it")
    commit = ship.read(weights)[0]["commit"]
    assert weights.read_bytes() == ship.weights(commit), "run `python scripts/ship.py`"


def test_the_cards_example_runs_as_written(weights: Path) -> None:
    assert weights.is_file()
    example = re.search(r"```python\n(.*?)```", (ROOT / ship.CARD).read_text(), re.S)
    assert example
    check = "\nassert run.converged.all() and abs(P.sum() - 1) < 1e-8\n"
    subprocess.run([sys.executable, "-c", example[1] + check], check=True)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    whole = [load_sample_image("china.jpg"), load_sample_image("flower.jpg"), data.astronaut(), data.coffee()]
    return [np.ascontiguousarray(picture[::3, ::3]) for picture in whole]


@pytest.mark.parametrize(("k", "eps"), [(8, 0.1), (32, 0.1), (512, 0.1), (128, 0.05), (128, 0.1), (128, 1.0)])
def test_passes_are_saved_over_the_range_that_the_card_states(
    weights: Path, pictures: list[np.ndarray], k: int, eps: float
) -> None:
    assert weights.is_file()
    made = [palette(picture, k=k, sample=4000, refinements=2, seed=1) for picture in pictures]
    x, a = np.stack([one.centroids for one in made]), np.stack([one.weights for one in made])
    source, target = np.array(list(permutations(range(len(made)), 2))).T
    problems = Problems(x[source], a[source], x[target], a[target], eps, source, target)
    start = paletteot.warm_start().start(problems)
    ratios = []
    for row in range(len(problems)):
        cold, warm = (
            accelerated.anderson(problems[row], g, memory=20, tolerances=[1e-5]) for g in (None, start.g[row])
        )
        assert cold.converged.all()
        assert warm.converged.all()
        ratios.append((int(warm.iterations[0]) + start.iterations) / int(cold.iterations[0]))
    assert np.median(ratios) < 1
