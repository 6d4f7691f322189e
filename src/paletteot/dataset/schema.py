"""Every column of every table: name, dtype, unit and meaning, written here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from paletteot.errors import DataError

GAUGE = "sum_j b_j g_j = 0"
"""The constant that potentials are unique up to is fixed by this equation; g is 0 where the weight is 0."""

FLOAT32_CAUSE = (
    "the formats numpy and torch of `datasets` hand float64 back as float32; use with_format('arrow'), or give dtype"
)
"""Where rounded potentials come from, as far as anybody has seen."""


@dataclass(frozen=True)
class Column:
    """One column: its polars dtype, unit ('' where none) and meaning."""

    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    unit: str = ""
    nullable: bool = False

    @property
    def sentence(self) -> str:
        """Meaning and unit in one."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


Table = Mapping[str, Column]

DIGEST = Column(pl.String, "first 16 hex digits of the SHA-256 of the row's other values (docs/data.md)")

IMAGES: Table = {
    "image_id": Column(pl.String, "name of the picture; the file is <image_id>.jpg"),
    "group": Column(pl.String, "photograph, photographer or folder it belongs to; no group is on two sides of a split"),
    "source": Column(pl.String, "package or archive the photograph came from, with its version"),
    "licence": Column(pl.String, "SPDX identifier or the words of the source"),
    "attribution": Column(pl.String, "who made the photograph and where it was published"),
    "place": Column(pl.String, "where its original is: a path in its package or folder, a URL, a row"),
    "original_sha256": Column(pl.String, "SHA-256 of the original file"),
    "crop": Column(pl.Array(pl.Int32, 4), "left, top, right, bottom in the photograph", "pixel"),
    "grading": Column(pl.String, "parameters of the colour grading, JSON"),
    "width": Column(pl.Int32, "width of the picture", "pixel"),
    "height": Column(pl.Int32, "height of the picture", "pixel"),
    "sha256": Column(pl.String, "SHA-256 of the JPEG file"),
    "digest": DIGEST,
}

REJECTED: Table = {
    "place": Column(pl.String, "where the original is, or should be"),
    "reason": Column(pl.String, "why there is no picture of it"),
}

PAIRS: Table = {
    "pair_id": Column(pl.Int32, "number of the ordered pair, from 0"),
    "split": Column(pl.String, "train, validation_seen, validation_unseen, test_seen or test_unseen"),
    "source": Column(pl.String, "image_id of the source palette (x, a)"),
    "target": Column(pl.String, "image_id of the target palette (y, b)"),
}

_JUDGED: Table = {
    "pair_id": Column(pl.Int32, "the pair"),
    "split": Column(pl.String, "split of the pair"),
}
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

TRACKS: Mapping[str, Mapping[str, Table]] = {
    "A": {"iterations": ITERATIONS, "seconds": SECONDS},
    "B": {"accelerated": ACCELERATED, "accelerated_seconds": ACCELERATED_SECONDS},
    "C": {"newton": NEWTON, "newton_seconds": NEWTON_SECONDS},
    "ladder": {"ladder": LADDER},
}
"""Tables of each track of the protocol by the names of their files: what repeats, then the seconds, which do not."""

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


def palettes(k: int) -> Table:
    """Return the table of palettes of k atoms."""
    return {
        "image_id": Column(pl.String, "the picture"),
        "group": Column(pl.String, "photograph, photographer or folder the picture belongs to"),
        "centroids": Column(pl.Array(pl.Float64, (k, 3)), "support: CIELAB centroids; 0 where the weight is 0", "LAB"),
        "weights": Column(pl.Array(pl.Float64, k), "share of the pixels; sums to 1; 0 means no atom"),
        "inertia": Column(pl.Float64, "mean squared distance of a pixel to its centroid", "LAB^2"),
        "colours": Column(pl.Int32, "distinct 24-bit colours of the picture"),
        "digest": DIGEST,
    }


def plans(k: int) -> Table:
    """Return the table of plans between palettes of k atoms."""
    return {
        **PAIRS,
        "eps": Column(pl.Float64, "entropic regularisation", "LAB"),
        "g": Column(pl.Array(pl.Float64, k), f"target potential, float64; gauge {GAUGE}", "LAB"),
        "source_error": Column(pl.Float64, "L1 error of the source marginal of the plan rebuilt from g"),
        "target_error": Column(pl.Float64, "L1 error of the target marginal of the plan rebuilt from g"),
        "primal": Column(pl.Float64, "<P, C> + eps KL(P || a b^T) of the plan rebuilt from g", "LAB"),
        "dual": Column(pl.Float64, "<f, a> + <g, b>, with f the row update of g", "LAB"),
        "gap": Column(pl.Float64, "primal - dual; may fall below 0 by rounding and target_error", "LAB"),
        "passes": Column(pl.Int32, "passes over the kernel that the solver spent on g", "iteration"),
        "newton_steps": Column(pl.Int32, "Newton steps after them; 0 where the passes were enough"),
        "cold_iterations": Column(pl.Int32, "reference count from a cold start; the cap where not converged",
                                  "iteration", nullable=True),
        "cold_converged": Column(pl.Boolean, "false: right-censored at the cap", nullable=True),
        "digest": DIGEST,
    }  # fmt: skip


RELEASED = ("plans", "palettes", "images")
"""The tables of a release."""


def released(k: int) -> dict[str, Table]:
    """Return the tables of a release by their names, for palettes of k atoms."""
    return dict(zip(RELEASED, (plans(k), palettes(k), IMAGES), strict=True))


def dtypes(table: Table) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Return the polars schema of a table, but for the digest, which writing adds."""
    return {name: column.dtype for name, column in table.items() if name != "digest"}


def track_dtypes(track: str) -> dict[str, pl.DataType | type[pl.DataType]]:
    """Return the polars schema of a track's rows: the columns of all its tables."""
    return {name: dtype for table in TRACKS[track].values() for name, dtype in dtypes(table).items()}


def innermost(dtype: object) -> object:
    """Return the dtype of the single values of an array, or the dtype itself."""
    return innermost(dtype.inner) if isinstance(dtype, pl.Array) else dtype


def markdown(table: Table) -> str:
    """Return a table of the columns: name, dtype, unit, meaning."""
    lines = ["| column | dtype | unit | meaning |", "|---|---|---|---|"]
    for name, column in table.items():
        null = "; null where there is none" if column.nullable else ""
        meaning = (column.meaning + null).replace("|", "\\|")
        lines.append(f"| {name} | {_words(column.dtype)} | {column.unit} | {meaning} |")
    return "\n".join(lines) + "\n"


def _words(dtype: pl.DataType | type[pl.DataType]) -> str:
    shape = f" [{', '.join(map(str, dtype.shape))}]" if isinstance(dtype, pl.Array) else ""
    return str(innermost(dtype)).lower() + shape


def check_dtypes(found: Mapping[str, object], table: Table, file: object) -> None:
    """Check names and dtypes of columns.

    Raises DataError with one line that names the file and the column.
    """
    if missing := [name for name in table if name not in found]:
        raise DataError(f"{file}: column {missing[0]} is missing; legal columns are {', '.join(table)}")
    for name, column in table.items():
        if found[name] != column.dtype:
            rounded = innermost(found[name]) == pl.Float32 and innermost(column.dtype) == pl.Float64
            cause = f" ({FLOAT32_CAUSE})" if rounded else ""
            raise DataError(f"{file}: column {name} must be {column.dtype}, but is {found[name]}{cause}")


def check(frame: pl.DataFrame, table: Table, file: object) -> pl.DataFrame:
    """Return the table's columns of a frame when it has them, with their dtypes and no null where none is legal.

    Raises DataError with one line that names the file and the column.
    """
    check_dtypes(frame.schema, table, file)
    for name, column in table.items():
        if not column.nullable and frame[name].null_count():
            row = int(frame[name].is_null().arg_max() or 0)
            raise DataError(f"{file}: column {name} must have a value in every row, but row {row} has none")
    return frame.select(list(table))
