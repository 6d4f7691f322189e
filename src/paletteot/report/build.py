"""Write everything people look at."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import altair as alt
import polars as pl
import vl_convert
from PIL import Image

from paletteot.benchmark import leaderboard, seed_view
from paletteot.benchmark.results import Evaluation
from paletteot.files import replacing, write_json, write_text
from paletteot.report import dvc_html, figures, page


def build(
    evaluations: Mapping[str, Evaluation],
    pairs: pl.DataFrame,
    curves: Mapping[str, pl.DataFrame],
    *,
    bootstrap: int,
    seed: int,
    made: str,
    folder: Path,
) -> pl.DataFrame:
    """Write metrics, leaderboard, figures, the data of DVC's plots and the page; returns the leaderboard.

    evaluations: of each method. pairs: the table PAIRS. curves: loss history of each learned method. bootstrap, seed:
    of the intervals. made: how the figures came about, for the page. folder: where the report lies.
    Raises DataError when evaluations, pairs or curves do not fit each other, before anything is written.
    """
    board = leaderboard.rows(evaluations, pairs, bootstrap=bootstrap, seed=seed)
    seen = {name: one.split(seed_view.SPLIT).iterations["iterations"] for name, one in evaluations.items()}
    seed_rows = seed_view.rows(seen)
    charts = draw(evaluations, board, curves)
    write_json(folder / "metrics.json", {**leaderboard.metrics(board), "seed_view": seed_view.metrics(seen)})
    write_text(folder / "leaderboard.md", leaderboard.to_markdown(board))
    write_text(folder / "leaderboard.csv", leaderboard.to_csv(board))
    write_text(folder / "seed_view.md", seed_view.to_markdown(seed_rows))
    write_text(folder / "plots" / "iterations.csv", plot_data(evaluations).write_csv())
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
    evaluations: Mapping[str, Evaluation], board: pl.DataFrame, curves: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[alt.TopLevelMixin, str]]:
    """Return each chart with its text alternative, by the name of its file; a method's name is quoted as in an URL."""
    charts = {"ratios": (figures.intervals(board), figures.interval_words(board))}
    for method in evaluations:
        if method != leaderboard.BASE:
            title = f"Histogram of iterations, {method} against {leaderboard.BASE}; minimum, quartiles and maximum"
            words = "; ".join([title, *figures.summaries(evaluations, method)])
            charts[f"iterations_{quote(method, safe='')}"] = (figures.histogram(evaluations, method), words)
    for method, history in curves.items():
        words = f"Loss of {method} on training and validation pairs at the end of each epoch"
        charts[f"loss_{quote(method, safe='')}"] = (figures.curves(method, history), words)
    return charts


def plot_data(evaluations: Mapping[str, Evaluation]) -> pl.DataFrame:
    """Return what DVC draws a histogram of: start, iterations (a bin's low end), high and problems.

    On the ranking split, the start's own passes included.
    """
    frames = []
    for method, one in evaluations.items():
        bars = figures.binned(one.split(leaderboard.RANKING_SPLIT).counts).rename({"low": "iterations"})
        frames.append(bars.select(pl.lit(method).alias("start"), pl.all()))
    return pl.concat(frames)
