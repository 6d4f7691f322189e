"""Medians of the comparison, the Pareto front, and ours against each peer where edges are kept alike."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

KEPT = "_kept"
"""How the names of those of ours end that keep greys, which no peer does: a family of their own."""

MEASURED = ("w1", "w2", "gradient_ssim", "ssim", "banding", "neutrals_moved")


def board(measures: pl.DataFrame, seconds: pl.DataFrame, ours: Collection[str]) -> pl.DataFrame:
    """Return a row for each method that gave a result, in the order of the tables.

    method, ours, pairs, fallen, of each of MEASURED its median and quartiles (NAME, NAME_q1, NAME_q3), seconds (median)
    and front: whether no other is as good on both W1 and gradient SSIM, and better on one; ours that keep greys and
    ours that do not are not held against each other.
    """
    five = [
        expression
        for name in MEASURED
        for expression in (
            pl.col(name).median(),
            pl.col(name).quantile(0.25, "linear").alias(f"{name}_q1"),
            pl.col(name).quantile(0.75, "linear").alias(f"{name}_q3"),
        )
    ]
    counted = (pl.col("w1").count().alias("pairs"), pl.col("fallen").count())
    made = measures.group_by("method", maintain_order=True).agg(*counted, *five).filter(pl.col("pairs") > 0)
    timed = seconds.group_by("method").agg(pl.col("seconds").median())
    made = made.join(timed, on="method", how="left", maintain_order="left")
    made = made.with_columns(ours=pl.col("method").is_in(list(ours)))
    rows = made.select("w1", "gradient_ssim", "ours", pl.col("method").str.ends_with(KEPT)).rows()
    front = [
        not any(better(other[:2], one[:2]) for other in rows if not (one[2] and other[2] and one[3] != other[3]))
        for one in rows
    ]
    return made.with_columns(front=pl.Series(front, dtype=pl.Boolean))


def better(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether a (W1, gradient SSIM) is as good as another on both and better on one."""
    return one[0] <= other[0] and one[1] >= other[1] and one != other


def beaten(made: pl.DataFrame) -> list[tuple[str, str]]:
    """Return (peer, ours) for each peer of a board that is better than one of ours on both."""
    own, others = made.filter("ours"), made.filter(~pl.col("ours"))
    return [
        (peer["method"], mine["method"])
        for mine in own.iter_rows(named=True)
        for peer in others.iter_rows(named=True)
        if peer["w1"] < mine["w1"] and peer["gradient_ssim"] > mine["gradient_ssim"]
    ]


def at_equal_edges(made: pl.DataFrame) -> pl.DataFrame:
    """Return for each peer our W1 at its gradient SSIM: method, gradient_ssim, w1, ours_w1, change (ours / its - 1).

    Ours is interpolated between the two of our methods, in the order of gradient SSIM, that lie around it. Peers that
    keep edges worse than all of ours are held against the worst of ours, and better ones are left out. Ours that keep
    greys take no part: theirs is another aim.
    """
    own = made.filter(pl.col("ours") & ~pl.col("method").str.ends_with(KEPT)).sort("gradient_ssim")
    if own.is_empty():
        return pl.DataFrame(schema=_EQUAL)
    x, y = own["gradient_ssim"].to_numpy(), own["w1"].to_numpy()
    peers = made.filter(~pl.col("ours") & (pl.col("gradient_ssim") <= x[-1]))
    found = np.interp(peers["gradient_ssim"].to_numpy(), x, y)
    return (
        peers.select("method", "gradient_ssim", "w1")
        .with_columns(ours_w1=pl.Series(found, dtype=pl.Float64))
        .with_columns(change=pl.col("ours_w1") / pl.col("w1") - 1)
        .sort("change", descending=True)
    )


_EQUAL = {
    "method": pl.String, "gradient_ssim": pl.Float64, "w1": pl.Float64, "ours_w1": pl.Float64, "change": pl.Float64
}  # fmt: skip


def fallen(measures: pl.DataFrame) -> pl.DataFrame:
    """Return method, pairs and the first reason of each peer that gave no result on some."""
    fell = measures.filter(pl.col("fallen").is_not_null())
    return fell.group_by("method", maintain_order=True).agg(pl.len().alias("pairs"), pl.col("fallen").first())


def worst(measures: pl.DataFrame, method: str, count: int) -> pl.DataFrame:
    """Return the rows of a method's pairs that are farthest from B's colours and that kept the least of A's edges.

    count: of each; a pair that is both is there once.
    """
    own = measures.filter((pl.col("method") == method) & pl.col("w1").is_not_null())
    far, torn = own.sort("w1", descending=True).head(count), own.sort("gradient_ssim").head(count)
    return pl.concat([far, torn]).unique(["source", "target"], keep="first", maintain_order=True)
