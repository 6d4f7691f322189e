"""Write everything people look at."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import altair as alt
import polars as pl
import vl_convert
from PIL import Image

from paletteot.benchmark.boards import leaderboard, seed_view
from paletteot.benchmark.boards.leaderboard import Leaderboard
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.files import replacing, write_json, write_text
from paletteot.report import dvc_html, figures, headline
from paletteot.report.site import build as site
from paletteot.report.site.facts import SiteFacts, slug
from paletteot.splits import RANKING


def build(
    evaluations: Mapping[str, Evaluation],
    bootstrap: Bootstrap,
    curves: Mapping[str, pl.DataFrame],
    facts: SiteFacts,
    folder: Path,
) -> Leaderboard:
    """Write metrics, leaderboard, figures, the data of DVC's plots and the site; returns the leaderboard.

    evaluations: of each method. bootstrap: of each pair, for the intervals. curves: loss history of each network.
    facts: what the site says beside the figures.
    folder: where the report lies. Figures are of each family's median seed. Raises DataError when evaluations, pairs or
    curves do not fit each other, before anything is written.
    """
    facts = facts.of(evaluations)
    board = leaderboard.make(evaluations, bootstrap, facts.refused)
    medians = {family: evaluations[method] for family, method in board.medians.items()}
    views = {name: one.split(seed_view.SPLIT).iterations["iterations"] for name, one in medians.items()}
    seen = {name: counts for name, counts in views.items() if len(counts)}  # what was submitted may lack this split
    seed_rows = seed_view.rows(seen)
    sample = bootstrap.sample(evaluations[BASE].split(seed_view.SPLIT).iterations["pair_id"])
    charts = draw(medians, board, curves)
    write_json(folder / "metrics.json", {**leaderboard.metrics(board), "seed_view": seed_view.metrics(seen, sample)})
    write_text(folder / "leaderboard.md", leaderboard.to_markdown(board))
    for name, text in leaderboard.to_csv(board).items():
        write_text(folder / f"{name}.csv", text)
    if board.ladder is not None:
        write_text(folder / "ladder.csv", board.ladder.write_csv(float_precision=6))
    write_text(folder / "seed_view.md", seed_view.to_markdown(seed_rows, sample))
    write_text(folder / "plots" / "iterations.csv", plot_data(medians).write_csv())
    write_text(folder / "plots" / "losses.csv", losses(curves).write_csv())
    write_text(folder / "plots" / "offline.html", dvc_html.offline_template())

    specs = {name: chart.to_json() for name, chart in charts.items()}
    with replacing(folder / "figures") as fresh:
        fresh.mkdir()
        for name, spec in specs.items():
            with Image.open(BytesIO(vl_convert.vegalite_to_png(spec, scale=2))) as image:
                image.convert("RGB").save(fresh / f"{name}.png", optimize=True)  # an eighth of the size
        for one in facts.transfers.examples:
            shutil.copyfile(facts.transfers.folder / one.sheet, fresh / one.sheet)
    site.write(folder / "site", board, evaluations, curves, bootstrap, facts)
    return board


def draw(
    medians: Mapping[str, Evaluation], board: Leaderboard, curves: Mapping[str, pl.DataFrame]
) -> dict[str, alt.TopLevelMixin]:
    """Return each chart that becomes a picture, by the name of its file.

    medians: the evaluation that stands for each family.
    """
    charts: dict[str, alt.TopLevelMixin] = {"headline": headline.chart(board.b), "ratios": figures.intervals(board.a)}
    for method in medians:
        if method != BASE:
            charts[f"iterations_{slug(method)}"] = figures.histogram(medians, method)
    for method, history in curves.items():
        charts[f"loss_{slug(method)}"] = figures.curves(method, history)
    return charts


def plot_data(medians: Mapping[str, Evaluation]) -> pl.DataFrame:
    """Return what DVC draws a histogram of: start, iterations (a bin's low end), high and problems.

    On the ranking split, the start's own passes included.
    """
    frames = []
    for method, one in medians.items():
        bars = figures.binned(one.split(RANKING).counts).rename({"low": "iterations"})
        frames.append(bars.select(pl.lit(harmless(method)).alias("start"), pl.all()))
    return pl.concat(frames)


def losses(curves: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return what DVC draws the trainings of: network, seed, epoch, split and loss, of every network in one table."""
    long = [
        history.unpivot(index=["seed", "epoch"], variable_name="split", value_name="loss").select(
            pl.lit(harmless(name)).alias("network"), "seed", "epoch", pl.col("split").str.strip_suffix("_loss"), "loss"
        )
        for name, history in curves.items()
    ]
    columns = {"network": pl.String, "seed": pl.Int64, "epoch": pl.Int64, "split": pl.String, "loss": pl.Float64}
    return pl.concat(long) if long else pl.DataFrame(schema=columns)


def harmless(name: str) -> str:
    """Return a name that runs nothing where DVC puts it into a page as it is, nor in a spreadsheet."""
    shown = name.replace("<", "‹")
    return f"'{shown}" if re.match(r"\s*[=+\-@]", shown) else shown
