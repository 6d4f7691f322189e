"""What is known of each contestant beside its rows: who made it, which data, code and machine, and which training."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import paletteot.warmstarts as warmstarts
from paletteot.benchmark.records.origin import Origin
from paletteot.benchmark.records.results import Evaluation
from paletteot.config.evaluate import Method
from paletteot.config.params import Params
from paletteot.errors import DataError
from paletteot.guests import contestants
from paletteot.project import paths, provenance, tracking
from paletteot.report.site.facts import About
from paletteot.warmstarts.contract import family


class Run(NamedTuple):
    """A training run in MLflow: its id, and its page where a server has one."""

    id: str = ""
    url: str = ""


def about(methods: Mapping[str, Method], evaluations: Mapping[str, Evaluation]) -> dict[str, About]:
    """Return what each family says of itself; what a contestant from outside knows, nobody here can see.

    methods: of the pipeline. evaluations: of each method.
    """
    made = {}
    for method, one in evaluations.items():
        if (name := family(method)) in made:
            continue
        if method not in methods:
            made[name] = About(authors=one.origin.by, learned=None, kernel_only=None)
            continue
        if ours := warmstarts.entries().get(name):
            made[name] = About(ours.summary, ours.citation, learned=ours.learned, kernel_only=ours.kernel_only)
        else:
            guest = contestants.create(name, methods[method].file)
            made[name] = About(guest.summary, guest.citation, learned=None, kernel_only=None)
    return made


def origins(params: Params) -> dict[str, Origin]:
    """Return where each method's rows come from; raises DataError where an evaluation says it in no legal way."""
    known, made = runs(params.train.experiment), {}
    for method, one in params.evaluate.methods.items():
        weights = Path(one.reads)
        trained = f"{weights.parent.name}-{weights.stem}" if weights.parent.parent == paths.MODELS else ""
        judged = _judged(paths.EVALUATIONS / method / paths.JUDGED)
        made[method] = Origin(
            params.dataset.version, judged["code_commit"], judged["hardware"], *known.get(trained, Run())
        )
    return made


def _judged(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {name: str(found[name]) for name in ("code_commit", "hardware")}
    except FileNotFoundError:
        return {"code_commit": "", "hardware": ""}  # judged by a version that did not say
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{file}: must say code_commit and hardware of the evaluation, but does not") from None


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
    plans, server = provenance.dvc_hash(paths.PLANS), address(uri)
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
