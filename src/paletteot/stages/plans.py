"""Stage 4: the exact potentials of every pair, and the cold count of the evaluation pairs."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

import polars as pl

import paletteot.ot
from paletteot import config, engine
from paletteot.dataset import schema, shards
from paletteot.dataset.load import Pairs, load_pairs, load_palettes
from paletteot.ot import newton, sinkhorn
from paletteot.stages import common

CHUNK = 250


def stage(params: config.Params) -> None:
    """Read palettes and pairs, write sharded Parquet to data/plans."""
    pairs = load_pairs(common.PAIRS, load_palettes(common.PALETTES))
    settings = (params.transport, params.plans)
    key = engine.fingerprint(
        common.PALETTES, common.PAIRS, [one.model_dump() for one in settings], Path(paletteot.ot.__path__[0])
    )
    folder = engine.partial_folder("plans", key)
    files = engine.run(
        partial(_chunk, *settings), engine.spans(len(pairs), CHUNK),
        folder=folder, workers=params.workers, label="plans",
    )  # fmt: skip
    shards.write(common.PLANS, engine.collect(files), schema.plans(params.palettes.k), params.plans.shard_rows)
    engine.forget(folder)


@lru_cache(maxsize=1)
def _pairs() -> Pairs:
    return load_pairs(common.PAIRS, load_palettes(common.PALETTES))


def _chunk(transport: config.Transport, plans: config.Plans, span: tuple[int, int]) -> pl.DataFrame:
    pairs = _pairs()
    problems = pairs.problems(slice(*span), transport.eps)
    frame = pairs.frame[slice(*span)]
    rows = []
    for row, split in enumerate(frame["split"]):
        problem = problems[row]
        solution = newton.solve(problem, tolerance=plans.tolerance)
        count = None
        if split != "train":
            count = sinkhorn.reference(problem, atol=transport.atol, max_iterations=transport.max_iterations)
        rows.append(
            {
                "g": solution.g,
                "marginal_error": solution.marginal_error,
                "newton_steps": solution.steps,
                "cold_iterations": count and count.iterations,
                "cold_converged": count and count.converged,
            }
        )
    table = {name: dtype for name, dtype in schema.dtypes(schema.plans(len(problems.b[0]))).items() if name in rows[0]}
    return pl.concat([frame, pl.DataFrame(rows, schema=table)], how="horizontal")


if __name__ == "__main__":
    common.main(stage)
