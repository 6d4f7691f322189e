"""`paletteot data`, as `make data` runs it: in a clone that has no picture, no plan and no release."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

import paletteot.project.workspace as workspaces
from paletteot import cli
from paletteot.dataset import layout
from paletteot.files import write_json
from paletteot.project import paths
from tests import small_project

GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run([*GIT, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> Path:
    """A project whose data set is made; git holds of it what git holds of this one."""
    folder = small_project.project(tmp_path_factory.mktemp("origin"))
    for stage in ("plans", "release"):
        assert workspaces.stage(folder, stage).returncode == 0
    ignored = (small_project.ROOT / "data" / ".gitignore").read_text()
    (folder / "data" / ".gitignore").write_text(ignored)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "the data set, and its checksums")
    return folder


@pytest.fixture
def clone(origin, tmp_path, monkeypatch) -> Path:
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    return tmp_path / "clone"


def run():
    return CliRunner().invoke(cli.app, ["data"])


def test_a_clone_holds_the_tables_and_no_more_of_the_data(clone):
    held = sorted(file.name for file in (clone / "data").iterdir())
    assert held == [".gitignore", "manifest.parquet", "pairs.parquet", "palettes.parquet"]


def test_a_clone_makes_the_data_set_without_a_picture(origin, clone):
    """As a process of its own, at another commit than the one that was built; the data set knows no commit."""
    (clone / "note").touch()
    git(clone, "add", "note")
    git(clone, "commit", "--quiet", "--message", "later")
    command = [sys.executable, "-c", "from paletteot.cli import app; app()", "data"]
    done = subprocess.run(command, cwd=clone, env=workspaces.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"this is data set {version()}: ")
    assert "no commit has" not in done.stdout
    assert layout.hashes(clone / paths.RELEASE) == layout.hashes(origin / paths.RELEASE)
    assert not (clone / paths.IMAGES).exists()


def version() -> str:
    return str(yaml.safe_load(Path("params.yaml").read_text())["dataset"]["version"])


def test_what_was_finished_is_not_made_again(origin, clone, monkeypatch):
    shutil.copytree(origin / paths.PLANS, clone / paths.PLANS)
    monkeypatch.setattr(workspaces, "stage", None)
    done = run()
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"this is data set {version()}: ")


def flip(file: Path, **columns: pl.Expr) -> None:
    pl.read_parquet(file).with_columns(**columns).write_parquet(file)


def assert_refused(*words: str) -> None:
    done = run()
    assert done.exit_code == 1
    assert "this is data set" not in done.output
    (line,) = done.stderr.splitlines()[-1:]
    assert line.startswith("error: ")
    for word in words:
        assert word in line


@pytest.mark.usefixtures("clone")
def test_one_flipped_value_of_the_palettes_names_the_file_before_anything_is_made():
    flip(paths.PALETTES, inertia=pl.col("inertia") + (pl.int_range(pl.len()) == 3) * 1e-12)
    assert_refused(f"{paths.PALETTES}: not that of data set {version()}: SHA-256 must be ")
    assert not paths.PLANS.exists()


@pytest.mark.usefixtures("clone")
def test_one_flipped_pair_names_the_files_that_come_of_it():
    one = pl.int_range(pl.len()) == 0
    swapped = {"source": pl.when(one).then("target").otherwise("source"),
               "target": pl.when(one).then("source").otherwise("target")}  # fmt: skip
    flip(paths.PAIRS, **swapped)
    assert_refused(
        "data/release: not data set", "plans/train-00000-of-00001.parquet, README.md differ from reports/release.json",
        "values of column ",
    )  # fmt: skip


@pytest.mark.usefixtures("clone")
def test_other_bytes_of_the_same_values_are_told_apart():
    published = json.loads(paths.RELEASE_MANIFEST.read_text())
    published["files"]["plans/train-00000-of-00001.parquet"] = "0" * 64
    write_json(paths.RELEASE_MANIFEST, published)
    assert_refused("plans/train-00000-of-00001.parquet differs from", "every value is the same")


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize("file", [paths.PALETTES, paths.MANIFEST, paths.PAIRS])
def test_a_table_that_is_missing_is_one_line(file):
    file.unlink()
    assert_refused(f"{file}: no such file; git holds it")


@pytest.mark.usefixtures("clone")
@pytest.mark.parametrize("content", ["", "[]", "{}", '{"version": "2.0"}', '{"version": "2.0.0", "files": 7}'])
def test_checksums_that_are_none_are_one_line(content):
    paths.RELEASE_MANIFEST.write_text(content)
    assert_refused(f"{paths.RELEASE_MANIFEST}: not the JSON that a release leaves")


@pytest.mark.usefixtures("clone")
def test_checksums_of_another_version_are_one_line():
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["dataset"]["version"] = "9.9.9"
    Path("params.yaml").write_text(yaml.safe_dump(params))
    assert_refused(f"{paths.RELEASE_MANIFEST}: is of data set ", "but params.yaml says 9.9.9")


def test_changes_that_no_commit_has_are_said_and_never_published(origin, clone):
    shutil.copytree(origin / paths.PLANS, clone / paths.PLANS)
    with Path("params.yaml").open("a") as params:
        params.write("# a note\n")
    done = run()
    assert done.exit_code == 0, done.output
    assert done.stdout.strip().endswith("by code or parameters that no commit has")
    assert (clone / paths.RELEASE / layout.UNCOMMITTED).read_text() == "params.yaml\n"
    for where in (("hf", "org/name", "--dry-run"), ("dvc", "store", "--url", "x", "--dry-run")):
        refused = CliRunner().invoke(cli.app, ["publish", *where])
        assert refused.exit_code == 1
        (line,) = refused.stderr.splitlines()
        assert line.startswith("error: data/release: built with changes that no commit has (params.yaml); commit them")
