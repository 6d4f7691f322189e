"""Write everything people look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import altair as alt
import polars as pl
import vl_convert

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
    """
    board = leaderboard.rows(evaluations, pairs, bootstrap=bootstrap, seed=seed)
    seen = {name: one.split(seed_view.SPLIT).iterations["iterations"] for name, one in evaluations.items()}
    seed_rows = seed_view.rows(seen)
    write_json(folder / "metrics.json", {**leaderboard.metrics(board), "seed_view": seed_view.metrics(seen)})
    write_text(folder / "leaderboard.md", leaderboard.to_markdown(board))
    write_text(folder / "leaderboard.csv", board.write_csv(float_precision=6))
    write_text(folder / "seed_view.md", seed_view.to_markdown(seed_rows))
    write_text(folder / "plots" / "iterations.csv", plot_data(evaluations).write_csv())
    write_text(folder / "plots" / "offline.html", dvc_html.offline_template())

    charts: dict[str, tuple[alt.TopLevelMixin, str]] = {
        "ratios": (
            figures.intervals(board),
            "Median ratio of iterations to cold and its 95 % interval, for each method",
        )
    }
    for method in evaluations:
        if method != leaderboard.BASE:
            words = f"Histogram of the iterations of {method} against {leaderboard.BASE}"
            charts[f"iterations_{method}"] = (figures.histogram(evaluations, method), words)
    for method, history in curves.items():
        charts[f"loss_{method}"] = (figures.curves(method, history), f"Loss curves of {method}")
    drawn = []
    for name, (chart, words) in charts.items():
        spec = chart.to_json()
        with replacing(folder / "figures" / f"{name}.png") as fresh:
            fresh.write_bytes(vl_convert.vegalite_to_png(spec, scale=2))
        drawn.append((vl_convert.vegalite_to_svg(spec), words))
    write_text(folder / "index.html", page.html(board, drawn, seed_rows, made))
    return board


def plot_data(evaluations: Mapping[str, Evaluation]) -> pl.DataFrame:
    """Return what DVC draws a histogram of: start and iterations on the ranking split, the start's own included."""
    frames = {method: one.split(leaderboard.RANKING_SPLIT).iterations for method, one in evaluations.items()}
    total = (pl.col("iterations") + pl.col("init_iterations")).alias("iterations")
    return pl.concat([frame.select(pl.lit(method).alias("start"), total) for method, frame in frames.items()])
