"""Stage 10: what people look at."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import paletteot.warmstarts as warmstarts
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records import evaluation, store
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.records.store import Found
from paletteot.dataset import schema, versions
from paletteot.dataset.load import load_palettes
from paletteot.demo import facts as demo
from paletteot.errors import DataError
from paletteot.project import judging, paths, provenance, runs
from paletteot.report.build import build
from paletteot.report.site.facts import SiteFacts, Transfers
from paletteot.tables import read_parquet
from paletteot.warmstarts.contract import family

if TYPE_CHECKING:
    from paletteot.config.params import Params


def stage(params: Params) -> None:
    """Read the records of the pipeline and of guests and the loss curves, write reports/."""
    evaluations = pipeline(params)
    found = guests(params, evaluations)
    for why in found.refused.values():
        print(f"a record does not stand: {why}", file=sys.stderr)
    if BASE in evaluations:
        evaluations |= evaluation.of_records(found.records, evaluations[BASE])
    families = {family(method) for method in evaluations}
    curves = {file.stem: pl.read_csv(file, glob=False) for file in sorted((paths.REPORTS / "curves").glob("*.csv"))}
    pairs = read_parquet(paths.PAIRS, schema.PAIRS)
    palettes = load_palettes(paths.PALETTES)
    facts = SiteFacts(
        settings=_settings(params),
        palettes=palettes,
        release=versions.read(paths.RELEASE_MANIFEST),
        transfers=_transfers(),
        refused={str(folder): why for folder, why in found.refused.items()},
    )
    build(
        evaluations,
        Bootstrap(pairs, palettes.pictures, params.report.bootstrap, params.report.seed),
        {name: history for name, history in curves.items() if name in families},
        facts,
        paths.REPORTS,
    )


def pipeline(params: Params) -> dict[str, Evaluation]:
    """Return the evaluations of the contestants that the pipeline judges, in the order of params.yaml.

    Raises DataError where one is missing, broken, or bears another name than its folder.
    """
    records = [store.read(paths.EVALUATIONS / method) for method in params.evaluate.methods]
    for record in records:
        if record.facts.name != record.folder.name:
            raise DataError(f"{record.folder / store.FACTS}: name must be {record.folder.name}, as the folder's")
    known = runs.trainings(params.train.experiment)
    made = evaluation.of_records(records)
    for method, one in made.items():
        run = runs.of_weights(Path(params.evaluate.methods[method].reads), known)
        made[method] = replace(one, origin=replace(one.origin, run=run.id, url=run.url))
    return made


def guests(params: Params, evaluations: dict[str, Evaluation]) -> Found:
    """Return what was recorded of contestants that the pipeline does not judge; evaluations: of those that it does."""
    taken = {*warmstarts.entries(), *map(family, evaluations)}
    return store.find(paths.RESULTS, judging.terms(params.dataset.version, params.transport), taken)


DEMO = Path("data/demo")
BOARD = paths.REPORTS / "transfer" / "board.csv"
BOARD_COLUMNS = ("method", "pairs", "w1", "gradient_ssim", "ssim", "banding", "neutrals_moved", "seconds", "front")


def _transfers() -> Transfers:
    """Return what the stages demo and transfer made; raises DataError where it is missing or broken."""
    try:
        board = pl.read_csv(BOARD, glob=False)
    except FileNotFoundError:
        raise DataError(f"{BOARD}: no such file; `dvc repro transfer` makes it") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{BOARD}: must be a CSV file: {' '.join(str(error).split())[:200]}") from None
    if missing := [name for name in BOARD_COLUMNS if name not in board.columns]:
        raise DataError(f"{BOARD}: column {missing[0]} is missing; legal columns are {', '.join(BOARD_COLUMNS)}")
    return Transfers(demo.read(DEMO), DEMO, board)


def _settings(params: Params) -> dict[str, str]:
    """Return how everything was made, for the page of the data."""
    return {
        "Pictures": f"{params.images.count} from the source {params.images.source}, gradings of strength "
        f"{params.images.grading:g}",
        "Palettes": f"k-means in CIELAB, k = {params.palettes.k}",
        "Regularisation": f"eps = {params.transport.eps:g} LAB units",
        "Reference stop": f"log v moves by at most {params.transport.atol:g}; cap {params.transport.max_iterations:,}",
        "Labels": f"L1 marginal error of at most {params.plans.tolerance:g}",
        "Intervals": f"{params.report.bootstrap:,} bootstrap draws of photographs, those of one series together",
        "Commit": provenance.git_commit(),
        "DVC's hash of the palettes": provenance.dvc_hash(paths.PALETTES),
        "DVC's hash of the plans": provenance.dvc_hash(paths.PLANS),
    }
