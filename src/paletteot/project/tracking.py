"""What MLflow hears of a training: parameters, data, losses, and the model that came out."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from filelock import FileLock

STORE = "sqlite:///mlflow.db"
"""Where runs go unless MLFLOW_TRACKING_URI names another place."""

ALIAS = "champion"
"""The alias of the model of the last finished training, the one that models/ holds."""

REQUIREMENTS = ("mlflow", "numba", "numpy", "polars", "POT", "pydantic", "safetensors", "scipy", "torch")
"""Packages that predicting needs, besides this one, whose source goes with the model."""


class Data(NamedTuple):
    """What a model is trained on: name, rows, DVC's hash of them, and the commit whose code made them."""

    name: str
    frame: pl.DataFrame
    digest: str
    commit: str


class Run:
    """An open MLflow run."""

    def log(self, epoch: int, metrics: dict[str, float]) -> None:
        """Log the metrics of an epoch."""
        import mlflow

        mlflow.log_metrics(metrics, step=epoch)

    def register(self, name: str, weights: Path, eps: float) -> None:
        """Log the weights, and register a model that predicts potentials from palettes with them, as the champion."""
        import mlflow

        mlflow.log_artifact(str(weights), artifact_path="model")
        with warnings.catch_warnings():
            # The signature says what goes in and out; MLflow's type hints cannot say it of arrays.
            warnings.filterwarnings("ignore", message=".*Add type hints", category=UserWarning)
            logged = mlflow.pyfunc.log_model(
                name=name,
                python_model=str(Path(__file__).with_name("predictor.py")),
                artifacts={"weights": str(weights)},
                model_config={"name": name},
                code_paths=[str(Path(__file__).parent.parent)],
                signature=_signature(eps),
                input_example=_example(),
                pip_requirements=[f"{package}=={version(package).partition('+')[0]}" for package in REQUIREMENTS],
                registered_model_name=(registered := registered_name(name)),
            )
        client = mlflow.MlflowClient()
        client.set_registered_model_alias(registered, ALIAS, str(logged.registered_model_version))


def registered_name(network: str) -> str:
    """Return the name of a network in MLflow's registry: paletteot-dual for dual_network."""
    return f"paletteot-{network.replace('_network', '')}"


Opened = AbstractContextManager["Run"]


def connect(experiment: str) -> None:
    """Make the tracking store ready: once before worker processes do, which would make its tables at the same time."""
    import mlflow

    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.WARNING)
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", STORE))
    mlflow.set_experiment(experiment)


@contextmanager
def run(experiment: str, name: str, facts: dict[str, object], data: Data, run_file: Path) -> Iterator[Run]:
    """Open the MLflow run of a training, the same one again after an interruption.

    It goes to MLFLOW_TRACKING_URI, or to mlflow.db here. run_file: remembers the run. facts: its parameters.
    """
    import mlflow
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.polars_dataset import from_polars

    connect(experiment)
    known = run_file.read_text() if run_file.is_file() else None
    with mlflow.start_run(run_id=known, run_name=name) as opened:
        run_file.write_text(opened.info.run_id)
        if known is None:
            mlflow.log_params(facts)
            source = CodeDatasetSource(tags={"mlflow.source.git.commit": data.commit})
            rows = from_polars(data.frame, source=source, name=data.name, digest=data.digest, targets="g")
            with FileLock(run_file.parents[1] / "mlflow.lock"):  # whose seed is first makes the data set's row
                mlflow.log_input(rows, context="training")
        yield Run()


def _signature(eps: float) -> object:
    from mlflow.models import ModelSignature
    from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec

    double = np.dtype(np.float64)
    supports = [TensorSpec(double, (-1, -1, 3), name) for name in ("x", "y")]
    weights = [TensorSpec(double, (-1, -1), name) for name in ("a", "b")]
    return ModelSignature(
        inputs=Schema([*supports, *weights]),
        outputs=Schema([TensorSpec(double, (-1, -1))]),
        params=ParamSchema([ParamSpec("eps", "double", eps)]),
    )


def _example() -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    x = np.array([[[20.0, 0, 0], [80, 10, -10]]])
    a = np.array([[0.25, 0.75]])
    return {"x": x, "a": a, "y": x[:, ::-1].copy(), "b": a}
