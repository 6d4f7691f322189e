"""Put the best seed's weights into the package and write their card: `python scripts/ship.py`, after `dvc repro`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import polars as pl
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from paletteot.benchmark.protocol import TOLERANCES
from paletteot.benchmark.sample import SIZES, Sample
from paletteot.errors import DataError, PaletteOTError
from paletteot.files import replacing, write_text
from paletteot.networks import training
from paletteot.networks.dual_network import DualNetwork
from paletteot.pretrained import CONTESTANTS
from paletteot.project import paths, provenance
from paletteot.project.parameters import load_params

ROOT = Path(__file__).resolve().parent.parent
NETWORK = CONTESTANTS["dual"]
WEIGHTS = Path("src/paletteot/pretrained") / f"{NETWORK}.safetensors"
CARD = Path("docs/model-card.md")
TEMPLATE = Path(__file__).with_name("model-card.md.j2")
LARGEST = 2_000_000
"""Bytes that the package gives to the weights."""


def read(file: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return header and tensors of a file of weights; raises DataError where it is not whole."""
    try:
        with safe_open(file, framework="numpy") as opened:
            header = json.loads((opened.metadata() or {})["paletteot"])
            return header, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"{file}: not a whole file of weights of this project: {error}") from None


def best() -> dict[str, Any]:
    """Return the row of the loss curves that chooses the weights: seed, epoch, validation_unseen_loss and the rest."""
    file = paths.REPORTS / "curves" / f"{NETWORK}.csv"
    if not file.is_file():
        raise DataError(f"{file} must be there; `dvc repro train` makes it")
    history = pl.read_csv(file, glob=False)
    own = history.filter(pl.col("seed") == training.best_seed(history))
    return own.sort(f"{training.VALIDATION[-1]}_loss").row(0, named=True)


def weights(commit: str) -> bytes:
    """Return the file that the package holds: the weights of the best seed; their header also says of what they are."""
    seed = best()["seed"]
    if not (paths.MODELS / NETWORK).is_dir():
        raise DataError(f"{paths.MODELS / NETWORK} must be there; `dvc repro train` makes it")
    header, tensors = read(paths.MODELS / NETWORK / f"{seed}.safetensors")
    facts = {"seed": seed, "data_version": load_params().dataset.version, "commit": commit}
    content = save(tensors, {"paletteot": json.dumps(header | facts, sort_keys=True)})
    if len(content) > LARGEST:
        raise DataError(f"{WEIGHTS}: must be at most {LARGEST} bytes, but would be {len(content)}")
    return content


def commit() -> str:
    """Return the commit here; for weights that are shipped already the one of then, as shipping changes the tree."""
    if WEIGHTS.is_file():
        known = str(read(WEIGHTS)[0].get("commit"))
        if not known.endswith("-dirty") and weights(known) == WEIGHTS.read_bytes():
            return known
    return provenance.git_commit()


def card() -> str:
    """Return the card of the weights in the package, with the figures of the last report."""
    header, tensors = read(WEIGHTS)
    train = load_params().train
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    return template.from_string(TEMPLATE.read_text()).render(
        header=header,
        file=WEIGHTS.name,
        size=WEIGHTS.stat().st_size,
        parameters=sum(tensor.size for tensor in tensors.values()),
        best=best(),
        settings=train.settings(NETWORK).model_dump(exclude={"architecture", "loss"}),
        seeds=train.seeds,
        track_a=track_a(header["seed"]),
        track_b=track_b(header["seed"]),
    )


def track_a(seed: int) -> list[dict[str, Any]]:
    """Return the rows of a seed in the leaderboard, one for each split."""
    file = paths.REPORTS / "leaderboard.csv"
    board = pl.read_csv(file, glob=False, infer_schema_length=None)
    method = _of(seed, board["method"].to_list())
    if method is None:
        raise DataError(f"{file}: method must name {NETWORK} or {NETWORK}-{seed}; `dvc repro` judges it")
    ends = ("ratio_median", "ratio_low", "ratio_high")
    return [
        {**row, "photographs": Sample.of(row).whose, "ratio": Sample.of(row).interval(*(row[end] for end in ends))}
        for row in board.filter(pl.col("method") == method).iter_rows(named=True)
    ]


def track_b(seed: int) -> dict[str, Any] | None:
    """Return acceleration and metrics of a seed in Track B, or those of the median seed; None before it was run."""
    metrics = json.loads((paths.REPORTS / "metrics.json").read_text()).get("track_b", {})
    found = {name.partition(" + ")[0]: name for name in metrics}
    method = _of(seed, found)
    if method is None:
        return None
    row = metrics[found[method]]
    of = Sample(*(int(row[name]) for name in SIZES))
    ratios = {one: of.interval(*(row[f"{end}_{one}"] for end in ("ratio", "low", "high"))) for one in TOLERANCES}
    return {
        "acceleration": found[method].partition(" + ")[2],
        "own": method != NETWORK,
        "ratios": ratios,
        "of": of.words,
    }


def _of(seed: int, names: Collection[str]) -> str | None:
    return next((name for name in (f"{NETWORK}-{seed}", NETWORK) if name in names), None)


def ship() -> None:
    """Write weights and card below the working folder."""
    content = weights(commit())
    with replacing(WEIGHTS) as fresh:
        fresh.write_bytes(content)
    DualNetwork.load(WEIGHTS, NETWORK)  # what is shipped can be read
    write_text(CARD, card())
    print(f"{WEIGHTS}: {len(content)} bytes, seed {best()['seed']}; its card: {CARD}")


def main() -> None:
    os.chdir(ROOT)
    try:
        ship()
    except PaletteOTError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
