"""Label pairs with their exact potentials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from paletteot.dataset import schema
from paletteot.dataset.load import Pairs, Palettes
from paletteot.errors import DataError
from paletteot.ot import exact as solver
from paletteot.ot import sinkhorn
from paletteot.tables import Table, dtypes


def table(palettes: Palettes) -> Table:
    """Return the table of plans between these palettes."""
    return schema.plans(palettes.a.shape[1])


def all_pairs(palettes: Palettes, file: Path) -> Pairs:
    """Return every ordered pair of different palettes; raises DataError when there are fewer than two."""
    n = len(palettes)
    if n < 2:
        raise DataError(f"{file}: must hold at least 2 palettes, but holds {n}")
    source, target = np.nonzero(~np.eye(n, dtype=bool))
    ids = np.array(palettes.ids, dtype=object)
    frame = pl.DataFrame(
        {
            "pair_id": np.arange(len(source), dtype=np.int32), "split": ["none"] * len(source),
            "source": ids[source].tolist(), "target": ids[target].tolist(),
        },
        schema=dtypes(schema.PAIRS),
    )  # fmt: skip
    return Pairs(palettes, frame, source, target)


def exact(
    pairs: Pairs, *, eps: float, tolerance: float = 1e-9, atol: float | None = None, max_iterations: int = 0
) -> pl.DataFrame:
    """Return the rows of the table of plans for these pairs, but for their digests, which writing adds.

    eps: LAB units. tolerance: L1 marginal error of the potentials. atol, max_iterations: the reference stop; where atol
    is given, pairs of evaluation splits get their cold count.
    """
    problems = pairs.problems(eps)
    rows = []
    for row, split in enumerate(pairs.frame["split"]):
        problem = problems[row]
        solution = solver.solve(problem, tolerance=tolerance)
        cold = None
        if atol is not None and split != "train":
            cold = sinkhorn.reference(problem, atol=atol, max_iterations=max_iterations)
        rows.append(
            {
                "eps": eps,
                "g": solution.g,
                **solution.certificate._asdict(),
                "passes": solution.passes,
                "newton_steps": solution.newton_steps,
                "cold_iterations": cold.iterations if cold else None,
                "cold_converged": cold.converged if cold else None,
            }
        )
    known = {*schema.PAIRS, "digest"}
    labels = {name: column.dtype for name, column in table(pairs.palettes).items() if name not in known}
    return pl.concat([pairs.frame, pl.DataFrame(rows, schema=labels)], how="horizontal")
