"""Evaluations that look like real ones: cold counts are lognormal about 900, a method's are a share of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from paletteot.benchmark import schema
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import RUNGS
from paletteot.benchmark.records.evaluation import NOT_KNOWN, NOT_SAID, TABLES, About, Evaluation, Origin

SPLITS = ("validation_seen", "validation_unseen", "test_seen", "test_unseen")
CAP = 20_000
SHARES: Mapping[str, float] = {"relaxed": 0.2, "anderson_10": 0.1}
"""Of each acceleration: the iterations as a share of those without."""


def pairs(each: int = 64, pictures: int = 12) -> pl.DataFrame:
    ids = np.random.default_rng(0).integers(0, pictures, (len(SPLITS) * each, 2))
    names = {"source": [f"p{i}" for i in ids[:, 0]], "target": [f"p{j}" for j in ids[:, 1]]}
    return pl.DataFrame(
        {"pair_id": range(len(ids)), "split": np.repeat(SPLITS, each), **names},
        schema_overrides={"pair_id": pl.Int32},
    )


def alone(pairs: pl.DataFrame) -> pl.DataFrame:
    """Return the pictures of some pairs, each its own photograph and group."""
    return (
        pl.concat([pairs["source"], pairs["target"].alias("source")])
        .unique()
        .sort()
        .to_frame("image_id")
        .with_columns(photograph="image_id", group="image_id")
    )


def bootstrap(draws: int = 200, photographs: int = 12) -> Bootstrap:
    """Return a bootstrap over twelve pictures of so many photographs, each in a group of its own."""
    shown = (pl.col("image_id").str.slice(1).cast(pl.Int64) % photographs).cast(pl.String).str.pad_start(2, "h")
    return Bootstrap(pairs(), alone(pairs()).with_columns(photograph=shown, group=shown), draws, 0)


def evaluation(
    method: str, factor: float, *,
    init: int = 0, each: int = 64, noise: float = 0.0, accelerations: Mapping[str, float] = SHARES,
    about: About = NOT_SAID, origin: Origin = NOT_KNOWN, guest: bool = False,
) -> Evaluation:  # fmt: skip
    n = len(SPLITS) * each
    cold = np.exp(np.random.default_rng(1).normal(np.log(900), 0.8, n))
    spread = np.exp(noise * np.random.default_rng([2, *method.encode()]).normal(size=n))
    steps = cold * factor * spread
    counts = np.minimum(steps, CAP).astype(np.int32)
    base = pl.DataFrame({"pair_id": range(n), "split": np.repeat(SPLITS, each)}, schema_overrides={"pair_id": pl.Int32})
    common = base.with_columns(init_iterations=pl.lit(init, pl.Int32), fallback=pl.lit(False), label_like=pl.lit(False))
    times = {"init_seconds": pl.lit(0.001), "total_seconds": pl.lit(0.01)}
    rows_a = common.with_columns(
        iterations=pl.Series(counts), converged=pl.Series(counts < CAP),
        **{f"error_{n}": pl.lit(1e-5) for n in ("0", "1", "10", "100", "stop")}, **times,
    )  # fmt: skip
    plain = {"plain": 1.0} if method == "cold" else {}
    rows_b = pl.concat(
        [_accelerated(common, name, steps * share) for name, share in {**plain, **accelerations}.items()]
    )
    rows_c = common.with_columns(steps=pl.lit(7, pl.Int32), converged=pl.lit(True), error=pl.lit(1e-10), **times)
    rungs = pl.DataFrame({"atol": RUNGS, "share": [0.4, 0.7, 1.0, 1.3, 1.6]})
    counted = (pl.col("iterations") * pl.col("share")).cast(pl.Int32).clip(upper_bound=CAP)
    rows_l = rows_a.join(rungs, how="cross").with_columns(iterations=counted, converged=counted < CAP)
    rows = {"A": rows_a, "B": rows_b.with_columns(**times), "C": rows_c, "ladder": rows_l}
    unseen = pl.col("split").is_in(["validation_unseen", "test_unseen"])
    made = {
        name: (rows[track] if track == "A" else rows[track].filter(unseen)).select(list(table))
        for track, tables in schema.TRACKS.items()
        for name, table in tables.items()
    }
    assert set(made) == set(TABLES)
    return Evaluation(method, **made, about=about, origin=origin, guest=guest)


def _accelerated(common: pl.DataFrame, name: str, steps: np.ndarray) -> pl.DataFrame:
    loose, tight = (np.minimum(steps * more, CAP).astype(np.int32) for more in (1, 2))
    return common.with_columns(
        pl.Series("iterations_1e-5", loose), pl.Series("iterations_1e-9", tight),
        pl.Series("converged_1e-5", loose < CAP), pl.Series("converged_1e-9", tight < CAP),
        acceleration=pl.lit(name), undone=pl.lit(1, pl.Int32),
    )  # fmt: skip
