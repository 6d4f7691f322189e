"""Stage 5: a learned warm start is trained; MLflow hears of it."""

from __future__ import annotations

from pathlib import Path

from paletteot import config, engine, warmstarts
from paletteot.dataset.load import load_palettes, load_plans
from paletteot.files import replacing
from paletteot.stages import common, provenance, tracking
from paletteot.warmstarts import training


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
        **settings.model_dump(), "eps": eps,
        "data_dvc_hash": provenance.dvc_hash(common.PLANS), "git_commit": provenance.git_commit(),
    }  # fmt: skip
    data = tracking.Data("paletteot plans", splits["train"].frame, facts["data_dvc_hash"], facts["git_commit"])
    with tracking.run(params.train.experiment, name, facts, data, folder / "mlflow_run") as run:
        trained = training.train(
            name, splits["train"], {split: splits[split] for split in training.VALIDATION}, settings,
            eps=eps, device=params.train.device, partial=folder, log=run.log,
        )  # fmt: skip
        trained.save(common.MODELS / f"{name}.safetensors")
        with replacing(common.REPORTS / "curves" / f"{name}.csv") as fresh:
            trained.history.write_csv(fresh)
        run.register(name, common.MODELS / f"{name}.safetensors", eps)
    engine.forget(folder)
