"""Stage 7: what people look at."""

from __future__ import annotations

import polars as pl

from paletteot import config, warmstarts
from paletteot.benchmark import results, submission_record
from paletteot.benchmark.pictures import Pictures
from paletteot.benchmark.protocol import BASE
from paletteot.dataset import schema
from paletteot.files import read_parquet
from paletteot.report.build import build
from paletteot.stages import common
from paletteot.warmstarts.contract import family

OFF_KERNEL = ("lp_duals",)
"""Contestants that use more than passes over the kernel: network simplex."""


def stage(params: config.Params) -> None:
    """Read the evaluations and loss curves, write reports/."""
    evaluations = {method: results.read(common.EVALUATIONS, method) for method in params.evaluate.methods}
    records = submission_record.find(common.REPORTS / "results", params.dataset.version)
    evaluations |= submission_record.evaluations(records, evaluations[BASE])
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
