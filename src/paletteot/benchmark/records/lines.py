"""What a record says, in a few lines: the start beside the cold one."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from paletteot.benchmark import statistics
from paletteot.benchmark.boards import accelerated as board_b
from paletteot.benchmark.pictures import Pictures
from paletteot.benchmark.protocol import BASE, TOLERANCES
from paletteot.benchmark.records.store import PLAIN_BASE, Record
from paletteot.errors import DataError

WIDTH = 14
"""Of the first column."""


def lines(record: Record, pairs: pl.DataFrame, pictures: Pictures) -> list[str]:
    """Return the lines of a record.

    pairs: of its split, with pair_id, cold_iterations and cold_converged. Raises DataError where they are others.
    """
    facts = record.facts
    for name in ("iterations", PLAIN_BASE):
        if name in record.tables and not record.tables[name]["pair_id"].equals(pairs["pair_id"]):
            raise DataError(f"{record.folder}: must hold the pairs of split {facts.split}, but holds others")
    ours = [*(_lines_a(record, pairs, pictures) if "A" in facts.tracks else [])]
    ours += _lines_b(record, pictures) if "B" in facts.tracks else []
    tracks = f"Track{'s' if len(facts.tracks) > 1 else ''} {' and '.join(facts.tracks)}"
    return [
        f"{facts.name}: {facts.split}, {len(pairs)} problems, {tracks}, data {facts.data_version}",
        *(f"  {line}" for line in [*ours, _times(record)]),
    ]


def _lines_a(record: Record, pairs: pl.DataFrame, pictures: Pictures) -> list[str]:
    frame, cold = record.tables["iterations"], pairs["cold_iterations"].to_numpy()
    passes = frame["init_iterations"].to_numpy()
    counts = frame["iterations"].to_numpy().astype(np.int64) + passes
    failures = int((~frame["converged"] | frame["fallback"]).sum())
    ratio = pictures.interval(statistics.ratios(counts, cold), frame["pair_id"])
    better = statistics.improved_share(counts, cold)
    return [
        "iterations to the reference stop, the start's own included: min Q1 median Q3 max",
        f"{BASE:<{WIDTH}} {_five(cold, int(pairs['cold_converged'].sum()))}",
        f"{'start':<{WIDTH}} {_five(counts, int(frame['converged'].sum()))}",
        f"ratio {_interval(ratio)}, better on {better:.1%}; passes of the start {np.median(passes):g}; "
        f"failures {failures}",
    ]


def _lines_b(record: Record, pictures: Pictures) -> list[str]:
    made, base = [], record.tables[PLAIN_BASE]
    for label in TOLERANCES:
        cold = board_b.counts(base, label)
        made.append(f"passes to an L1 marginal error of {label}, the start's own included: min Q1 median Q3 max")
        made.append(f"{BASE:<{WIDTH}} {_five(cold, int(base[f'converged_{label}'].sum()))}")
        for (name,), frame in record.tables["accelerated"].group_by("acceleration", maintain_order=True):
            counts = board_b.counts(frame, label)
            ratio = pictures.interval(statistics.ratios(counts, cold), frame["pair_id"])
            failures = int((~frame[f"converged_{label}"] | frame["fallback"]).sum())
            five = _five(counts, int(frame[f"converged_{label}"].sum()))
            made.append(f"{name!s:<{WIDTH}} {five}; ratio {_interval(ratio)}; failures {failures}")
    return made


def _five(counts: ArrayLike, converged: int) -> str:
    """Return the five numbers; ≥ marks one among runs that reached the cap: a lower bound."""
    bounds = statistics.censored(np.size(counts), converged)
    numbers = statistics.five_numbers(counts)
    return " ".join(f"{'≥' if bound else ''}{value:.0f}" for value, bound in zip(numbers, bounds, strict=True))


def _interval(ratio: statistics.Interval) -> str:
    return f"{ratio.median:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"


def _times(record: Record) -> str:
    """Return the median time of the start and of the iterations after it, in ms, and where they were measured."""
    facts, start = record.facts, "start"
    if facts.claimed:
        start += f" {1e3 * facts.claimed.seconds:.3g} ms on {facts.claimed.hardware} (claimed, not measured here)"
    elif "seconds" in record.tables:
        start += f" {1e3 * _median(record.tables['seconds'], 'init_seconds'):.3g} ms"
    whole = [record.tables[name] for name in ("seconds", "accelerated_seconds") if name in record.tables]
    times = " / ".join(f"{1e3 * _median(frame, 'total_seconds'):.3g} ms" for frame in whole)
    with_it = "iterations" if facts.claimed else "with its iterations"
    return f"{start}; {with_it} {times} (measured on {facts.measured.hardware})"


def _median(frame: pl.DataFrame, column: str) -> float:
    return float(np.median(frame[column].to_numpy()))
