"""Where the rows of the pipeline's own contestants come from."""

from __future__ import annotations

import json

import pytest

from paletteot.benchmark.records.evaluation import Origin, web_address
from paletteot.errors import DataError
from paletteot.project import origins, paths, provenance, tracking
from paletteot.project.parameters import load_params
from tests.small_project import project


@pytest.fixture
def params(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(
        project(tmp_path, methods={"cold": "cold.py", "dual_network-5": "models/dual_network/5.safetensors"})
    )
    return load_params()


def judged(method: str, text: str) -> None:
    folder = paths.EVALUATIONS / method
    folder.mkdir(parents=True)
    (folder / paths.JUDGED).write_text(text)


def test_an_evaluation_remembers_its_own(params):
    judged("cold", json.dumps({**provenance.now(), "code_commit": "c0ffee", "hardware": "an abacus"}))
    assert origins.origins(params) == {
        "cold": Origin("1.0.0", "c0ffee", "an abacus"), "dual_network-5": Origin("1.0.0"),
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"code_commit": "c0ffee"}'])
def test_what_says_nothing_is_one_line(params, text):
    judged("cold", text)
    with pytest.raises(DataError, match=r"judged\.json: must say code_commit and hardware"):
        origins.origins(params)


def test_a_network_has_the_run_of_its_training(params):
    """The last finished one on these plans; it is linked where a server has a page of it."""
    import mlflow

    assert origins.runs(params.train.experiment) == {}
    tracking.connect(params.train.experiment)
    made = []
    for data, end in (("unknown", "FINISHED"), ("unknown", "FAILED"), ("other plans", "FINISHED")):
        with mlflow.start_run(run_name="dual_network-5") as run:
            mlflow.log_param("data_dvc_hash", data)
        mlflow.MlflowClient().set_terminated(run.info.run_id, end)
        made.append(run.info.run_id)
    found = origins.origins(params)["dual_network-5"]
    assert (found.run, found.url, found.href) == (made[0], "", "")


def test_a_server_is_named_without_its_password():
    assert origins.address("https://ada:hunter2@example.org/mlflow/") == "https://example.org/mlflow"
    assert origins.address("sqlite:///mlflow.db") == ""


def test_only_an_address_is_a_link():
    assert web_address("https://example.org/1") == "https://example.org/1"
    assert [web_address(text) for text in ("javascript:alert(1)", "/etc/passwd", "https://", "ftp://x", "")] == [""] * 5
