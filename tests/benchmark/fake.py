"""Evaluations that look like real ones: cold counts are lognormal about 900, a method's are a share of them."""

from __future__ import annotations

import numpy as np
import polars as pl

from paletteot.benchmark.results import Evaluation

SPLITS = ("validation_seen", "test_seen", "test_unseen")
CAP = 20_000


def pairs(each: int = 64, pictures: int = 12) -> pl.DataFrame:
    ids = np.random.default_rng(0).integers(0, pictures, (len(SPLITS) * each, 2))
    return pl.DataFrame(
        {"pair_id": range(len(ids)), "source": [f"p{i}" for i in ids[:, 0]], "target": [f"p{j}" for j in ids[:, 1]]},
        schema_overrides={"pair_id": pl.Int32},
    )


def evaluation(method: str, factor: float, *, init: int = 0, each: int = 64, noise: float = 0.0) -> Evaluation:
    n = len(SPLITS) * each
    cold = np.exp(np.random.default_rng(1).normal(np.log(900), 0.8, n))
    spread = np.exp(noise * np.random.default_rng([2, *method.encode()]).normal(size=n))
    counts = np.minimum(cold * factor * spread, CAP).astype(np.int32)
    base = pl.DataFrame({"pair_id": range(n), "split": np.repeat(SPLITS, each)}, schema_overrides={"pair_id": pl.Int32})
    iterations = base.with_columns(
        iterations=pl.Series(counts), converged=pl.Series(counts < CAP),
        init_iterations=pl.lit(init, pl.Int32), **{f"error_{n}": pl.lit(1e-5) for n in ("0", "1", "10", "100", "stop")},
    )  # fmt: skip
    return Evaluation(method, iterations, base.with_columns(init_seconds=pl.lit(0.001), total_seconds=pl.lit(0.01)))
