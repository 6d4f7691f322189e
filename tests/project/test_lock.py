from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from typer.testing import CliRunner

import workspace
from paletteot import cli
from paletteot.errors import DataError
from paletteot.project import lock, provenance
from paletteot.stages import __main__ as stages

PIPELINE = {
    "stages": {
        "one": {"cmd": "echo one > one.txt", "outs": ["one.txt"]},
        "two": {"cmd": "echo two > two.txt", "deps": ["one.txt"], "outs": ["two.txt"]},
    }
}


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lock, "PAUSE", 0)
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(PIPELINE))
    (tmp_path / ".dvc").mkdir()
    lines = {"schema": "2.0", "stages": {}}
    for name, made in PIPELINE["stages"].items():
        outs = [{"path": out, "hash": "md5", "md5": name * 8, "size": 4} for out in made["outs"]]
        lines["stages"][name] = {"cmd": made["cmd"], "outs": outs}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(lines, sort_keys=False))
    return tmp_path


def test_dvc_goes_on_after_its_lock_file_was_torn(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(PIPELINE))
    for arguments in (["init", "--no-scm", "--quiet"], ["repro", "--quiet"]):
        assert workspace.dvc(tmp_path, *arguments).returncode == 0
    assert lock.mend() is False
    whole = Path("dvc.lock").read_bytes()
    Path("dvc.lock").write_bytes(whole[: len(whole) // 2])
    bare = [sys.executable, "-m", "dvc", "repro"]
    assert subprocess.run(bare, capture_output=True, check=False, env=workspace.environment()).returncode == 255
    capfd.readouterr()
    assert workspace.dvc(tmp_path, "repro").returncode == 0
    said = capfd.readouterr()
    assert "the last whole one was put back" in said.err
    assert "Data and pipelines are up to date." in said.out
    assert Path("dvc.lock").read_bytes() == whole


def test_a_lock_file_cut_anywhere_is_put_back_or_one_that_dvc_reads(project, capsys):
    """Cut between two lines it may be legal: DVC makes the stages again that lack something."""
    assert lock.mend() is False
    file = project / "dvc.lock"
    whole = file.read_bytes()
    mended = 0
    for end in range(len(whole)):
        file.write_bytes(whole[:end])
        if lock.mend():
            mended += 1
            assert file.read_bytes() == whole
        else:
            assert whole[:end].endswith(b"\n")
            COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(file.read_text()))
            file.write_bytes(whole)
            lock.mend()
    assert mended >= len(whole) - whole.count(b"\n")
    assert len(capsys.readouterr().err.splitlines()) == mended


def test_a_stage_and_the_command_mend_first(project, capsys):
    whole = (project / "dvc.lock").read_bytes()
    runner = CliRunner()
    assert runner.invoke(cli.app, ["mend"]).stdout == "nothing to mend\n"
    (project / "dvc.lock").write_bytes(b"")
    mended = runner.invoke(cli.app, ["mend"])
    assert (mended.exit_code, mended.stderr) == (
        0, "dvc.lock: was not whole, as a crash leaves it; the last whole one was put back\n",
    )  # fmt: skip
    (project / "dvc.lock").write_bytes(b"")
    with pytest.raises(SystemExit):
        stages.main(["paint"])
    assert "the last whole one was put back" in capsys.readouterr().err
    assert (project / "dvc.lock").read_bytes() == whole


def test_without_a_copy_it_says_how_to_go_on(project):
    (project / "dvc.lock").write_bytes(b"")
    with pytest.raises(DataError, match=r"dvc\.lock: not whole, and no copy was kept; take it from git"):
        lock.mend()
    with pytest.raises(DataError, match="not whole, as a crash leaves it; `paletteot mend` puts"):
        provenance.dvc_hash(Path("one.txt"))


def test_nothing_is_done_outside_a_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lock.mend() is False
    assert provenance.dvc_hash(Path("one.txt")) == "unknown"
    assert list(tmp_path.iterdir()) == []


def test_the_hash_of_an_output_is_what_the_lock_file_says(project):
    assert provenance.dvc_hash(Path("two.txt")) == "two" * 8
    assert provenance.dvc_hash(Path("three.txt")) == "unknown"
    assert (project / "dvc.lock").is_file()
