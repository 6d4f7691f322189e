from __future__ import annotations

from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from paletteot import warmstarts
from paletteot.cli import seed_checkpoint
from paletteot.errors import DataError
from paletteot.networks.plan_network import PlanNetwork


def run(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(seed_checkpoint.import_seed_checkpoint)
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    torch.save(PlanNetwork().state_dict(), tmp_path / "model.pt")
    return tmp_path / "model.pt"


@pytest.mark.parametrize(("options", "file"), [([], "models/seed.safetensors"), (["--out", "mine.st"], "mine.st")])
def test_a_checkpoint_becomes_a_contestants_file(checkpoint: Path, options: list[str], file: str) -> None:
    result = run(checkpoint, *options)
    assert (result.exit_code, result.stdout) == (0, f"weights of seed_checkpoint in {file}\n")
    assert warmstarts.create("seed_checkpoint", Path(file)).name == "seed_checkpoint"


def test_a_file_that_is_no_checkpoint_is_refused_and_nothing_is_written(checkpoint: Path) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
    result = run(checkpoint)
    assert isinstance(result.exception, DataError)
    assert str(result.exception).startswith(f"{checkpoint}: not a checkpoint of weights alone")
    assert not Path("models").exists()


def test_the_seeds_own_checkpoint_is_imported(seed_dir: Path, tmp_path: Path) -> None:
    result = run(seed_dir / "model_state_dict_k_128.pt", "-o", tmp_path / "seed.safetensors")
    assert result.exit_code == 0, result.output
    method = warmstarts.create("seed_checkpoint", tmp_path / "seed.safetensors")
    assert "seed" in method.summary
