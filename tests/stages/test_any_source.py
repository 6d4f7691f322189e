"""The whole pipeline from photographs of any source, forty pictures of them, put in by one command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

import workspace
from paletteot.dataset import licences, sources, verify
from paletteot.images import addresses
from tests.images import misbehaving
from tests.images.test_archive import photo, table, zipped
from tests.images.test_sources import as_dataset, photographs
from tests.stages.test_pipeline import TINY

ROOT = Path(__file__).parent.parent.parent
PICTURES = 40
FAULTS = {"/photo-5": [misbehaving.status(404)], "/photo-8": [misbehaving.of(share=0.5)]}
"""A photograph that is gone and one that is torn: as many more are listed, so all of those are needed."""

Place = Callable[[Path], Path]


def files(folder: Path) -> dict[str, bytes]:
    """Return what a project's own files hold: all but its workspaces, caches and dvc's scratch files."""
    there = (file for file in folder.rglob("*") if file.is_file())
    known = {file.relative_to(folder).as_posix(): file.read_bytes() for file in there}
    return {name: content for name, content in known.items() if not name.startswith((".workspaces/", ".dvc/tmp/"))}


def paletteot(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("paletteot")), *map(str, arguments)]
    environment = {**workspace.environment(), "NO_PROXY": "127.0.0.1", addresses.ALLOW: "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path) -> Path:
    small = {**TINY, "images": {"source": "bundled", "count": 2000, "long_side": 64}}
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
    project, before = folder, files(folder)
    done = paletteot(project, "images", "--source", source, *given, "--count", PICTURES, "--pairs", 100)
    assert done.returncode == 0, done.stderr
    assert files(project) == before
    assert done.stdout.splitlines()[-1].endswith(f": cd .workspaces/{source} && dvc repro")
    folder = project / ".workspaces" / source
    manifest = pl.read_parquet(folder / "data/manifest.parquet")
    assert len(manifest) == PICTURES
    assert manifest["group"].n_unique() == 15
    assert manifest["original_sha256"].n_unique() == PICTURES
    rejected = dict(pl.read_parquet(folder / "data/rejected.parquet").rows())
    if source == "unsplash":
        assert rejected.pop(f"{server.url}/photo-5?w=512") == "status 404 Told To"
        assert list(rejected) == [f"{server.url}/photo-8?w=512"]
        assert "no picture of" in done.stderr
    assert "# mine" in (folder / "params.yaml").read_text()

    whole = source == "folder"  # the source is in the data set; from there on all go the same way
    made = workspace.dvc(folder, "repro", *([] if whole else ["release"]), capture_output=True)
    assert made.returncode == 0, made.stdout + made.stderr
    if whole:
        assert set(pl.read_csv(folder / "reports/leaderboard.csv")["problems"]) == {5}
    report = verify.verify(sources.release(folder / "data/release"), threads=2)
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
        (
            ("--source", "web"),
            "images.source must be one of packages, bundled, unsplash, folder, huggingface",
        ),
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
    before = files(folder)
    choice = ("images", "--source", "folder", "--location", pictures, "--count", 12)
    done = paletteot(folder, *choice)
    assert done.returncode == 1
    assert "source folder: images.count is 12, but only 8 pictures could be had" in done.stderr
    assert "no picture of" in done.stderr
    assert "torn.jpg" in done.stderr
    assert files(folder) == before
    made = folder / ".workspaces" / "folder"
    assert not (made / "params.yaml").exists()
    done = paletteot(folder, *choice, "--allow-fewer")
    assert done.returncode == 0, done.stderr
    assert len(pl.read_parquet(made / "data/manifest.parquet")) == 8
    assert yaml.safe_load((made / "params.yaml").read_text())["images"]["count"] == 12
    chosen = (made / "params.yaml").read_text()
    done = paletteot(folder, *choice)  # a failure leaves the last choice, and its pictures, as they are
    assert done.returncode == 1
    assert (made / "params.yaml").read_text() == chosen
    assert len(pl.read_parquet(made / "data/manifest.parquet")) == 8


def test_here_is_the_project_itself_and_dvc_knows_its_pictures(folder, tmp_path, monkeypatch):
    """With a `python` on the path that is none: only the running one will do."""
    broken = tmp_path / "bin" / "python"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 9\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
    pictures = photographs(tmp_path / "photographs", 8, groups=8)
    (tmp_path / "groups.csv").write_text(
        "file,group\n" + "".join(f"{file.relative_to(pictures)},one\n" for file in sorted(pictures.rglob("*.*")))
    )
    before = (folder / "params.yaml").read_text()
    choice = ("images", "--source", "folder", "--location", "../photographs", "--group-by", "../groups.csv", "--here")
    assert paletteot(folder, *choice, "--count", 12).returncode == 1
    assert (folder / "params.yaml").read_text() == before
    done = paletteot(folder, *choice, "--count", 8)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith(": dvc repro")
    assert "# mine" in (folder / "params.yaml").read_text()
    assert not (folder / ".workspaces").exists()
    status = workspace.dvc(folder, "status", "images", capture_output=True)
    assert "up to date" in status.stdout
    assert set(pl.read_parquet(folder / "data/manifest.parquet")["group"]) == {"one"}


def test_a_workspace_has_the_place_it_is_given_and_a_name_of_any_kind(folder, tmp_path):
    place = tmp_path / "my [own] place"
    pictures = photographs(tmp_path / "[v1] all*", 8, groups=8)
    choice = ("images", "--source", "folder", "--location", pictures, "--count", 8, "--workspace", place)
    for _ in range(2):
        done = paletteot(folder, *choice)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1].endswith(f": cd '{place}' && dvc repro")
    assert len(pl.read_parquet((place / "data/manifest.parquet").read_bytes())) == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--workspace", "."), "must not be the project, nor hold it; --here works in the project"),
        (("--workspace", ".."), "must not be the project, nor hold it"),
        (("--workspace", "src"), "src: not a workspace of this command, and not empty; name a new folder"),
        (("--workspace", "dvc.yaml"), "dvc.yaml: not a workspace of this command"),
        (("--workspace", "x", "--here"), "only one of them can be given"),
    ],
)
def test_a_workspace_takes_nobodys_place(folder, arguments, words):
    before = files(folder)
    done = paletteot(folder, "images", "--source", "bundled", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert files(folder) == before


def test_where_no_project_is_nothing_is_made(tmp_path):
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    done = paletteot(tmp_path, "images", "--source", "bundled")
    assert done.returncode == 1
    assert "dvc.yaml is missing; stand in a project" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["params.yaml"]
