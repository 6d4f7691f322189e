"""What is known of each contestant beside its rows: who made it, which code, which machine, which training."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from paletteot import config, warmstarts
from paletteot.errors import DataError
from paletteot.report.site.facts import About, Origin
from paletteot.stages import common, provenance, tracking
from paletteot.warmstarts.contract import family


class Run(NamedTuple):
    """A training run in MLflow: its id, and its page where a server has one."""

    id: str = ""
    url: str = ""


def about(methods: Mapping[str, str]) -> dict[str, About]:
    """Return what each family says of itself. methods: name -> the file that it comes from."""
    files = {family(method): Path(file) for method, file in methods.items()}
    made = {name: warmstarts.create(name, file) for name, file in files.items()}
    return {
        name: About(
            one.summary, one.citation, learned=name in warmstarts.LEARNED, kernel_only=name not in warmstarts.SOLVERS
        )
        for name, one in made.items()
    }


def origins(params: config.Params, version: str) -> dict[str, Origin]:
    """Return where each method's rows come from. version: of the data.

    Commit and machine are those at hand now: an evaluation does not remember its own.
    """
    commit, machine, known = provenance.git_commit(), hardware(), runs(params.train.experiment)
    made = {}
    for method, file in params.evaluate.methods.items():
        weights = Path(file)
        trained = f"{weights.parent.name}-{weights.stem}" if weights.parent.parent == common.MODELS else ""
        made[method] = Origin(version, commit, machine, *known.get(trained, Run()))
    return made


def hardware() -> str:
    """Return the processor and the number of cores of this machine, without naming the host."""
    facts = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.+)", facts.read_text()) if facts.is_file() else None
    return f"{model[1].strip() if model else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def runs(experiment: str) -> dict[str, Run]:
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
    plans, server = provenance.dvc_hash(common.PLANS), address(uri)
    return {
        run.info.run_name: Run(
            run.info.run_id, server and f"{server}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
        )
        for run in found
        if run.data.params.get("data_dvc_hash") == plans
    }


def address(uri: str) -> str:
    """Return the address of a tracking server as pages may show it, without name and password; '' of another store."""
    parts = urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/") if "http" in parts.scheme else ""
