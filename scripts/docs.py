"""Fill in what README and docs take from the schema and the committed report: `python scripts/docs.py`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from paletteot.benchmark.leaderboard import RANKING_SPLIT, cells, escape
from paletteot.dataset import schema

ROOT = Path(__file__).resolve().parent.parent


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


def tables(k: int = 128) -> str:
    """Return the columns of every table of a release."""
    return "\n".join(f"### {name}\n\n{schema.markdown(table)}" for name, table in schema.released(k).items()).rstrip()


def filled(text: str, mark: str, content: str) -> str:
    """Return a page with the content between ``<!-- mark -->`` and ``<!-- /mark -->``."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


def pages() -> dict[Path, str]:
    """Return what each page must say."""
    board = pl.read_csv(ROOT / "reports" / "leaderboard.csv")
    readme, data = ROOT / "README.md", ROOT / "docs" / "data.md"
    return {
        readme: filled(readme.read_text(), "leaderboard", headline(board)),
        data: filled(data.read_text(), "columns", tables()),
    }


def main() -> None:
    for page, text in pages().items():
        page.write_text(text)


if __name__ == "__main__":
    main()
