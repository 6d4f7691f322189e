"""The whole pipeline from photographs of any source, forty pictures of them, put in by one command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

import workspace
from paletteot.dataset import licences, verify
from paletteot.dataset import sources as origin
from paletteot.images import addresses
from tests.images import misbehaving
from tests.images.test_archive import photo, table, zipped
from tests.images.test_sources import as_dataset, photographs
from tests.stages.test_pipeline import TINY

PICTURES = 40
FAULTS = {"/photo-5": [misbehaving.status(404)], "/photo-8": [misbehaving.of(share=0.5)]}
"""A photograph that is gone and one that is torn: as many more are listed, so all of those are needed."""

Place = Callable[[Path], Path]


def paletteot(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("paletteot")), *map(str, arguments)]
    environment = {**workspace.environment(), "NO_PROXY": "127.0.0.1", addresses.ALLOW: "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path) -> Path:
    small = {**TINY, "images": {"count": 2000, "long_side": 64}}
    del small["pairs"]
    made = workspace.make(tmp_path / "project", small)
    params = made / "params.yaml"
    params.write_text("# mine\n" + params.read_text())
    return made


@pytest.fixture(scope="module")
def server():
    with misbehaving.serving(
        {"/photo-5": [misbehaving.status(404)], "/photo-8": [misbehaving.of(share=0.5)]}
    ) as running:
        yield running


@pytest.mark.pipeline
@pytest.mark.parametrize("source", ["folder", "huggingface", "unsplash"])
def test_one_command_puts_photographs_in_and_repro_does_the_rest(source, folder, tmp_path, server):
    pictures = photographs(tmp_path / "photographs", PICTURES + 5, groups=15)
    given = {
        "folder": ("--location", pictures, "--licence", "CC0-1.0"),
        "huggingface": (
            "--location", as_dataset(tmp_path / "hf", pictures), "--group-by", "album", "--licence", "CC0-1.0"
        ),
        "unsplash": (
            "--location",
            zipped(tmp_path / "lite.zip", {
                "photos.tsv000": table([
                    photo(number, server.url, photographer_username=f"user{number % 15}")
                    for number in range(PICTURES + len(FAULTS))
                ])
            }),
        ),
    }[source]  # fmt: skip
    done = paletteot(folder, "images", "--source", source, *given, "--count", PICTURES, "--pairs", 100)
    assert done.returncode == 0, done.stderr
    manifest = pl.read_parquet(folder / "data/images/manifest.parquet")
    assert len(manifest) == PICTURES
    assert manifest["group"].n_unique() == 15
    assert manifest["original_sha256"].n_unique() == PICTURES
    rejected = dict(pl.read_parquet(folder / "data/images/rejected.parquet").rows())
    if source == "unsplash":
        assert rejected.pop(f"{server.url}/photo-5?w=512") == "status 404 Told To"
        assert list(rejected) == [f"{server.url}/photo-8?w=512"]
        assert "no picture of" in done.stderr
    assert "# mine" in (folder / "params.yaml").read_text()

    made = workspace.dvc(folder, "repro", capture_output=True)
    assert made.returncode == 0, made.stdout + made.stderr
    board = pl.read_csv(folder / "reports/leaderboard.csv")
    assert set(board["problems"]) == {5}
    report = verify.verify(origin.release(folder / "data/release"), threads=2)
    assert report.faults == []
    assert report.plans == 100
    published = paletteot(folder, "publish", "hf", "org/name", "--dry-run")
    assert (published.returncode == 0) == (source != "unsplash")
    if source == "unsplash":
        assert "term 3A" in published.stderr
        assert set(manifest["licence"]) == {licences.UNSPLASH}
    assert not [file for file in (folder / "data/release").rglob("*") if file.suffix in (".jpg", ".png")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--source", "web"), "params.yaml: images.source must be one of bundled, unsplash, folder, huggingface"),
        (("--source", "folder"), "params.yaml: images.location must be given for the source folder"),
        (
            ("--source", "folder", "--location", ".", "--count", "3"),
            "params.yaml: images.count: Input should be greater",
        ),
        (("--source", "bundled", "--split", "x"), "params.yaml: images.split has no meaning for the source bundled"),
    ],
)
def test_a_choice_that_is_not_legal_changes_nothing(folder, arguments, words):
    before = (folder / "params.yaml").read_text()
    done = paletteot(folder, "images", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert (folder / "params.yaml").read_text() == before


def test_too_few_pictures_fail_unless_fewer_may_do(folder, tmp_path):
    pictures = photographs(tmp_path / "photographs", 8, groups=8)
    (pictures / "set 0" / "torn.jpg").write_bytes(b"\xff\xd8\xff no picture")
    choice = ("images", "--source", "folder", "--location", pictures, "--count", 12)
    done = paletteot(folder, *choice)
    assert done.returncode == 1
    assert "source folder: images.count is 12, but only 8 pictures could be had" in done.stderr
    assert "no picture of" in done.stderr
    assert "torn.jpg" in done.stderr
    assert yaml.safe_load((folder / "params.yaml").read_text())["images"]["count"] == 12
    done = paletteot(folder, *choice, "--allow-fewer")
    assert done.returncode == 0, done.stderr
    assert len(pl.read_parquet(folder / "data/images/manifest.parquet")) == 8
