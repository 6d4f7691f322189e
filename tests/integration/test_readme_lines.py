"""Every line of README's "Get the data", run as written: in a new folder, with a hub and a git repository at hand."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import workspace
from tests.dataset import made
from tests.integration import hub

ROOT = Path(__file__).parent.parent.parent
SECTION = (ROOT / "README.md").read_text().partition("## Get the data")[2].partition("\n## ")[0]
BLOCKS = re.findall(r"```(python|sh)\n(.*?)```", SECTION, re.S)
VERSION = yaml.safe_load((ROOT / "params.yaml").read_text())["dataset"]["version"]
WAYS = {
    "paletteot.load": "source=\"data/release\"", "paletteot verify": "paletteot verify data/release",
    "datasets.load_dataset": "datasets.load_dataset(", "snapshot_download and scan_parquet": "pl.scan_parquet(",
    "dvc get and import": 'dvc import "$REPO" data/release', "dvc.api": 'dvc.api.open("data/release/VERSION"',
    "dvc get and import of what git holds": "data/pairs.parquet",
    "dvc.api of what git holds": 'dvc.api.open("data/palettes.parquet"',
}  # fmt: skip


def block(words: str) -> tuple[str, str]:
    (found,) = [(language, code) for language, code in BLOCKS if words in code]
    return found


def test_every_block_is_run():
    assert sorted(block(words) for words in WAYS.values()) == sorted(BLOCKS)


def run(words: str, folder: Path, check: str = "", **extra: str) -> str:
    """Run a block in a folder with nothing known of this machine's caches; check: lines put after it."""
    language, code = block(words)
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-euc"]
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]), "HOME": str(folder / "home"),
        "HF_HOME": str(folder / "hf"), "NO_PROXY": "127.0.0.1", "DVC_NO_ANALYTICS": "1", **extra,
    }  # fmt: skip
    done = subprocess.run(
        [*command, code + check], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path) -> Path:
    """Where the lines are run, with a release where the pipeline puts it."""
    made.release(tmp_path / "run" / "data" / "release", VERSION)
    (tmp_path / "run" / "home").mkdir()
    return tmp_path / "run"


def test_paletteot_load(folder):
    check = "\nassert P.shape == (8, 8) and len(problems) == 3 and g.dtype == 'float64' and len(tensors) == len(g) == 4"
    run(WAYS["paletteot.load"], folder, check)


def test_paletteot_verify(folder):
    assert "is what it claims: 17 plans recomputed" in run(WAYS["paletteot verify"], folder)


@pytest.mark.skipif(hub.missing() is not None, reason=str(hub.missing()))
def test_the_hub(folder, tmp_path):
    (tmp_path / "hub").mkdir()
    hub.publish(tmp_path / "hub", "paletteot/paletteot", folder / "data" / "release", f"v{VERSION}")
    with hub.hub(tmp_path / "hub") as url:
        check = "\nassert len(plans) == 4 and plans[0]['g'].dtype == 'float64'"
        run(WAYS["datasets.load_dataset"], folder, check, HF_ENDPOINT=url)
        check = "\nassert plans.shape == (4, 3) and plans['g'].dtype.inner == pl.Float64"
        run(WAYS["snapshot_download and scan_parquet"], folder, check, HF_ENDPOINT=url)


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def dvc(folder: Path, *arguments: str) -> None:
    done = workspace.dvc(folder, *arguments, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_dvc(folder, tmp_path):
    """Against a bare clone whose remote holds the release: a work tree's own cache would prove nothing."""
    project, bare = tmp_path / "project", tmp_path / "bare.git"
    made.release(project / "data" / "release", VERSION)
    git(project, "init", "--quiet", "--initial-branch", "main")
    for arguments in (
        ("init", "--quiet"), ("remote", "add", "--default", "store", str(tmp_path / "store")),
        ("remote", "modify", "store", "verify", "true"), ("add", "--quiet", "data/release"), ("push", "--quiet"),
    ):  # fmt: skip
        dvc(project, *arguments)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "release")
    git(project, "tag", f"dataset-v{VERSION}")
    git(project, "clone", "--quiet", "--bare", ".", str(bare))

    git(folder, "init", "--quiet")
    dvc(folder, "init", "--quiet")
    shown = run(WAYS["dvc get and import"], folder, REPO=str(bare))
    assert f"version {VERSION} is what it claims" in shown
    assert (folder / "imported" / "VERSION").read_text() == f"{VERSION}\n"
    assert run(WAYS["dvc.api"], folder, REPO=str(bare)).strip() == VERSION


def test_what_git_holds_needs_no_remote(folder, tmp_path):
    """Of a bare clone of a project that has none, with the outputs of ours that are held by git."""
    project, bare = tmp_path / "project", tmp_path / "bare.git"
    made.pipeline_folder(project / "data")
    shutil.rmtree(project / "data" / "plans")
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    outs = [out for name in ("images", "palettes", "pairs") for out in stages[name]["outs"]]
    held = [out for out in outs if isinstance(out, dict) and next(iter(out.values())).get("cache") is False]
    there = [out for out in held if (project / next(iter(out))).exists()]
    assert {next(iter(out)) for out in there} == {f"data/{name}.parquet" for name in ("manifest", "palettes", "pairs")}
    (project / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"tables": {"cmd": "made", "outs": there}}}))
    git(project, "init", "--quiet", "--initial-branch", "main")
    dvc(project, "init", "--quiet")
    dvc(project, "commit", "--quiet", "--force")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "tables")
    git(project, "clone", "--quiet", "--bare", ".", str(bare))
    assert not (project / ".dvc" / "cache" / "files").exists()

    git(folder, "init", "--quiet")
    dvc(folder, "init", "--quiet")
    run(WAYS["dvc get and import of what git holds"], folder, REPO=str(bare))
    for name in ("palettes.parquet", "pairs.parquet"):
        assert (folder / name).read_bytes() == (project / "data" / name).read_bytes()
    check = f"\nassert palettes.height == {made.PICTURES} and palettes['weights'].dtype.inner == pl.Float64"
    run(WAYS["dvc.api of what git holds"], folder, check, REPO=str(bare))
