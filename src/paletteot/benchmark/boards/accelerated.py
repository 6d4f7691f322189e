"""Track B's board: one row for each start, acceleration and split, ranked by paired comparisons of iterations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

import numpy as np
import polars as pl

from paletteot.benchmark.accelerations import PLAIN, RELAXED, counts
from paletteot.benchmark.boards import markdown
from paletteot.benchmark.boards.families import ranked, with_seeds
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.comparisons import logarithms
from paletteot.benchmark.protocol import BASE, TOLERANCES
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.sample import SIZES, Sample
from paletteot.benchmark.statistics import Array, ratios
from paletteot.errors import DataError
from paletteot.splits import CHOICE, RANKING

SPLITS = (RANKING, CHOICE)
LOOSE = next(iter(TOLERANCES))
"""The tolerance that ranks."""

SCORE = pl.concat_list(pl.col(f"ratio_{label}").log() for label in TOLERANCES).list.sum()
"""What chooses: the median ratios to both errors multiplied, since one run gives both."""

MEASURES = ("ratio", "low", "high", "worst", "worse_share", "failures", "iterations")
COLUMNS = (
    "method", "family", "track", "acceleration", "split", *SIZES,
    *(f"{measure}_{label}" for label in TOLERANCES for measure in MEASURES),
    "undone", "fallbacks", "init_iterations", "total_ms", "claimed", "label_like", "learned", "kernel_only", "chosen",
    "rank", "ties", "seeds", "shown",
)  # fmt: skip
TIMES = ("total_ms",)
"""The column that does not repeat."""

FORMATS = {
    **{
        f"{measure}_{label}": form
        for label in TOLERANCES
        for measure, form in zip(MEASURES, (".3f", ".3f", ".3f", ".2f", ".1%", "", ".0f"), strict=True)
    },
    "undone": ".1f", "init_iterations": ".0f", "total_ms": ".2f",
}  # fmt: skip


def rows(evaluations: Mapping[str, Evaluation], bootstrap: Bootstrap) -> pl.DataFrame:
    """Return the board: the ranking split first, what was chosen in the order of its ranks, then the rest of the grid.

    Ratios are (iterations + init_iterations) / iterations of plain Sinkhorn from cold to the same error, on the same
    problem; a run that did not converge stands as the cap. ``chosen``: the acceleration that was best for a family on
    CHOICE, by SCORE; for a guest that did not enter CHOICE the acceleration that most families chose.
    learned, kernel_only: as each says of itself; null where nobody here can know. Raises DataError when the base or
    a split is missing or pairs differ.
    """
    parts = {split: _split(evaluations, bootstrap, split) for split in SPLITS}
    choice = choose(parts[CHOICE])
    usual = Counter(name for name in choice.values() if name != "relaxed_own").most_common(1)
    choice |= {family: name for family in set(parts[RANKING]["family"]) - set(choice) for name, _ in usual}
    pairs = [f"{name} {acceleration}" for name, acceleration in choice.items()]
    chosen = pl.concat_str("family", "acceleration", separator=" ").is_in(pairs)
    done = []
    for split, part in parts.items():
        marked = part.with_columns(chosen=chosen)
        board = ranked(
            marked, pl.col("chosen") & pl.col("shown"), f"ratio_{LOOSE}", bootstrap, partial(_logs, evaluations, split)
        )
        done.append(board.sort("rank", f"ratio_{LOOSE}", "method", "acceleration", nulls_last=True).select(COLUMNS))
    return pl.concat(done)


def choose(board: pl.DataFrame) -> dict[str, str]:
    """Return the best acceleration of each family. board: rows of CHOICE, and of no other."""
    contest = board.filter(pl.col("shown") & (pl.col("acceleration") != PLAIN))
    ordered = contest.sort(SCORE, "acceleration")
    return dict(
        ordered.unique("family", keep="first", maintain_order=True).select("family", "acceleration").iter_rows()
    )


def headline(board: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each family on the ranking split, under its chosen acceleration, and the base under none."""
    base = (pl.col("family") == BASE) & (pl.col("acceleration") == PLAIN)
    return board.filter((pl.col("split") == RANKING) & pl.col("shown") & (pl.col("chosen") | base))


def _split(evaluations: Mapping[str, Evaluation], bootstrap: Bootstrap, split: str) -> pl.DataFrame:
    if BASE not in evaluations:
        raise DataError(f"params.yaml: evaluate.methods must name {BASE}, which every ratio is taken to")
    base = evaluations[BASE].split(split).accelerated.filter(pl.col("acceleration") == PLAIN)
    if base.is_empty():
        raise DataError(f"params.yaml: Track B must run on {split}, but {BASE} has no {PLAIN} row there")
    made = []
    for method, evaluation in evaluations.items():
        part = evaluation.split(split)
        times = dict(
            part.accelerated_seconds.group_by("acceleration").agg(pl.col("total_seconds").median()).iter_rows()
        )
        for (name,), frame in part.accelerated.group_by("acceleration", maintain_order=True):
            whole = base.head(len(frame)) if str(name) in RELAXED else base  # which may run on fewer, from the first
            if not frame["pair_id"].equals(whole["pair_id"]):
                raise DataError(
                    f"data/evaluations: pair_id of {method} under {name} must be those of {BASE} on {split}"
                )
            row: dict[str, object] = {"method": method, "track": "B", "acceleration": str(name), "split": split}
            row |= bootstrap.sample(frame["pair_id"]).columns
            for label in TOLERANCES:
                row |= _measures(frame, whole, label, bootstrap)
            row |= {
                "undone": float(np.mean(frame["undone"].to_numpy())),
                "fallbacks": int(frame["fallback"].sum()),
                "init_iterations": float(np.median(frame["init_iterations"].to_numpy())),
                "total_ms": 1e3 * times[name],
                "claimed": evaluation.origin.claimed,
                "label_like": int(frame["label_like"].sum()),
                "learned": evaluation.about.learned,
                "kernel_only": evaluation.about.kernel_only,
            }
            made.append(row)
    known = {"learned": pl.Boolean, "kernel_only": pl.Boolean}
    return with_seeds(pl.DataFrame(made, schema_overrides=known), f"ratio_{LOOSE}", ["acceleration"])


def _measures(frame: pl.DataFrame, base: pl.DataFrame, label: str, bootstrap: Bootstrap) -> dict[str, float]:
    found, cold = counts(frame, label), counts(base, label)
    ratio = ratios(found, cold)
    interval = bootstrap.interval(ratio, frame["pair_id"])
    failures = int((~frame[f"converged_{label}"] | frame["fallback"]).sum())
    values = (
        interval.median, interval.low, interval.high, float(ratio.max()), float(np.mean(found > cold)), failures,
        float(np.median(found)),
    )  # fmt: skip
    return dict(zip((f"{measure}_{label}" for measure in MEASURES), values, strict=True))


def _logs(evaluations: Mapping[str, Evaluation], split: str, row: Mapping[str, object]) -> tuple[pl.Series, Array]:
    rows = evaluations[str(row["method"])].split(split).accelerated
    frame = rows.filter(pl.col("acceleration") == row["acceleration"])
    return frame["pair_id"], logarithms(counts(frame, LOOSE))


def shown_cells(row: Mapping[str, object]) -> dict[str, str]:
    """Return a row as people see it; of few photographs no ends of an interval are shown."""
    cells = markdown.cells(row, FORMATS)
    ends = [f"{end}_{label}" for end in ("low", "high") for label in TOLERANCES]
    return cells | dict.fromkeys(ends, "") if Sample.of(row).few else cells


HEADER = (
    "start", "acceleration", "learned", *(f"ratio to {label} (95 %)" for label in TOLERANCES),
    "iterations, median", "worst ratios", "failures", "ms", "rank", "seeds",
)  # fmt: skip


def headline_rows(board: pl.DataFrame) -> list[list[str]]:
    """Return the rows of ``headline`` as people see them, under HEADER; a cell of both tolerances has 1e-5 first."""
    made = []
    for row in headline(board).iter_rows(named=True):
        cells = shown_cells(row)
        of = Sample.of(row)
        ratio = [of.interval(*(row[f"{end}_{one}"] for end in ("ratio", "low", "high"))) for one in TOLERANCES]
        both = [" / ".join(cells[f"{measure}_{one}"] for one in TOLERANCES) for measure in ("iterations", "worst")]
        failures = cells[f"failures_{list(TOLERANCES)[-1]}"]
        rest = [cells["total_ms"] + (" claimed" if row.get("claimed") else ""), cells["rank"], cells["seeds"]]
        made.append([cells["family"], cells["acceleration"], cells["learned"], *ratio, *both, failures, *rest])
    return made
