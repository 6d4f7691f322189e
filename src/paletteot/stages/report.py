"""Stage 7: what people look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

import paletteot.warmstarts as warmstarts
from paletteot.benchmark.pictures import Pictures
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records import recorded, results
from paletteot.benchmark.records import store as records
from paletteot.benchmark.records.results import Evaluation
from paletteot.benchmark.submissions.said import folded
from paletteot.dataset import schema
from paletteot.dataset.load import load_palettes
from paletteot.dataset.versions import Manifest
from paletteot.errors import DataError
from paletteot.project import origins, paths, provenance
from paletteot.report.build import build
from paletteot.report.site.facts import Facts
from paletteot.tables import read_parquet
from paletteot.warmstarts.contract import family

if TYPE_CHECKING:
    from paletteot.config.params import Params


def stage(params: Params) -> None:
    """Read the evaluations, the records of guests and the loss curves, write reports/."""
    evaluations = {method: results.read(paths.EVALUATIONS, method) for method in params.evaluate.methods}
    known = origins.origins(params)
    evaluations = {
        method: replace(one, origin=known[method], guest=family(method) not in warmstarts.BUILT_IN)
        for method, one in evaluations.items()
    }
    evaluations |= guests(params, evaluations)
    families = {family(method) for method in evaluations}
    curves = {file.stem: pl.read_csv(file, glob=False) for file in sorted((paths.REPORTS / "curves").glob("*.csv"))}
    pairs = read_parquet(paths.PAIRS, schema.PAIRS).select("pair_id", "source", "target")
    facts = Facts(
        about=origins.about(params.evaluate.methods, evaluations),
        origins={method: one.origin for method, one in evaluations.items()},
        settings=_settings(params),
        palettes=load_palettes(paths.PALETTES),
        release=_release(),
    )
    build(
        evaluations,
        Pictures(pairs, params.report.bootstrap, params.report.seed),
        {name: history for name, history in curves.items() if name in families},
        facts,
        paths.REPORTS,
    )


def guests(params: Params, evaluations: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    """Return what was recorded of contestants that the pipeline does not judge.

    evaluations: of those that it does. Raises DataError where a record has one of their names, or is broken.
    """
    if BASE not in evaluations:
        return {}
    found = recorded.evaluations(records.find(paths.RESULTS, params.dataset.version), evaluations[BASE])
    names = {folded(name) for name in (*warmstarts.BUILT_IN, *map(family, evaluations))}
    if taken := [name for name in found if folded(family(name)) in names]:
        raise DataError(f"{paths.RESULTS}: a record must not be named {taken[0]!r}, as another contestant is")
    return found


def _release() -> Manifest:
    try:
        made: Manifest = json.loads(paths.RELEASE_MANIFEST.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{paths.RELEASE_MANIFEST}: no such file; `dvc repro release` makes it") from None
    except ValueError as error:
        raise DataError(f"{paths.RELEASE_MANIFEST}: not JSON: {error}") from None
    return made


def _settings(params: Params) -> dict[str, str]:
    """Return how everything was made, for the page of the data."""
    return {
        "Pictures": f"{params.images.count} from the source {params.images.source}, gradings of strength "
        f"{params.images.grading:g}",
        "Palettes": f"k-means in CIELAB, k = {params.palettes.k}",
        "Regularisation": f"eps = {params.transport.eps:g} LAB units",
        "Reference stop": f"log v moves by at most {params.transport.atol:g}; cap {params.transport.max_iterations:,}",
        "Labels": f"L1 marginal error of at most {params.plans.tolerance:g}",
        "Intervals": f"{params.report.bootstrap:,} bootstrap draws of pictures",
        "Commit": provenance.git_commit(),
        "DVC's hash of the palettes": provenance.dvc_hash(paths.PALETTES),
        "DVC's hash of the plans": provenance.dvc_hash(paths.PLANS),
    }
