"""Stage 7: what people look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from paletteot import config, warmstarts
from paletteot.benchmark import recorded, records, results
from paletteot.benchmark.pictures import Pictures
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.results import Evaluation
from paletteot.benchmark.submission_facts import folded
from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import read_parquet
from paletteot.report.build import build
from paletteot.stages import common, origins
from paletteot.warmstarts.contract import family

OFF_KERNEL = ("lp_duals",)
"""Contestants that use more than passes over the kernel: network simplex."""


def stage(params: config.Params) -> None:
    """Read the evaluations, the records of guests and the loss curves, write reports/."""
    evaluations = {method: results.read(common.EVALUATIONS, method) for method in params.evaluate.methods}
    known = origins.origins(params)
    evaluations = {method: replace(one, origin=known[method]) for method, one in evaluations.items()}
    evaluations |= guests(params, evaluations)
    families = {family(method) for method in evaluations}
    curves = {file.stem: pl.read_csv(file) for file in sorted((common.REPORTS / "curves").glob("*.csv"))}
    pairs = read_parquet(common.PAIRS, schema.PAIRS).select("pair_id", "source", "target")
    made = (
        f"{params.images.count} pictures from the source {params.images.source}, k = {params.palettes.k}, "
        f"{params.pairs.total} pairs, eps = {params.transport.eps} LAB units, atol = {params.transport.atol}, "
        f"cap {params.transport.max_iterations}; all parameters and seeds in params.yaml, all hashes in dvc.lock."
    )
    build(
        evaluations,
        Pictures(pairs, params.report.bootstrap, params.report.seed),
        {name: history for name, history in curves.items() if name in families},
        learned=warmstarts.LEARNED,
        off_kernel=OFF_KERNEL,
        made=made,
        folder=common.REPORTS,
    )


def guests(params: config.Params, evaluations: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    """Return what was recorded of contestants that the pipeline does not judge.

    evaluations: of those that it does. Raises DataError where a record has one of their names, or is broken.
    """
    if BASE not in evaluations:
        return {}
    found = recorded.evaluations(records.find(common.RESULTS, params.dataset.version), evaluations[BASE])
    names = {folded(name) for name in (*warmstarts.BUILT_IN, *map(family, evaluations))}
    if taken := [name for name in found if folded(family(name)) in names]:
        raise DataError(f"{common.RESULTS}: a record must not be named {taken[0]!r}, as another contestant is")
    return found
