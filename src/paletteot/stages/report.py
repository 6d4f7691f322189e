"""Stage 7: what people look at."""

from __future__ import annotations

import polars as pl

from paletteot import config
from paletteot.benchmark import results
from paletteot.dataset import schema
from paletteot.files import read_parquet
from paletteot.report.build import build
from paletteot.stages import common


def stage(params: config.Params) -> None:
    """Read the evaluations and loss curves, write reports/."""
    evaluations = {method: results.read(common.EVALUATIONS, method) for method in params.evaluate.methods}
    curves = {file.stem: pl.read_csv(file) for file in sorted((common.REPORTS / "curves").glob("*.csv"))}
    made = (
        f"{params.images.count} pictures from the source {params.images.source}, k = {params.palettes.k}, "
        f"{params.pairs.total} pairs, eps = {params.transport.eps} LAB units, atol = {params.transport.atol}, "
        f"cap {params.transport.max_iterations}; all parameters and seeds in params.yaml, all hashes in dvc.lock."
    )
    build(
        evaluations,
        read_parquet(common.PAIRS, schema.PAIRS).select("pair_id", "source", "target"),
        {method: history for method, history in curves.items() if method in evaluations},
        bootstrap=params.report.bootstrap,
        seed=params.report.seed,
        made=made,
        folder=common.REPORTS,
    )
