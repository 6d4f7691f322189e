"""Stage 5: a learned warm start is trained, once for every seed; MLflow hears of it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import paletteot.engine as engine
import paletteot.workers as workers
from paletteot.dataset.load import load_palettes, load_plans
from paletteot.files import replacing
from paletteot.networks import training
from paletteot.project import closure, paths, provenance, tracking
from paletteot.splits import VALIDATION

if TYPE_CHECKING:
    from paletteot.config.params import Params

WEIGHTS = "weights.safetensors"


def stage(params: Params, name: str) -> None:
    """Read palettes and plans, write models/NETWORK/SEED.safetensors and reports/curves/NETWORK.csv.

    The seeds are trained side by side, one thread each: more would help a small network little, and change its bits.
    """
    settings = params.train.settings(name)
    key = engine.fingerprint(
        paths.PALETTES, paths.PLANS, settings.model_dump(), params.transport.eps,
        *closure.files(__name__),
    )  # fmt: skip
    folder = engine.partial_folder(f"train-{name}", key)
    seeds = params.train.seeds
    processes = engine.cores(params.workers) if training.device_of(params.train.device).type == "cpu" else 1
    tracking.connect(params.train.experiment)
    trained = dict(workers.answers(partial(_train, params, name, folder), seeds, min(processes, len(seeds))))
    history = pl.concat([trained[seed] for seed in seeds])
    with replacing(paths.MODELS / name) as fresh:
        fresh.mkdir()
        for seed in seeds:
            shutil.copy(folder / str(seed) / WEIGHTS, fresh / f"{seed}.safetensors")
    with replacing(paths.REPORTS / "curves" / f"{name}.csv") as fresh:
        history.write_csv(fresh)
    best = training.best_seed(history)
    with _run(params, name, best, folder / str(best)) as run:
        run.register(name, paths.MODELS / name / f"{best}.safetensors", params.transport.eps)
    engine.forget(folder)


def _run(params: Params, name: str, seed: int, folder: Path) -> tracking.Opened:
    facts = {
        **params.train.settings(name).model_dump(), "scale": params.train.scale,
        "seed": seed, "eps": params.transport.eps,
        "data_dvc_hash": provenance.dvc_hash(paths.PLANS), "git_commit": provenance.git_commit(),
    }  # fmt: skip
    frame = load_plans(paths.PLANS, load_palettes(paths.PALETTES), "train").frame
    data = tracking.Data("paletteot plans", frame, str(facts["data_dvc_hash"]), str(facts["git_commit"]))
    return tracking.run(params.train.experiment, f"{name}-{seed}", facts, data, folder / "mlflow_run")


def _train(params: Params, name: str, whole: Path, seed: int) -> tuple[int, pl.DataFrame]:
    """Train one seed in a process of its own, unless it is; returns the seed and its history, with the seed."""
    folder = whole / str(seed)
    folder.mkdir(parents=True, exist_ok=True)
    finished = folder / "history.csv"
    if not finished.is_file():
        _train_now(params, name, seed, folder, finished)
    return seed, pl.read_csv(finished, glob=False)


def _train_now(params: Params, name: str, seed: int, folder: Path, finished: Path) -> None:
    training.one_thread()
    palettes = load_palettes(paths.PALETTES)
    splits = {split: load_plans(paths.PLANS, palettes, split) for split in ("train", *VALIDATION)}
    with _run(params, name, seed, folder) as run:
        trained = training.train(
            name, splits["train"], {split: splits[split] for split in VALIDATION},
            params.train.settings(name), seed,
            eps=params.transport.eps, device=params.train.device, partial=folder, log=run.log,
        )  # fmt: skip
    trained.save(folder / WEIGHTS)
    history = trained.history.select(pl.lit(seed).alias("seed"), pl.all())
    with replacing(finished) as fresh:
        history.write_csv(fresh)
