"""Put the committed leaderboard's headline into README.md: `python scripts/readme.py`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from paletteot.benchmark.leaderboard import RANKING_SPLIT, cells, escape

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- leaderboard -->", "<!-- /leaderboard -->"


def headline(board: pl.DataFrame) -> str:
    """Return the table of the ranking split, the columns that matter first."""
    lines = [
        f"| {RANKING_SPLIT} | ratio to cold (95 %) | better on | iterations, median | init | ms | rank |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in board.filter(pl.col("split") == RANKING_SPLIT).iter_rows(named=True):
        shown = {name: escape(text) for name, text in cells(row).items()}
        lines.append(
            "| {method} | **{ratio_median}** ({ratio_low} to {ratio_high}) | {improved_share} | {median} "
            "| {init_iterations} | {total_ms} | {rank} |".format(**shown)
        )
    return "\n".join(lines)


def filled(readme: str, board: pl.DataFrame) -> str:
    """Return the README with the table between its marks."""
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{headline(board)}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    file = ROOT / "README.md"
    file.write_text(filled(file.read_text(), pl.read_csv(ROOT / "reports" / "leaderboard.csv")))


if __name__ == "__main__":
    main()
