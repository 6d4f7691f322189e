"""Write the site: one folder of pages that share a style sheet, a script and Vega."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from paletteot.benchmark.boards import photographs as photographs_board
from paletteot.benchmark.boards import seed_view
from paletteot.benchmark.boards.leaderboard import Leaderboard
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.files import replacing
from paletteot.report.site import boards, charts, data, ladder, methods, photographs, problems, transfers
from paletteot.report.site.facts import SiteFacts, slug
from paletteot.report.site.tables import MEANINGS, Cell, Table
from paletteot.splits import RANKING

PACKAGE = "paletteot.report.site"
ASSETS = ("site.css", "site.js", "icon.svg")
SEEDS = "plan_network"
"""The start that the project this one grew from had, in its figure beside cold."""


def write(
    folder: Path,
    board: Leaderboard,
    evaluations: Mapping[str, Evaluation],
    curves: Mapping[str, pl.DataFrame],
    bootstrap: Bootstrap,
    facts: SiteFacts,
) -> None:
    """Write the site whole or not at all; the same inputs give the same bytes.

    board: of all tracks. evaluations: of each method. curves: loss history of each network. bootstrap: knows the split,
    pictures and photographs of every pair.
    """
    environment = Environment(
        loader=PackageLoader(PACKAGE), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"digits": lambda value: f"{value:,}", "breakable": breakable}
    with replacing(folder) as fresh:
        fresh.mkdir()
        for name in ASSETS:
            with as_file(files(PACKAGE) / "assets" / name) as asset:
                shutil.copyfile(asset, fresh / name)
        (fresh / "vega.js").write_text(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"), encoding="utf-8")
        (fresh / transfers.PICTURES).mkdir()
        for name in transfers.files(facts.transfers):
            shutil.copyfile(facts.transfers.folder / name, fresh / transfers.PICTURES / name)
        for path, template, words in pages(board, evaluations, curves, bootstrap, facts):
            root = "../" * path.count("/")
            text = environment.get_template(f"{template}.html.j2").render(root=root, here=path, facts=facts, **words)
            (fresh / path).parent.mkdir(exist_ok=True)
            (fresh / path).write_text(text, encoding="utf-8")


def breakable(text: str) -> Markup:
    """Return text, escaped, that may be broken after an underscore."""
    return Markup("_<wbr>").join(text.split("_"))


def pages(
    board: Leaderboard,
    evaluations: Mapping[str, Evaluation],
    curves: Mapping[str, pl.DataFrame],
    bootstrap: Bootstrap,
    facts: SiteFacts,
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, template and words of each page."""
    medians = {name: evaluations[board.medians[name]] for name in families(board) if name in board.medians}
    picked = problems.picks(medians)
    sections = list(boards.sections(board, evaluations, facts))
    yield "index.html", "index", {
        "sections": sections,
        "meanings": {name: MEANINGS[name] for one in sections for name in one.table.columns if name in MEANINGS},
        "photographs": photographs.section(photographs_board.rows(board.b, evaluations, bootstrap)),
        "ladder": None if board.ladder is None else ladder.section(board.ladder, facts),
        "seeds": seeds(medians, bootstrap),
    }  # fmt: skip
    for family in families(board):
        yield f"methods/{slug(family)}.html", "method", methods.page(family, board, medians, curves, picked, facts)
    yield "problems.html", "problems", {
        "extremes": methods.extremes(picked, ""),
        "starts": {slug(name): name for name in medians},
        "payload": problems.payload(picked, medians, board.b, bootstrap.pairs, facts.palettes),
        "chart": charts.convergence(),
    }  # fmt: skip
    yield "data.html", "data", data.page(medians, bootstrap, facts)
    yield "transfer.html", "transfer", transfers.page(facts.transfers)


def families(board: Leaderboard) -> list[str]:
    """Return every family in the order in which the ranking shows them: of Track B, then of A and C."""
    chosen = board.b.filter((pl.col("split") == RANKING) & pl.col("chosen"))
    return list(dict.fromkeys(family for track in (chosen, board.a, board.b, board.c) for family in track["family"]))


def seeds(medians: Mapping[str, Evaluation], bootstrap: Bootstrap) -> dict[str, Any]:
    """Return the seed's figure of cold and its start, where there is one, and its published numbers beside ours."""
    frames = {name: one.split(seed_view.SPLIT).iterations for name, one in medians.items()}
    order = dict.fromkeys(name for name in (BASE, SEEDS, *frames) if name in frames and len(frames[name]))
    counts = {name: frames[name]["iterations"].to_numpy() for name in order}
    drawn = {name: counts[name] for name in (BASE, SEEDS) if name in counts}
    made = [
        dict(
            zip(
                seed_view.HEADER,
                [Cell(row[0], row[0]), *(Cell(f"{int(one):,}", int(one)) for one in row[1:])],
                strict=True,
            )
        )
        for row in seed_view.rows(counts)
    ]
    sample = bootstrap.sample(frames[BASE]["pair_id"])
    caption = (
        f"Largest count of each {seed_view.BATCH} consecutive pairs of {seed_view.SPLIT}, published and ours, of "
        f"{sample.words}"
    )
    return {
        "figure": charts.seeds_figure(drawn),
        "table": Table(caption, dict.fromkeys(seed_view.HEADER, ""), made),
    }
