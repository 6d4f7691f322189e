"""The page: one self-contained HTML file that opens from disk, offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import polars as pl

from paletteot.benchmark import board_a, board_b, board_c, leaderboard, rival, seed_view, tables
from paletteot.benchmark.leaderboard import Leaderboard
from paletteot.benchmark.protocol import BASE, CHOICE_SPLIT, RANKING_SPLIT

A_COLUMNS = (
    "family", "rank", *board_a.RATIO, "improved_share", *board_a.FIVE, "converged", "fallbacks",
    "init_iterations", "init_ms", "total_ms", "seeds",
)  # fmt: skip
B_COLUMNS = tuple(name for name in board_b.COLUMNS if name not in (*leaderboard.HIDDEN, "split", "rank", "kernel_only"))
C_COLUMNS = tuple(name for name in board_c.COLUMNS if name not in leaderboard.HIDDEN)
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


def track_a(board: pl.DataFrame, split: str) -> str:
    """Return Track A's board of one split, what ranks first."""
    rows = _of(board, split)
    caption = f"{split}, Track A, {rows['problems'][0]} problems"
    return _columns(caption, A_COLUMNS, [board_a.cells(row) for row in rows.iter_rows(named=True)])


def track_b(board: pl.DataFrame) -> str:
    """Return Track B's headline, and every start under every acceleration of each split."""
    rows = board_b.headline(board)
    caption = f"{RANKING_SPLIT}, Track B, {rows['problems'][0]} problems, accelerations chosen on {CHOICE_SPLIT}"
    parts = [table(caption, board_b.HEADER, board_b.headline_rows(board))]
    for split in board_b.SPLITS:
        cells = [tables.cells(row, board_b.FORMATS) for row in _of(board, split).iter_rows(named=True)]
        grid = _columns(f"{split}, Track B, every start under every acceleration", B_COLUMNS, cells)
        parts.append(f"<details><summary>Every acceleration, {split}</summary>{grid}</details>")
    return "\n".join(parts)


def track_c(board: pl.DataFrame) -> str:
    """Return Track C's board, the fastest first."""
    cells = [tables.cells(row, board_c.FORMATS) for row in board.filter("shown").iter_rows(named=True)]
    return _columns("Track C, damped Newton to an L1 marginal error of 1e-9", C_COLUMNS, cells)


def _of(board: pl.DataFrame, split: str) -> pl.DataFrame:
    return board.filter(pl.col("shown") & (pl.col("split") == split))


def _columns(caption: str, names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    header = [name.replace("_", " ") for name in names]
    return table(caption, header, [[row[name] for name in names] for row in rows])


def ties(board: pl.DataFrame) -> str:
    """Return a sentence that says which starts share a rank on the ranking split, in a board of Track A or B."""
    shown = _of(board, RANKING_SPLIT).drop_nulls("rank")
    shared = shown.group_by("rank", maintain_order=True).agg("family").filter(pl.col("family").list.len() > 1)
    if shared.is_empty():
        return "No two starts share a rank."
    return " ".join(f"Rank {rank} is shared by {', '.join(names)}." for rank, names in shared.iter_rows())


def duel(board: Leaderboard) -> str:
    """Return a sentence on the best learned start and its rival, or nothing."""
    return f" Rival: {rival.words(board.duel)}." if board.duel else ""


def figure(svg: str, words: str) -> str:
    """Return a figure with a text alternative."""
    return f'<figure role="img" aria-label="{escape(words)}">{svg}</figure>'


def html(board: Leaderboard, figures: Sequence[tuple[str, str]], seed_rows: Sequence[Sequence[str]], made: str) -> str:
    """Return the page.

    board: of all tracks. figures: (SVG, text alternative). seed_rows: name and five numbers. made: how it was made.
    """
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width,initial-scale=1'><title>PaletteOT</title>",
        f"<style>{STYLE}</style></head><body><main><h1>PaletteOT</h1>",
        "<p>How many iterations a warm start saves Sinkhorn between two palettes of CIELAB colours (docs/protocol.md).",
        f"Ratios are to {BASE} on the same problem, a start's own passes included: median and 95&nbsp;% bootstrap",
        "interval over pictures; below 1 is better. Rank: one more than the number of starts whose whole interval lies",
        "below. A run that did not converge stands as the cap and is a failure; so is a start that was not finite or",
        "absurd and fell back to cold. Of several seeds of a network the median one is shown; seeds has all.",
        f"<code>{RANKING_SPLIT}</code> is the split that ranks: no training has seen its photographs. Intervals cover",
        "the choice of pictures, not of the photographs they were cut from. Times are medians of one thread, the start",
        "included.</p>",
        "<h2>Track B: starts with acceleration</h2>",
        "<p>Iterations to an L1 marginal error of 1e-5 and of 1e-9, as a share of plain Sinkhorn from cold to the same",
        "error; ranked at 1e-5. Iterations and worst ratios: to one / to the other. Time and failures: to 1e-9.</p>",
        track_b(board.b),
        f"<p>{escape(ties(board.b.filter('chosen')))}{escape(duel(board))}</p>",
        "<h2>Track A: starts</h2>",
        "<p>Iterations of the reference Sinkhorn to its stop. &ge; marks a number among runs that reached the cap",
        "unconverged: a lower bound.</p>",
        *(track_a(board.a, split) for split in board_a.SPLITS),
        f"<p>{escape(ties(board.a))}</p>",
        "<h2>Track C: starts in front of Newton</h2>",
        track_c(board.c),
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
