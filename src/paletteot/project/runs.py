"""Which MLflow run each weights file comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from paletteot.errors import DataError
from paletteot.project import paths, provenance, tracking


class Training(NamedTuple):
    """A training run in MLflow: its id, and its page where a server has one."""

    id: str = ""
    url: str = ""


def of_weights(file: Path, known: dict[str, Training]) -> Training:
    """Return the run that made a file of weights; an empty one of another file. known: of `trainings`."""
    name = f"{file.parent.name}-{file.stem}" if file.parent.parent == paths.MODELS else ""
    return known.get(name, Training())


def trainings(experiment: str) -> dict[str, Training]:
    """Return the last finished training run of each name on the plans at hand, by its name.

    Raises DataError where MLFLOW_TRACKING_URI names a store that cannot be read.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", tracking.STORE)
    if uri == tracking.STORE and not Path("mlflow.db").is_file():
        return {}
    import mlflow

    mlflow.set_tracking_uri(uri)
    try:
        found = mlflow.search_runs(
            experiment_names=[experiment], filter_string="attributes.status = 'FINISHED'",
            order_by=["attributes.start_time ASC"], output_format="list",
        )  # fmt: skip
    except mlflow.exceptions.MlflowException as error:
        why = " ".join(str(error).split())[:200]
        raise DataError(f"MLFLOW_TRACKING_URI: the store cannot be read: {why}; unset, no run is linked") from None
    plans, server = provenance.dvc_hash(paths.PLANS), address(uri)
    return {
        run.info.run_name: Training(
            run.info.run_id, server and f"{server}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
        )
        for run in found
        if run.data.params.get("data_dvc_hash") == plans
    }


def address(uri: str) -> str:
    """Return the address of a tracking server as pages may show it, without name and password; '' of another store."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/") if "http" in parts.scheme else ""
