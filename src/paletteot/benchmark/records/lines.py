"""What rows of a track say, in a few lines: the start beside the cold one."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from paletteot.benchmark import schema, statistics
from paletteot.benchmark.accelerations import ORDER, PLAIN, counts
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE, TOLERANCES
from paletteot.benchmark.records.store import Record
from paletteot.benchmark.sample import Sample
from paletteot.errors import DataError

WIDTH = 14
"""Of the first column."""


def record(one: Record, pairs: pl.DataFrame, bootstrap: Bootstrap) -> list[str]:
    """Return the lines of a record.

    pairs: of its split, with pair_id, cold_iterations and cold_converged. Raises DataError where they are others.
    """
    facts = one.facts
    for name in ("iterations", schema.PLAIN):
        if name in one.tables and not one.tables[name]["pair_id"].equals(pairs["pair_id"]):
            raise DataError(f"{one.folder}: must hold the pairs of split {facts.splits[0]}, but holds others")
    ours = [*(starts("start", one.tables["iterations"], pairs, bootstrap) if "A" in facts.tracks else [])]
    if "B" in facts.tracks:
        ours += accelerated("start", one.tables["accelerated"], one.tables[schema.PLAIN], bootstrap)
    sample = bootstrap.sample(pairs["pair_id"])
    tracks = f"Track{'s' if len(facts.tracks) > 1 else ''} {' and '.join(facts.tracks)}"
    return [
        f"{facts.name}: {', '.join(facts.splits)}, {sample.words}, {tracks}, data {facts.terms.data_version}",
        *(f"  {line}" for line in [*ours, *few(sample), *_like(one), _times(one)]),
    ]


def starts(name: str, frame: pl.DataFrame, pairs: pl.DataFrame, bootstrap: Bootstrap) -> list[str]:
    """Return the lines of rows of Track A: five numbers of the cold start's counts and of these, and their ratio.

    pairs: of those rows, with cold_iterations and cold_converged.
    """
    cold, passes = pairs["cold_iterations"].to_numpy(), frame["init_iterations"].to_numpy()
    found = frame["iterations"].to_numpy().astype(np.int64) + passes
    failures = int((~frame["converged"] | frame["fallback"]).sum())
    ratio = _ratio(statistics.ratios(found, cold), frame["pair_id"], bootstrap)
    better = statistics.improved_share(found, cold)
    return [
        "iterations to the reference stop, the start's own included: min Q1 median Q3 max",
        f"{BASE:<{WIDTH}} {_five(cold, int(pairs['cold_converged'].sum()))}",
        f"{name:<{WIDTH}} {_five(found, int(frame['converged'].sum()))}",
        f"ratio {ratio}, better on {better:.1%}; passes of the start {np.median(passes):g}; failures {failures}",
    ]


def accelerated(
    name: str, frame: pl.DataFrame, base: pl.DataFrame, bootstrap: Bootstrap, cold: pl.DataFrame | None = None
) -> list[str]:
    """Return the lines of rows of Track B: each acceleration against plain Sinkhorn from cold.

    base: rows of plain Sinkhorn on the same pairs. cold: rows of the cold start, which stand beside under each.
    """
    there = [one for one in ORDER if one in set(frame["acceleration"])]
    beside = {name: frame} | ({BASE: cold} if cold is not None and name != BASE else {})
    width = max(WIDTH, *(len(f"{who} + {one}") for who in beside for one in there))
    made = []
    for label in TOLERANCES:
        made.append(f"passes to an L1 marginal error of {label}, the start's own included: min Q1 median Q3 max")
        five = _five(counts(base, label), int(base[f"converged_{label}"].sum()))
        made.append(f"{f'{BASE} + {PLAIN}':<{width}} {five}")
        for one in there:
            for who, rows in beside.items():
                if len(some := rows.filter(pl.col("acceleration") == one)) and one != PLAIN:
                    made.append(f"{f'{who} + {one}':<{width}} {_passes(some, base, label, bootstrap)}")
    return made


def newton(name: str, frame: pl.DataFrame, cold: pl.DataFrame) -> list[str]:
    """Return the lines of rows of Track C: Newton's steps, failures and time; cold: rows of the cold start."""
    made = ["Newton steps, median and largest, to an L1 marginal error of 1e-9"]
    for who, rows in ((BASE, cold), (name, frame)):
        failures = int((~rows["converged"] | rows["fallback"]).sum())
        steps, ms = rows["steps"].to_numpy(), 1e3 * rows["total_seconds"].to_numpy()
        made.append(f"{who:<{WIDTH}} {np.median(steps):g}, {steps.max()}; failures {failures}; {np.median(ms):.2f} ms")
    return made


def few(sample: Sample) -> list[str]:
    """Return the line that goes with intervals over few photographs, where these are few."""
    return [sample.warning] if sample.few else []


def _ratio(values: statistics.Array, pair_ids: pl.Series, bootstrap: Bootstrap) -> str:
    return bootstrap.sample(pair_ids).interval(*astuple(bootstrap.interval(values, pair_ids)))


def _passes(frame: pl.DataFrame, base: pl.DataFrame, label: str, bootstrap: Bootstrap) -> str:
    found = counts(frame, label)
    plain = frame.select("pair_id").join(base, on="pair_id", how="left", maintain_order="left")  # may run on fewer
    ratio = _ratio(statistics.ratios(found, counts(plain, label)), frame["pair_id"], bootstrap)
    failures = int((~frame[f"converged_{label}"] | frame["fallback"]).sum())
    return f"{_five(found, int(frame[f'converged_{label}'].sum()))}; ratio {ratio}; failures {failures}"


def _five(values: ArrayLike, converged: int) -> str:
    """Return the five numbers; ≥ marks one among runs that reached the cap: a lower bound."""
    bounds = statistics.censored(np.size(values), converged)
    numbers = statistics.five_numbers(values)
    return " ".join(f"{'≥' if bound else ''}{value:.0f}" for value, bound in zip(numbers, bounds, strict=True))


def _like(one: Record) -> list[str]:
    frame = next(one.tables[name] for name in ("iterations", "accelerated") if name in one.tables)
    problems = frame.group_by("pair_id").agg(pl.col("label_like").any())["label_like"]
    if not (like := int(problems.sum())):
        return []
    return [f"reads like the label, which a start is not given, on {like} of {len(problems)} problems"]


def _times(one: Record) -> str:
    """Return the median time of the start and of the iterations after it, in ms, and where they were measured."""
    facts, start = one.facts, "start"
    if facts.claimed:
        start += f" {1e3 * facts.claimed.seconds:.3g} ms on {facts.claimed.hardware} (claimed, not measured here)"
    elif "seconds" in one.tables:
        start += f" {1e3 * _median(one.tables['seconds'], 'init_seconds'):.3g} ms"
    whole = [one.tables[name] for name in ("seconds", "accelerated_seconds") if name in one.tables]
    times = " / ".join(f"{1e3 * _median(frame, 'total_seconds'):.3g} ms" for frame in whole)
    with_it = "iterations" if facts.claimed else "with its iterations"
    return f"{start}; {with_it} {times} (measured on {facts.measured.hardware})"


def _median(frame: pl.DataFrame, column: str) -> float:
    return float(np.median(frame[column].to_numpy()))
