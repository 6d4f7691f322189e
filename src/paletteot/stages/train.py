"""Stage 5: a learned warm start is trained; MLflow hears of it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import yaml

from paletteot import config, engine, warmstarts
from paletteot.dataset.load import load_palettes, load_plans
from paletteot.files import replacing
from paletteot.stages import common
from paletteot.warmstarts import training

LOG = training.Log


def stage(params: config.Params, name: str) -> None:
    """Read palettes and plans, write models/NAME.safetensors and reports/curves/NAME.csv."""
    palettes = load_palettes(common.PALETTES)
    splits = {split: load_plans(common.PLANS, palettes, split) for split in ("train", *training.VALIDATION)}
    settings = getattr(params.train, name)
    eps = params.transport.eps
    key = engine.fingerprint(
        common.PALETTES, common.PLANS, settings.model_dump(), eps,
        *(Path(warmstarts.__path__[0]) / f"{module}.py" for module in ("batches", "network", "training", name)),
    )  # fmt: skip
    folder = engine.partial_folder(f"train-{name}", key)
    facts = {
        **settings.model_dump(), "eps": eps, "data_dvc_hash": dvc_hash(common.PLANS), "git_commit": git_commit(),
    }  # fmt: skip
    with tracked(params.train.experiment, name, facts, folder / "mlflow_run") as (log, log_model):
        trained = training.train(
            name, splits["train"], {split: splits[split] for split in training.VALIDATION}, settings,
            eps=eps, device=params.train.device, partial=folder, log=log,
        )  # fmt: skip
        trained.save(common.MODELS / f"{name}.safetensors")
        with replacing(common.REPORTS / "curves" / f"{name}.csv") as fresh:
            trained.history.write_csv(fresh)
        log_model(common.MODELS / f"{name}.safetensors")
    engine.forget(folder)


@contextmanager
def tracked(
    experiment: str, name: str, facts: dict[str, object], run_file: Path
) -> Iterator[tuple[LOG, training.Keep]]:
    """Open the MLflow run of a training, the same one again after an interruption."""
    import mlflow

    mlflow.set_tracking_uri(os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db"))
    mlflow.set_experiment(experiment)
    known = run_file.read_text() if run_file.is_file() else None
    with mlflow.start_run(run_id=known, run_name=name) as run:
        run_file.write_text(run.info.run_id)
        if known is None:
            mlflow.log_params(facts)

        def log(epoch: int, metrics: dict[str, float]) -> None:
            mlflow.log_metrics(metrics, step=epoch)

        yield log, partial(mlflow.log_artifact, artifact_path="model")


def dvc_hash(out: Path) -> str:
    """Return the hash under which DVC's lock file holds an output; 'unknown' before DVC has seen it."""
    lock = Path("dvc.lock")
    stages = (yaml.safe_load(lock.read_text()) or {}).get("stages", {}) if lock.is_file() else {}
    for made in stages.values():
        for entry in made.get("outs", []):
            if entry["path"] == str(out):
                return str(entry["md5"])
    return "unknown"


def git_commit() -> str:
    """Return the commit of the working tree, marked where it has changes; 'unknown' outside git."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"
