"""The page of the data: how much there is of what, how hard it is, what it looks like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.dataset import schema
from paletteot.report.site import charts, problems
from paletteot.report.site.facts import SiteFacts
from paletteot.report.site.tables import Cell, Table
from paletteot.splits import BOARDS, SPLITS
from paletteot.tables import Table as Columns
from paletteot.tables import innermost

SHOWN = 12
"""Palettes in the gallery, each of another photograph."""


def page(medians: Mapping[str, Evaluation], bootstrap: Bootstrap, facts: SiteFacts) -> dict[str, Any]:
    """Return what the page of the data shows.

    medians: the evaluation that stands for each family. bootstrap: knows the split and photographs of every pair.
    """
    of = {str(split): bootstrap.sample(part["pair_id"]) for (split,), part in bootstrap.pairs.group_by("split")}
    tables = facts.release["tables"]
    rows = [
        {
            "split": Cell(split, split),
            "pairs": Cell(f"{tables['plans'][split]['rows']:,}", tables["plans"][split]["rows"]),
            "photographs": Cell(of[split].whose, of[split].photographs) if split in of else Cell(""),
            "of": Cell(words, words),
        }
        for split, words in ((split, one.words) for split, one in SPLITS.items())
        if split in tables["plans"]
    ]
    k = facts.palettes.a.shape[1]
    return {
        "version": facts.release["version"],
        "counts": {name: sum(split["rows"] for split in splits.values()) for name, splits in tables.items()},
        "photographs": len(set(facts.palettes.photographs)),
        "k": k,
        "settings": facts.settings,
        "splits": Table("Ordered pairs in each split", dict.fromkeys(rows[0], ""), rows),
        "columns": [columns(name, table) for name, table in schema.released(k).items()],
        "figure": charts.cold_by_split(medians[BASE], BOARDS),
        "gallery": gallery(facts),
        "gauge": schema.GAUGE,
    }


def columns(name: str, table: Columns) -> Table:
    """Return the columns of a table of the release: dtype, unit and meaning."""
    rows = [
        {
            "column": Cell(column, column),
            "dtype": Cell(dtype, dtype),
            "unit": Cell(one.unit, one.unit),
            "meaning": Cell(one.meaning, one.meaning),
        }
        for column, one in table.items()
        for dtype in [str(innermost(one.dtype)).lower()]
    ]
    return Table(f"Columns of {name}", dict.fromkeys(rows[0], ""), rows)


def gallery(facts: SiteFacts) -> dict[str, Any]:
    """Return the palettes of the first picture of some photographs, as the pages draw them."""
    first = dict(reversed(list(zip(facts.palettes.photographs, facts.palettes.ids, strict=True))))
    return problems.swatches(facts.palettes, [first[photograph] for photograph in sorted(first)][:SHOWN])
