"""Every column of what the referee writes: rows of each track, solvers, and what is submitted as a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

from paletteot.tables import Column, Table, dtypes

_JUDGED: Table = {
    "pair_id": Column(pl.Int32, "the pair"),
    "split": Column(pl.String, "split of the pair"),
}
_LABEL_LIKE = Column(pl.Boolean, "the start reads like the label: it differs from it by rounding, up to a constant")
_ACCELERATION = Column(pl.String, "the iteration that followed the start")
_FALLBACK = Column(pl.Boolean, "what the start gave was not finite or absurd; its stand-in ran, and it is a failure")

ITERATIONS: Table = {
    **_JUDGED,
    "iterations": Column(pl.Int32, "reference count t from this start; the cap where not converged", "iteration"),
    "converged": Column(pl.Boolean, "false: right-censored at the cap"),
    "init_iterations": Column(pl.Int32, "passes over the kernel spent inside the start", "iteration"),
    "fallback": _FALLBACK,
    "error_0": Column(pl.Float64, "L1 marginal error of the start, after one row update"),
    "error_1": Column(pl.Float64, "L1 marginal error after 1 iteration"),
    "error_10": Column(pl.Float64, "L1 marginal error after 10 iterations; of the stop where that came earlier"),
    "error_100": Column(pl.Float64, "L1 marginal error after 100 iterations; of the stop where that came earlier"),
    "error_stop": Column(pl.Float64, "L1 marginal error at the stop"),
    "label_like": _LABEL_LIKE,
}

SECONDS: Table = {
    **_JUDGED,
    "init_seconds": Column(pl.Float64, "time of the start, its batch's divided by the batch", "s"),
    "total_seconds": Column(pl.Float64, "time of the start and of the iteration to the stop", "s"),
}

ACCELERATED: Table = {
    **_JUDGED,
    "acceleration": _ACCELERATION,
    "init_iterations": Column(pl.Int32, "passes inside the start, and those spent on estimating omega", "iteration"),
    "iterations_1e-5": Column(pl.Int32, "to an L1 marginal error of 1e-5; the cap where not converged", "iteration"),
    "iterations_1e-9": Column(pl.Int32, "to an L1 marginal error of 1e-9; the cap where not converged", "iteration"),
    "converged_1e-5": Column(pl.Boolean, "false: right-censored at the cap"),
    "converged_1e-9": Column(pl.Boolean, "false: right-censored at the cap"),
    "undone": Column(pl.Int32, "steps that the safeguard undid; their passes are among the iterations"),
    "fallback": _FALLBACK,
    "label_like": _LABEL_LIKE,
}

ACCELERATED_SECONDS: Table = {
    **_JUDGED,
    "acceleration": _ACCELERATION,
    "total_seconds": Column(pl.Float64, "time of the start and of the iteration to an L1 marginal error of 1e-9", "s"),
}

NEWTON: Table = {
    **_JUDGED,
    "init_iterations": Column(pl.Int32, "passes over the kernel spent inside the start", "iteration"),
    "steps": Column(pl.Int32, "Newton steps to an L1 marginal error of 1e-9; the cap where not converged"),
    "converged": Column(pl.Boolean, "the error, recomputed from g, is at most 1e-9; false: a failure"),
    "error": Column(pl.Float64, "L1 marginal error, recomputed from g; null where Newton gave none", nullable=True),
    "fallback": _FALLBACK,
}

NEWTON_SECONDS: Table = {
    **_JUDGED,
    "total_seconds": Column(pl.Float64, "time of the start and of Newton", "s"),
}

LADDER: Table = {
    **_JUDGED,
    "atol": Column(pl.Float64, "largest change of log v at which the count was taken"),
    "iterations": Column(pl.Int32, "reference count t at that stop; the cap where not converged", "iteration"),
    "converged": Column(pl.Boolean, "false: right-censored at the cap"),
    "init_iterations": Column(pl.Int32, "passes over the kernel spent inside the start", "iteration"),
    "fallback": _FALLBACK,
}
"""The tolerance ladder: every problem at every stop."""

Track = Literal["A", "B", "C", "ladder"]

TRACKS: Mapping[Track, Mapping[str, Table]] = {
    "A": {"iterations": ITERATIONS, "seconds": SECONDS},
    "B": {"accelerated": ACCELERATED, "accelerated_seconds": ACCELERATED_SECONDS},
    "C": {"newton": NEWTON, "newton_seconds": NEWTON_SECONDS},
    "ladder": {"ladder": LADDER},
}
"""Tables of each track of the protocol by the names of their files: what repeats, then the seconds, which do not."""

PLAIN = "plain"
"""Table of a guest's record under Track B: the rows of ACCELERATED of plain Sinkhorn from cold, which every ratio is
taken to. The pipeline's cold start has them among its own."""

_SOLVE: Table = {
    "method": Column(pl.String, "the solver"),
    "tolerance": Column(pl.Float64, "L1 marginal error that was asked for"),
    **_JUDGED,
    "repeat": Column(pl.Int32, "which time the solver met the problem, from 0, each in a new process"),
}

SOLVES: Table = {
    **_SOLVE,
    "order": Column(pl.Int32, "place in the run, from 0"),
    "error": Column(pl.Float64, "L1 marginal error, both sides, recomputed in float64; null where no g can be judged",
                    nullable=True),
    "reached": Column(pl.Boolean, "whether it solved the problem; false: a failure, scored as the cap"),
    "failure": Column(pl.String, "crash, hang, illegal, not finite, missed, false claim or parallel; empty: none"),
    "told": Column(pl.String, "what it did instead of answering; empty where it answered"),
}  # fmt: skip
"""Solvers of Track C, what repeats."""

SOLVES_SECONDS: Table = {
    **_SOLVE,
    "seconds": Column(pl.Float64, "from asking to the answer", "s"),
    "cpu_seconds": Column(pl.Float64, "processor time of its process meanwhile; null where it cannot be seen", "s",
                          nullable=True),
}  # fmt: skip


def submission(k: int) -> Table:
    """Return the table of what a contestant submits as a file, for palettes of k atoms; omega may be left out."""
    return {
        "pair_id": Column(pl.Int32, "the pair"),
        "g": Column(pl.Array(pl.Float64, k), "initial target potentials, any gauge; ignored where the weight is 0",
                    "LAB"),
        "omega": Column(pl.Float64, "relaxation for the pair, between 0 and 2; Track B only"),
        "iterations": Column(pl.Int32, "passes over the kernel spent inside the start; 0 where left out", "iteration"),
    }  # fmt: skip


def track_dtypes(track: Track) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Return the polars schema of a track's rows: the columns of all its tables."""
    return {name: dtype for table in TRACKS[track].values() for name, dtype in dtypes(table).items()}
