"""The published numbers of the seed beside ours, in the seed's own view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paletteot.benchmark.boards.markdown import markdown_table
from paletteot.benchmark.boards.starts import FIVE
from paletteot.benchmark.sample import Sample
from paletteot.benchmark.statistics import five_numbers
from paletteot.errors import DataError

BATCH = 8
SPLIT = "validation_seen"
HEADER = ("start", "min", "Q1", "median", "Q3", "max")
PUBLISHED = {
    "cold, published": (884, 2264, 3031, 4217, 20000),
    "plan network, published": (737, 2193, 2976, 4219, 20000),
}
"""AmortizedOptimalTransport, README, Results: k = 128, eps = 0.1, atol = 1e-4, Unsplash Lite, 1 250 maxima."""


def maxima(counts: ArrayLike) -> NDArray[np.float64]:
    """Return the maximum of each consecutive 8 counts, in the order of pair_id; a last batch may be smaller.

    Raises DataError when there are no counts.
    """
    values = np.asarray(counts, dtype=np.float64)
    if not values.size:
        raise DataError(f"params.yaml: evaluate.splits must name {SPLIT}, which the seed's view is taken on")
    return np.maximum.reduceat(values, np.arange(0, len(values), BATCH))


def metrics(counts: Mapping[str, ArrayLike], sample: Sample) -> dict[str, dict[str, float]]:
    """Return the five numbers of each method's maxima and what they rest on. counts: iterations on SPLIT."""
    return {name: {**five, **sample.columns} for name, five in numbers(counts).items()}


def numbers(counts: Mapping[str, ArrayLike]) -> dict[str, dict[str, float]]:
    """Return the five numbers of each method's maxima. counts: iterations on SPLIT."""
    return {name: dict(zip(FIVE, five_numbers(maxima(one)), strict=True)) for name, one in counts.items()}


def rows(counts: Mapping[str, ArrayLike]) -> list[list[str]]:
    """Return name and five numbers as text, published ones first. counts: iterations on SPLIT of each method."""
    ours = {f"{name}, ours": five_numbers(maxima(one)) for name, one in counts.items()}
    return [[name, *(f"{value:.0f}" for value in five)] for name, five in {**PUBLISHED, **ours}.items()]


def to_markdown(table: Sequence[Sequence[str]], sample: Sample) -> str:
    """Return the page of the comparison. sample: of the problems of ours."""
    lines = [
        "# The seed's view",
        "",
        f"Maximum of the iteration counts over consecutive batches of {BATCH} pairs of `{SPLIT}`, then the five-number",
        "summary of those maxima. Published: 10 000 problems of pictures from Unsplash Lite; ours:",
        f"{sample.words}. Only for this comparison; the benchmark counts per problem.",
        "20000 is the cap, where a run stops unconverged.",
        "",
        markdown_table(HEADER, table),
    ]
    return "\n".join(lines) + "\n"
