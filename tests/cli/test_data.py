"""The commands around the data set, in real git repositories."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import workspace
from paletteot import cli
from paletteot.dataset import licences, versions
from paletteot.files import write_json
from tests.dataset import made

ROOT = Path(__file__).parents[2]
GIT = ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]


def run(*arguments: object):
    return CliRunner().invoke(cli.app, [str(one) for one in arguments])


def git(*arguments: str) -> str:
    return subprocess.run([*GIT, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a release of version 1.0.0, committed."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch", "main")
    put("1.0.0")
    Path("CHANGELOG.md").write_text("# Changelog\n\n## dataset 1.0.0\n\n- First.\n")
    commit()
    return tmp_path


def put(version: str, seed: int = 0, licence: str = "CC0-1.0") -> None:
    made.release(Path("data/release"), version, seed, licence)
    write_json(Path("reports/release.json"), versions.manifest(Path("data/release")))
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"]["version"] = version
    Path("params.yaml").write_text(yaml.safe_dump(params))


def commit() -> None:
    git("add", "--all")
    git("commit", "--quiet", "--message", "x")


def log(version: str) -> None:
    with Path("CHANGELOG.md").open("a") as changelog:
        changelog.write(f"\n## dataset {version}\n\n- More.\n")


@pytest.mark.usefixtures("project")
def test_the_first_version_has_nothing_to_be_compared_with():
    done = run("release", "check")
    assert done.exit_code == 0
    assert done.stdout == "1.0.0: the first version, there is no tag dataset-vX.Y.Z\n"


@pytest.mark.usefixtures("project")
def test_a_version_must_be_in_the_changelog():
    Path("CHANGELOG.md").write_text("# Changelog\n\n## 1.0.0\n")
    done = run("release", "check")
    assert done.exit_code == 1
    assert done.stderr == "error: CHANGELOG.md: must have a section '## dataset 1.0.0', but has none\n"


@pytest.mark.usefixtures("project")
def test_the_release_must_be_of_the_parameters():
    params = yaml.safe_load(Path("params.yaml").read_text())
    params["dataset"]["version"] = "1.1.0"
    Path("params.yaml").write_text(yaml.safe_dump(params))
    done = run("release", "check")
    assert done.exit_code == 1
    assert "data/release: is version 1.0.0, but params.yaml says 1.1.0; run `dvc repro release`" in done.stderr


@pytest.mark.usefixtures("project")
def test_a_version_that_says_less_than_its_change_is_refused():
    git("tag", "dataset-v0.9.0")
    git("tag", "dataset-v1.0.0")
    git("tag", "dataset-vnext")
    assert run("release", "check").stdout == "1.0.0: as it was\n"
    put("1.1.0", seed=1)
    log("1.1.0")
    done = run("release", "check")
    assert done.exit_code == 1
    assert "error: params.yaml: dataset.version must be at least 2.0.0, but is 1.1.0: since 1.0.0 there is a major" in (
        done.stderr
    )
    put("2.0.0", seed=1)
    log("2.0.0")
    done = run("release", "check")
    assert done.exit_code == 0
    assert done.stdout.startswith("2.0.0: a major change since 1.0.0 (palettes, split full: values of column ")


@pytest.mark.usefixtures("project")
def test_versions_are_compared_as_numbers():
    for version in ("1.9.0", "1.10.0"):
        put(version)
        log(version)
        commit()
        git("tag", f"dataset-v{version}")
    assert run("release", "check").stdout == "1.10.0: as it was\n"


@pytest.mark.usefixtures("project")
def test_a_tag_without_a_manifest_is_one_line():
    Path("reports/release.json").unlink()
    commit()
    git("tag", "dataset-v1.0.0")
    done = run("release", "check")
    assert done.exit_code == 1
    assert "git: tag dataset-v1.0.0 has no reports/release.json" in done.stderr


@pytest.mark.usefixtures("project")
def test_a_dry_run_lists_what_would_go():
    done = run("publish", "hf", "org/name", "--dry-run")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[-1] == "would go to org/name as v1.0.0; nothing was sent"
    listed = {line.split()[1]: int(line.split()[0]) for line in lines[:-1]}
    found = {
        str(f.relative_to("data/release")): f.stat().st_size for f in Path("data/release").rglob("*") if f.is_file()
    }
    assert listed == found


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("where", [("hf", "org/name", "--dry-run"), ("dvc", "store", "--url", "x", "--dry-run")])
def test_a_closed_source_is_refused_with_the_reason(where):
    put("1.0.0", licence=licences.UNSPLASH)
    done = run("publish", *where)
    assert done.exit_code == 1
    assert "term 3A forbids to disclose" in done.stderr
    assert "term 3B" in done.stderr


@pytest.mark.usefixtures("project")
def test_of_a_closed_source_the_ids_may_go():
    put("1.0.0", licence=licences.UNSPLASH)
    done = run("publish", "hf", "org/name", "--dry-run", "--only-ids")
    assert done.exit_code == 0
    assert [line.split()[1] for line in done.stdout.splitlines()[:-1]] == [
        "README.md", "VERSION", "checksums.sha256", "images/full-00000-of-00001.parquet", "params.yaml",
    ]  # fmt: skip


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("where", [("hf", "org/name"), ("dvc", "store")])
def test_a_release_that_is_not_what_it_claims_is_never_published(where):
    Path("data/release/VERSION").write_text("1.0.1\n")
    done = run("publish", *where)
    assert done.exit_code == 1
    assert "error: data/release: not what it claims: VERSION: SHA-256 must be" in done.stderr


@pytest.fixture
def tracked(project):
    """The project with its release in DVC."""
    for name in ("DVC_SITE_CACHE_DIR", "HOME"):
        (project / name).mkdir()
    Path(".gitignore").write_text("/DVC_SITE_CACHE_DIR\n/HOME\n/store\n")
    git("rm", "-r", "--quiet", "--cached", "data/release")
    for step in (("init", "--quiet"), ("add", "--quiet", "data/release")):
        assert workspace.dvc(project, *step, capture_output=True).returncode == 0
    commit()
    return project


def test_publishing_to_dvc_pushes_verifies_and_tags(tracked):
    unknown = run("publish", "dvc", "store")
    assert unknown.exit_code == 1
    assert "dvc: remote must be one of (none), or given with --url, but is 'store'" in unknown.stderr
    dry = run("publish", "dvc", "store", "--url", tracked / "store", "--dry-run")
    assert dry.stdout.splitlines()[-1] == "nothing was done"
    assert "store" not in Path(".dvc/config").read_text()

    # The remote is configured; the tag waits until a commit says where it is.
    first = run("publish", "dvc", "store", "--url", tracked / "store")
    assert first.exit_code == 1
    assert "git: commit .dvc/config, then run this again: readers of the tag need it" in first.stderr
    assert not (tracked / "store").exists()
    assert git("tag", "--list") == ""
    commit()
    done = run("publish", "dvc", "store")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines() == ["dvc push --remote store data/release", "git tag dataset-v1.0.0"]
    assert git("tag", "--list").split() == ["dataset-v1.0.0"]

    # Again: nothing to do. After another commit: the tag stays where it is.
    assert run("publish", "dvc", "store").exit_code == 0
    Path("note").touch()
    commit()
    moved = run("publish", "dvc", "store")
    assert moved.exit_code == 1
    assert "git: tag dataset-v1.0.0 names another commit: a version is superseded, never edited" in moved.stderr


def test_a_stranger_gets_what_was_published(tracked, tmp_path_factory):
    run("publish", "dvc", "store", "--url", tracked / "store")
    commit()
    assert run("publish", "dvc", "store").exit_code == 0
    stranger = tmp_path_factory.mktemp("stranger")
    git("clone", "--quiet", "--bare", ".", str(stranger / "bare.git"))
    shutil.rmtree(tracked / ".dvc" / "cache")
    done = workspace.dvc(
        stranger, "get", str(stranger / "bare.git"), "data/release", "--rev", "dataset-v1.0.0", "--out", "release",
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert run("verify", stranger / "release").exit_code == 0


def test_publishing_to_dvc_waits_for_the_commit_of_the_hashes(tracked):
    run("publish", "dvc", "store", "--url", tracked / "store")
    commit()
    Path("data/release.dvc").write_text(Path("data/release.dvc").read_text() + "desc: changed\n")
    done = run("publish", "dvc", "store")
    assert done.exit_code == 1
    assert "git: commit data/release.dvc, then run this again" in done.stderr


@pytest.mark.usefixtures("project")
def test_the_manifest_is_json_that_git_can_diff():
    manifest = json.loads(Path("reports/release.json").read_text())
    assert manifest["version"] == "1.0.0"


@pytest.mark.parametrize("command", [["verify"], ["release", "check"], ["publish", "hf"], ["publish", "dvc"]])
def test_help_is_there_and_quick_to_make(command):
    code = "import sys; from paletteot import cli; sys.exit(bool({'torch', 'datasets', 'mlflow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "Usage" in done.stdout
