"""Which MLflow run each weights file comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from paletteot.benchmark.records.evaluation import web_address
from paletteot.project import runs, tracking
from paletteot.project.parameters import load_params
from paletteot.project.runs import Training
from tests.small_project import project


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(project(tmp_path))
    return load_params()


def test_a_network_has_the_run_of_its_training(params):
    """The last finished one on these plans; it is linked where a server has a page of it."""
    import mlflow

    assert runs.trainings(params.train.experiment) == {}
    tracking.connect(params.train.experiment)
    made = []
    for data, end in (("unknown", "FINISHED"), ("unknown", "FAILED"), ("other plans", "FINISHED")):
        with mlflow.start_run(run_name="dual_network-5") as run:
            mlflow.log_param("data_dvc_hash", data)
        mlflow.MlflowClient().set_terminated(run.info.run_id, end)
        made.append(run.info.run_id)
    known = runs.trainings(params.train.experiment)
    assert runs.of_weights(Path("models/dual_network/5.safetensors"), known) == Training(made[0], "")
    assert runs.of_weights(Path("models/dual_network/6.safetensors"), known) == Training()
    assert runs.of_weights(Path("elsewhere/dual_network/5.safetensors"), known) == Training()


def test_a_server_is_named_without_its_password():
    assert runs.address("https://ada:hunter2@example.org/mlflow/") == "https://example.org/mlflow"
    assert runs.address("sqlite:///mlflow.db") == ""


def test_only_an_address_is_a_link():
    assert web_address("https://example.org/1") == "https://example.org/1"
    assert [web_address(text) for text in ("javascript:alert(1)", "/etc/passwd", "https://", "ftp://x", "")] == [""] * 5
