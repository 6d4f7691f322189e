"""The comparison in words: reports/transfer.md."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from paletteot.comparison.board import at_equal_edges, beaten, fallen
from paletteot.comparison.peers import PEERS

HEAD = """\
# Colour transfer, beside others

The colours of picture B on picture A: how near the result comes to B's colours (W1, W2: exact transport between the
palettes, LAB units), how much of A's edges and lightness it keeps (gradient SSIM, SSIM), how much of A's smooth ground
has new edges (banding), how far A's whites moved (CIEDE2000), and seconds on one of several workers. Pictures
of {pixels}.
Medians over pairs, quartiles in brackets. `src/paletteot/comparison/measures.py` defines each measure; this page is
made by `dvc repro transfer`. Ours: `hard` and `smooth_SIGMA` (LAB) move everything, as all others do;
`smooth_SIGMA_kept` keeps the greys that both pictures have, as is the default. On the front is what no other is as good
as on both W1 and gradient SSIM, and better on one; ours with greys kept and ours without are not held against each
other.
"""


def page(
    tables: Mapping[str, tuple[pl.DataFrame, pl.DataFrame]],
    shown: pl.DataFrame,
    credits: Mapping[str, str],
    default: str,
    pixels: str,
) -> str:
    """Return the page.

    tables: title -> the measures and board of its pairs, the first of which the figure and the front are of. shown: the
    worst pairs of ours, of the method ``default``. credits: whose each of their pictures is, and its licence.
    pixels: how large the pictures are, in words.
    """
    parts = [HEAD.format(pixels=pixels)]
    for number, (title, (measures, board)) in enumerate(tables.items()):
        parts += [f"## {title}\n", _table(board)]
        if not number:
            parts += ["![W1 against gradient SSIM](transfer/front.png)\n"]
        parts += [_front(board), _equal(board), _fell(measures)]
        if not number:
            parts += ["### Five-number summaries\n", _five(measures, board)]
    parts += [_failures(shown, credits, default), _peers()]
    return "\n".join(part for part in parts if part)


def _table(board: pl.DataFrame) -> str:
    lines = [
        "| method | pairs | W1 | W2 | gradient SSIM | SSIM | banding | whites moved | s | front |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in board.iter_rows(named=True):
        cells = [
            _three(row, "w1", 1), _three(row, "w2", 1), _three(row, "gradient_ssim", 3), _three(row, "ssim", 3),
            _share(row, "banding"), _three(row, "neutrals_moved", 1), f"{row['seconds']:.2f}",
            "yes" if row["front"] else "",
        ]  # fmt: skip
        name = f"**{row['method']}**" if row["ours"] else row["method"]
        lines.append(f"| {name} | {row['pairs']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _three(row: Mapping[str, float | None], name: str, digits: int) -> str:
    middle, low, high = (row[f"{name}{end}"] for end in ("", "_q1", "_q3"))
    if middle is None or low is None or high is None:
        return ""
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _share(row: Mapping[str, float], name: str) -> str:
    return f"{row[name]:.2%} ({row[f'{name}_q1']:.2%} to {row[f'{name}_q3']:.2%})"


def _front(board: pl.DataFrame) -> str:
    on = ", ".join(board.filter("front")["method"])
    mine, own = board.filter("ours"), board.filter(pl.col("ours") & pl.col("front"))
    said = f"On the front of W1 and gradient SSIM, medians: {on}; {len(own)} of our {len(mine)}."
    pairs = beaten(board)
    if not pairs:
        return f"{said} No peer is better than any of ours on both.\n"
    named = "; ".join(f"{peer} than {one}" for peer, one in pairs)
    return f"{said} **Better than ours on both: {named}.**\n"


def _equal(board: pl.DataFrame) -> str:
    rows = at_equal_edges(board)
    if rows.is_empty():
        return ""
    least = rows.row(0, named=True)
    lines = [
        "Our W1 at each peer's gradient SSIM, between the two of ours around it; of a peer that keeps less than any of "
        "ours, beside our `hard`; none of a peer that keeps more. Against the best peer, "
        f"{least['method']}: {least['change']:+.1%}.\n",
        "| peer | gradient SSIM | its W1 | our W1 | change |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['method']} | {row['gradient_ssim']:.3f} | {row['w1']:.1f} | {row['ours_w1']:.1f} "
        f"| {row['change']:+.1%} |"
        for row in rows.iter_rows(named=True)
    ]
    return "\n".join(lines) + "\n"


def _fell(measures: pl.DataFrame) -> str:
    rows = fallen(measures)
    if rows.is_empty():
        return ""
    lines = [
        f"- {row['method']}, {row['pairs']} pairs: {_harmless(row['fallen'])}" for row in rows.iter_rows(named=True)
    ]
    return "Without a result:\n\n" + "\n".join(lines) + "\n"


def _harmless(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _five(measures: pl.DataFrame, board: pl.DataFrame) -> str:
    lines = ["| method | W1: min, Q1, median, Q3, max | gradient SSIM: min, Q1, median, Q3, max |", "|---|---|---|"]
    for method in board["method"]:
        own = measures.filter((pl.col("method") == method) & pl.col("w1").is_not_null())
        cells = []
        for name, digits in (("w1", 1), ("gradient_ssim", 3)):
            ends = [own[name].quantile(share, "linear") for share in (0, 0.25, 0.5, 0.75, 1)]
            cells.append(", ".join(f"{value:.{digits}f}" for value in ends))
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _failures(shown: pl.DataFrame, credits: Mapping[str, str], default: str) -> str:
    lines = [
        "## Where ours fails\n",
        f"The pairs farthest from B's colours and with the least of A's edges, `{default}`: A, B, result.\n",
        "![Worst pairs](transfer/worst.jpg)\n",
        "| row | A | B | kind | W1 | gradient SSIM | banding |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [
        f"| {number} | {row['source']} | {row['target']} | {row['kind']} | {row['w1']:.1f} "
        f"| {row['gradient_ssim']:.3f} | {row['banding']:.2%} |"
        for number, row in enumerate(shown.iter_rows(named=True), 1)
    ]
    lines += ["", "Whose the pictures are; what was made of one under a ShareAlike licence is under it too:", ""]
    lines += [f"- {name}: {_harmless(words)}" for name, words in credits.items()]
    return "\n".join(lines) + "\n"


def _peers() -> str:
    lines = ["## Who else\n", "| peer | done by | source |", "|---|---|---|"]
    lines += [f"| {one.name} | {one.package} {one.version} | {one.citation} |" for one in PEERS.values()]
    return "\n".join([
        *lines, "",
        "`distribution_transfer` is the published algorithm in a few lines of ours on SciPy's rotations. Not met: "
        "python-color-transfer 0.1.2a0, which wants NumPy 1, and ColorTransferLib 1.0, which wants open3d, TensorFlow "
        "and dlib of 2023; neither installs beside the rest.", "",
    ])  # fmt: skip
