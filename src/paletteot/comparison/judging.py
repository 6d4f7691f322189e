"""Ours and every peer on one pair of pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache, partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from paletteot.comparison import peers
from paletteot.comparison.board import KEPT
from paletteot.comparison.measures import measure
from paletteot.comparison.pairing import Pair
from paletteot.comparison.peers import PEERS, FallenError
from paletteot.palettes import Palette
from paletteot.tables import Column, Table, dtypes
from paletteot.transfer.options import Options
from paletteot.transfer.run import transfer

Pixels = NDArray[np.uint8]

DIGITS = 6
"""Decimals that are kept: what is behind them depends on the CPU."""

_PAIR: Table = {
    "kind": Column(pl.String, "content, random or sample"),
    "source": Column(pl.String, "A: the picture whose colours are changed"),
    "target": Column(pl.String, "B: the picture that gives the colours"),
    "method": Column(pl.String, "ours: hard, smooth_SIGMA or smooth_SIGMA_kept; or the name of a peer"),
}
MEASURES: Table = {
    **_PAIR,
    "w1": Column(pl.Float64, "Wasserstein distance of the result's palette to B's", "LAB", nullable=True),
    "w2": Column(pl.Float64, "the same of squares, its root", "LAB", nullable=True),
    "gradient_ssim": Column(pl.Float64, "structural similarity of the result's edges to A's", nullable=True),
    "ssim": Column(pl.Float64, "structural similarity of the result's lightness to A's", nullable=True),
    "banding": Column(pl.Float64, "share of A's smooth pixels with an edge in the result", nullable=True),
    "neutrals_moved": Column(pl.Float64, "mean CIEDE2000 that A's whites moved; null where A has few", nullable=True),
    "fallen": Column(pl.String, "why there is no result; null where there is one", nullable=True),
}
SECONDS: Table = {**_PAIR, "seconds": Column(pl.Float64, "from two arrays to a third, one of several workers", "s")}
ROWS: Table = {**MEASURES, "seconds": Column(pl.Float64, "as in the table of seconds", "s", nullable=True)}


def ours(sigmas: Sequence[float]) -> dict[str, Options]:
    """Return our own methods by name: hard, and smooth of each sigma, LAB units, then the latter with greys kept.

    Peers keep no greys, so that the first are like for like; the last, ending in KEPT, are what everybody gets.
    """
    moved = {"hard": Options(method="hard", neutrals=0)}
    moved |= {f"smooth_{sigma:g}": Options(sigma=sigma, neutrals=0) for sigma in sigmas}
    return moved | {f"smooth_{sigma:g}{KEPT}": Options(sigma=sigma) for sigma in sigmas}


def judge(
    pair: Pair, a: Pixels, b: Pixels, wanted: Palette, of: Callable[[Pixels], Palette],
    sigmas: Sequence[float], asked: Sequence[str], seed: int,
) -> pl.DataFrame:  # fmt: skip
    """Return a row of ROWS for each method on one pair.

    a, b: (h, w, 3) uint8 sRGB. wanted: B's palette. of: makes the palette of a result. sigmas: of our smooth method.
    asked: names of peers. seed: of peers. A peer that falls over has a row that says why.
    """
    _load()
    rows: list[dict[str, str | float | None]] = []
    for name, run in _methods(ours(sigmas), asked, seed):
        row: dict[str, str | float | None] = {
            "kind": pair.kind,
            "source": pair.source,
            "target": pair.target,
            "method": name,
        }
        began = time.perf_counter()
        try:
            result = run(a, b)
        except FallenError as error:
            rows.append(row | {"fallen": str(error)})
            continue
        seconds = time.perf_counter() - began
        found = asdict(measure(a, result, of(result), wanted))
        rows.append(row | {key: _rounded(value) for key, value in found.items()} | {"seconds": seconds})
    return pl.DataFrame(rows, schema=dtypes(ROWS))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _methods(
    own: Mapping[str, Options], asked: Sequence[str], seed: int
) -> Iterator[tuple[str, Callable[[Pixels, Pixels], Pixels]]]:
    for name, options in own.items():
        yield name, partial(_own, options)
    for name in asked:
        yield name, partial(_peer, name, seed)


def _own(options: Options, a: Pixels, b: Pixels) -> Pixels:
    return transfer(a, b, options).pixels


def _peer(name: str, seed: int, a: Pixels, b: Pixels) -> Pixels:
    return peers.attempt(PEERS[name], a, b, seed)


@cache
def _load() -> None:
    """Have compiled code loaded before a clock runs, once in a process."""
    rng = np.random.default_rng(0)
    tiny = rng.integers(0, 256, (2, 24, 24, 3), dtype=np.uint8)
    for options in ours([8.0]).values():
        _own(options, tiny[0], tiny[1])
