"""The training stage and a real MLflow server on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import yaml

import workspace
from tests.dataset import made
from tests.integration.process import free_port, running

DATA_HASH = "0123456789abcdef0123456789abcdef.dir"
SETTINGS = {
    "palettes": {"k": made.K},
    "transport": {"eps": made.EPS},
    "train": {"experiment": "integration", "seeds": [5], "networks": {"dual_network": {"epochs": 2, "block": 4}}},
}


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run `mlflow server` with sqlite and a folder of artifacts until the block ends."""
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", f"{folder}/artifacts",
    ]  # fmt: skip
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with running(command, port, cwd=folder, env={**os.environ, **quiet}):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Iterator[tuple[Path, str]]:
    """A workspace in which the training stage has logged to a server, with only MLFLOW_TRACKING_URI set."""
    folder = workspace.make(tmp_path_factory.mktemp("mlflow") / "project", SETTINGS)
    made.pipeline_folder(folder / "data")
    lock = {"schema": "2.0", "stages": {"plans": {"cmd": "x", "outs": [{"path": "data/plans", "md5": DATA_HASH}]}}}
    (folder / "dvc.lock").write_text(yaml.safe_dump(lock))
    with server(tmp_path_factory.mktemp("server")) as url:
        done = subprocess.run(
            [sys.executable, "-m", "paletteot.stages", "train", "dual_network"],
            cwd=folder, env={**workspace.environment(), "MLFLOW_TRACKING_URI": url}, check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        yield folder, url


def test_the_run_goes_to_the_server_and_nowhere_else(trained):
    import mlflow

    folder, url = trained
    assert not (folder / "mlflow.db").exists()
    assert not (folder / "mlruns").exists()
    client = mlflow.MlflowClient(url)
    experiment = client.get_experiment_by_name("integration")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params["data_dvc_hash"] == DATA_HASH
    assert len(client.get_metric_history(run.info.run_id, "validation_unseen_loss")) == 2


def test_the_input_data_set_has_dvcs_hash_as_its_digest(trained):
    import mlflow

    client = mlflow.MlflowClient(trained[1])
    (run,) = client.search_runs([client.get_experiment_by_name("integration").experiment_id])
    (logged,) = run.inputs.dataset_inputs
    assert logged.dataset.digest == DATA_HASH
    assert logged.dataset.name == "paletteot plans"
    assert '"num_rows": 6' in logged.dataset.profile
    assert '"name": "g"' in logged.dataset.schema


def test_the_model_is_registered_with_a_signature_and_an_alias(trained):
    import mlflow

    client = mlflow.MlflowClient(trained[1])
    version = client.get_model_version_by_alias("paletteot-dual", "champion")
    assert version.version == "1" or version.version == 1
    mlflow.set_tracking_uri(trained[1])
    signature = mlflow.models.get_model_info("models:/paletteot-dual@champion").signature
    assert {one.name: one.shape for one in signature.inputs} == {
        "x": (-1, -1, 3), "y": (-1, -1, 3), "a": (-1, -1), "b": (-1, -1),
    }  # fmt: skip
    assert signature.params.params[0].default == made.EPS


CLEAN = """
import sys
import mlflow.pyfunc
import numpy as np

given, predicted = sys.argv[1:]
model = mlflow.pyfunc.load_model("models:/paletteot-dual@champion")
palettes = dict(np.load(given))
g = model.predict({name: palettes[name] for name in ("x", "a", "y", "b")})
import paletteot
assert "/code/paletteot/" in paletteot.__file__, paletteot.__file__  # what went with the model, not this checkout
np.save(predicted, g)
"""


def test_a_clean_process_predicts_potentials_from_palettes(trained, tmp_path):
    import paletteot
    from paletteot import warmstarts

    folder, url = trained
    problems = paletteot.load("test_unseen", source=folder / "data").batch()
    np.savez(tmp_path / "given.npz", x=problems.x, a=problems.a, y=problems.y, b=problems.b)
    environment = {
        "MLFLOW_TRACKING_URI": url, "PATH": os.environ["PATH"], "HOME": str(tmp_path), "TMPDIR": str(tmp_path)
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-c", CLEAN, "given.npz", "predicted.npy"], cwd=tmp_path, env=environment, check=True
    )
    g = np.load(tmp_path / "predicted.npy")
    assert g.dtype == np.float64
    expected = warmstarts.create("dual_network", folder / "models" / "dual_network" / "5.safetensors").start(problems).g
    np.testing.assert_allclose(g, expected, atol=1e-4)  # float32 inside, another batch of palettes
