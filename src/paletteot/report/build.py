"""Write everything people look at."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import altair as alt
import polars as pl
import vl_convert
from PIL import Image

from paletteot.benchmark import leaderboard, seed_view
from paletteot.benchmark.leaderboard import Leaderboard
from paletteot.benchmark.pictures import Pictures
from paletteot.benchmark.protocol import BASE, RANKING_SPLIT
from paletteot.benchmark.results import Evaluation
from paletteot.files import replacing, write_json, write_text
from paletteot.report import dvc_html, figures, headline, page


def build(
    evaluations: Mapping[str, Evaluation],
    pictures: Pictures,
    curves: Mapping[str, pl.DataFrame],
    *,
    learned: Collection[str],
    off_kernel: Collection[str],
    made: str,
    folder: Path,
) -> Leaderboard:
    """Write metrics, leaderboard, figures, the data of DVC's plots and the page; returns the leaderboard.

    evaluations: of each method. pictures: of each pair, for the intervals. curves: loss history of each network.
    learned, off_kernel: families that know something from data, and that use more than passes over the kernel. made:
    how the figures came about, for the page. folder: where the report lies. Figures are of each family's median seed.
    Raises DataError when evaluations, pairs or curves do not fit each other, before anything is written.
    """
    board = leaderboard.make(evaluations, pictures, learned=learned, off_kernel=off_kernel)
    medians = {family: evaluations[method] for family, method in board.medians.items()}
    views = {name: one.split(seed_view.SPLIT).iterations["iterations"] for name, one in medians.items()}
    seen = {name: counts for name, counts in views.items() if len(counts)}  # what was submitted may lack this split
    seed_rows = seed_view.rows(seen)
    charts = draw(medians, board, curves)
    write_json(folder / "metrics.json", {**leaderboard.metrics(board), "seed_view": seed_view.metrics(seen)})
    write_text(folder / "leaderboard.md", leaderboard.to_markdown(board))
    for name, text in leaderboard.to_csv(board).items():
        write_text(folder / f"{name}.csv", text)
    if board.ladder is not None:
        write_text(folder / "ladder.csv", board.ladder.write_csv(float_precision=6))
    write_text(folder / "seed_view.md", seed_view.to_markdown(seed_rows))
    write_text(folder / "plots" / "iterations.csv", plot_data(medians).write_csv())
    write_text(folder / "plots" / "offline.html", dvc_html.offline_template())

    specs = {name: (chart.to_json(), words) for name, (chart, words) in charts.items()}
    with replacing(folder / "figures") as fresh:
        fresh.mkdir()
        for name, (spec, _) in specs.items():
            with Image.open(BytesIO(vl_convert.vegalite_to_png(spec, scale=2))) as image:
                image.convert("RGB").save(fresh / f"{name}.png", optimize=True)  # an eighth of the size
    drawn = [(vl_convert.vegalite_to_svg(spec), words) for spec, words in specs.values()]
    write_text(folder / "index.html", page.html(board, drawn, seed_rows, made))
    return board


def draw(
    medians: Mapping[str, Evaluation], board: Leaderboard, curves: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[alt.TopLevelMixin, str]]:
    """Return each chart with its text alternative, by the name of its file; a method's name is quoted as in an URL.

    medians: the evaluation that stands for each family.
    """
    charts: dict[str, tuple[alt.TopLevelMixin, str]] = {
        "headline": (headline.chart(board.b), headline.words(board.b)),
        "ratios": (figures.intervals(board.a), figures.interval_words(board.a)),
    }
    for method in medians:
        if method != BASE:
            title = f"Histogram of iterations, {method} against {BASE}; minimum, quartiles and maximum"
            words = "; ".join([title, *figures.summaries(medians, method)])
            charts[f"iterations_{quote(method, safe='')}"] = (figures.histogram(medians, method), words)
    for method, history in curves.items():
        words = f"Loss of {method} on training and validation pairs at the end of each epoch"
        charts[f"loss_{quote(method, safe='')}"] = (figures.curves(method, history), words)
    return charts


def plot_data(medians: Mapping[str, Evaluation]) -> pl.DataFrame:
    """Return what DVC draws a histogram of: start, iterations (a bin's low end), high and problems.

    On the ranking split, the start's own passes included.
    """
    frames = []
    for method, one in medians.items():
        bars = figures.binned(one.split(RANKING_SPLIT).counts).rename({"low": "iterations"})
        frames.append(bars.select(pl.lit(method).alias("start"), pl.all()))
    return pl.concat(frames)
