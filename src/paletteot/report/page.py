"""The page: one self-contained HTML file that opens from disk, offline."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import polars as pl

from paletteot.benchmark import leaderboard, seed_view

COLUMNS = (
    "method", "rank", "ratio_median", "ratio_low", "ratio_high", "improved_share", *leaderboard.FIVE, "converged",
    "init_iterations", "init_ms", "total_ms",
)  # fmt: skip
STYLE = """
:root{color-scheme:light dark;--line:#8885;--card:#fff}
body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:0 auto;padding:1rem}
p{max-width:48rem}
h1,h2{line-height:1.2}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem}
caption{text-align:left;padding:.3rem 0}
th,td{border-bottom:1px solid var(--line);padding:.25rem .45rem;text-align:right}
td{white-space:nowrap}
thead th{vertical-align:bottom}
th:first-child{text-align:left;white-space:nowrap}
.wide{overflow-x:auto}
figure{margin:1rem 0;background:var(--card);border-radius:.5rem;padding:.5rem;overflow-x:auto}
figure svg{max-width:100%;min-width:30rem;height:auto}
code{font-size:.95em}
"""


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an HTML table; every cell is escaped."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(one)}</td>" for one in row[1:]) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table><caption>{escape(caption)}'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def board_table(board: pl.DataFrame, split: str) -> str:
    """Return the leaderboard of one split, what ranks first."""
    shown = [leaderboard.cells(row) for row in board.filter(pl.col("split") == split).iter_rows(named=True)]
    header = [name.replace("_", " ") for name in COLUMNS]
    caption = f"{split}, Track A, {shown[0]['problems']} problems"
    return table(caption, header, [[row[name] for name in COLUMNS] for row in shown])


def ties(board: pl.DataFrame) -> str:
    """Return a sentence that says which methods share a rank on the ranking split."""
    shown = board.filter(pl.col("split") == leaderboard.RANKING_SPLIT)
    shared = shown.group_by("rank", maintain_order=True).agg("method").filter(pl.col("method").list.len() > 1)
    if shared.is_empty():
        return "No two methods share a rank."
    return " ".join(f"Rank {rank} is shared by {', '.join(names)}." for rank, names in shared.iter_rows())


def figure(svg: str, words: str) -> str:
    """Return a figure with a text alternative."""
    return f'<figure role="img" aria-label="{escape(words)}">{svg}</figure>'


def html(board: pl.DataFrame, figures: Sequence[tuple[str, str]], seed_rows: Sequence[Sequence[str]], made: str) -> str:
    """Return the page.

    board: the leaderboard. figures: (SVG, text alternative). seed_rows: name and five numbers. made: how it was made.
    """
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'><title>PaletteOT</title>",
        f"<style>{STYLE}</style></head><body><main><h1>PaletteOT</h1>",
        "<p>How many iterations a warm start saves the reference Sinkhorn between two palettes of CIELAB colours, to",
        "its stop (docs/protocol.md). Ratios are to the cold start of the same problem, a start's own passes included:",
        "median and 95&nbsp;% bootstrap interval over pictures; below 1 is better. Rank: one more than the number of",
        "methods whose whole interval lies below. &ge; marks a number among runs that reached the cap unconverged: a",
        "lower bound.</p>",
        "<h2>Leaderboard</h2>",
        *(board_table(board, split) for split in leaderboard.SPLITS),
        f"<p><code>{leaderboard.RANKING_SPLIT}</code> is the split that ranks: no training has seen its photographs.",
        f"{escape(ties(board))} Intervals cover the choice of pictures, not of the photographs they were cut from.",
        "Times are medians of one thread, the start included.</p>",
        "<h2>Figures</h2>",
        *(figure(svg, words) for svg, words in figures),
        "<h2>The seed's view</h2>",
        table(
            "Maximum over consecutive batches of 8 validation_seen pairs, then five numbers; for this comparison only",
            seed_view.HEADER,
            seed_rows,
        ),
        "<h2>How it was made</h2>",
        f"<p>{escape(made)}</p>",
        "<p>Again: <code>make reproduce</code>. Everything behind this page: <code>dvc metrics show</code>,",
        " <code>dvc plots show</code>, <code>reports/</code>.</p></main></body></html>",
    ]
    return "\n".join(parts)
