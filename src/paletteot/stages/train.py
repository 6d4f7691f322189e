"""Stage 5: a learned warm start is trained, once for every seed; MLflow hears of it."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import paletteot.engine as engine
import paletteot.workers as workers
from paletteot.dataset.load import Pairs, load_palettes, load_plans
from paletteot.files import replacing
from paletteot.networks import training
from paletteot.project import closure, paths, provenance, tracking
from paletteot.splits import VALIDATION, Split

if TYPE_CHECKING:
    from paletteot.config.params import Params

WEIGHTS = "weights.safetensors"


def stage(params: Params, name: str) -> None:
    """Read palettes and labelled pairs, write models/NETWORK/SEED.safetensors and reports/curves/NETWORK.csv.

    The seeds are trained side by side, one thread each: more would help a small network little, and change its bits.
    """
    settings = params.train.settings(name)
    training.check(name, settings)  # says what is wrong before any work is done
    key = engine.fingerprint(paths.PALETTES, paths.PLANS, settings.model_dump(), *closure.files(__name__))
    folder = engine.partial_folder(f"train-{name}", key)
    seeds = params.train.seeds
    tracking.connect(params.train.experiment)
    trained = dict(workers.answers(partial(_train, params, name, folder), seeds, _processes(params)))
    history = pl.concat([trained[seed] for seed in seeds])
    with replacing(paths.MODELS / name) as fresh:
        fresh.mkdir()
        for seed in seeds:
            shutil.copy(folder / str(seed) / WEIGHTS, fresh / f"{seed}.safetensors")
    with replacing(paths.REPORTS / "curves" / f"{name}.csv") as fresh:
        history.write_csv(fresh)
    best = training.best_seed(history)
    pairs = _pairs("train")["train"]
    with _run(params, name, best, pairs, folder / str(best)) as run:
        run.register(name, paths.MODELS / name / f"{best}.safetensors", pairs.eps)
    engine.forget(folder)


def _processes(params: Params) -> int:
    """Return how many seeds are trained at once: all, where no core has more than two of them, and none waits alone."""
    if training.device_of(params.train.device).type != "cpu":
        return 1
    most = engine.cores(params.workers) if params.workers else 2 * engine.cores(0)
    return min(most, len(params.train.seeds))


def _pairs(*splits: Split) -> dict[Split, Pairs]:
    palettes = load_palettes(paths.PALETTES)
    return {split: load_plans(paths.PLANS, palettes, split) for split in splits}


def _run(params: Params, name: str, seed: int, pairs: Pairs, folder: Path) -> tracking.Opened:
    facts = {
        **params.train.settings(name).model_dump(), "scale": params.train.scale,
        "seed": seed, "eps": pairs.eps,
        "data_dvc_hash": provenance.dvc_hash(paths.PLANS), "git_commit": provenance.git_commit(),
    }  # fmt: skip
    data = tracking.Data("paletteot plans", pairs.frame, str(facts["data_dvc_hash"]), str(facts["git_commit"]))
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
    splits = _pairs("train", *VALIDATION)
    pairs = splits.pop("train")
    with _run(params, name, seed, pairs, folder) as run:
        trained = training.train(
            name, pairs, splits, params.train.settings(name), seed,
            device=params.train.device, partial=folder, log=run.log,
        )  # fmt: skip
    trained.save(folder / WEIGHTS)
    history = trained.history.select(pl.lit(seed).alias("seed"), pl.all())
    with replacing(finished) as fresh:
        history.write_csv(fresh)
