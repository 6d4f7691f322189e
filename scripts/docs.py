"""Fill in what README and docs take from the schema and the committed report: `python scripts/docs.py`."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.boards import starts as starts_board
from paletteot.benchmark.boards.markdown import escape, markdown_table
from paletteot.benchmark.sample import Sample, warning_of, words_of
from paletteot.dataset import schema
from paletteot.project.parameters import load_params
from paletteot.splits import RANKING
from paletteot.tables import columns_markdown

ROOT = Path(__file__).resolve().parent.parent
CHOOSING, ACCELERATION, RIVAL = "validation_unseen", "anderson_20", "gaussian_schedule_6"


FIGURE = "![Iterations of each start, as a share of plain Sinkhorn from cold](reports/figures/headline.png)"
"""The first figure of README."""


def block(reports: Path) -> str:
    """Return what README says of a report: Track B with its rival, then Track A."""
    boards = {name: pl.read_csv(reports / f"{name}.csv", glob=False) for name in ("accelerated", "leaderboard")}
    rival = re.search(r"^Rival: .*$", (reports / "leaderboard.md").read_text(), re.M)
    parts = [
        FIGURE,
        track_b(boards["accelerated"]),
        *([rival[0]] if rival else []),
        "A start alone, then the reference iteration to its stop (Track A):",
        track_a(boards["leaderboard"]),
    ]
    return "\n\n".join(parts)


def track_b(board: pl.DataFrame) -> str:
    """Return the headline: each start under its acceleration."""
    left_out = [accelerated_board.HEADER.index(name) for name in ("failures", "rank", "seeds")]
    table = [list(accelerated_board.HEADER), *accelerated_board.headline_rows(board)]
    header, *rows = [[text for place, text in enumerate(line) if place not in left_out] for line in table]
    return f"{rests_on(accelerated_board.headline(board))}\n\n{markdown_table(header, rows)}"


def rests_on(board: pl.DataFrame) -> str:
    """Return a line that says of how many problems and photographs the rows of a board are."""
    return escape(". ".join(filter(None, (words_of(board), warning_of(board)))) + ".")


def track_a(board: pl.DataFrame) -> str:
    """Return the ranking split of Track A, the columns that matter first."""
    shown_rows = board.filter(pl.col("shown") & (pl.col("split") == RANKING))
    lines = [
        rests_on(shown_rows),
        "",
        "| start | ratio to cold (95 %) | better on | iterations, median | init | ms | rank |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in shown_rows.iter_rows(named=True):
        shown = {name: escape(text) for name, text in starts_board.cells(row).items()}
        shown["ends"] = "" if Sample.of(row).few else " ({ratio_low} to {ratio_high})".format(**shown)
        lines.append(
            "| {family} | **{ratio_median}**{ends} | {improved_share} | {median} "
            "| {init_iterations} | {total_ms} | {rank} |".format(**shown)
        )
    return "\n".join(lines)


def training(reports: Path) -> str:
    """Return how well each network learned and what its start leaves, by seed, on validation_unseen."""
    board = pl.read_csv(reports / "accelerated.csv", glob=False).filter(
        pl.col("split") == CHOOSING, pl.col("acceleration") == ACCELERATION
    )
    known = {row["method"]: row for row in board.iter_rows(named=True)}
    rival = known[RIVAL]
    rows = []
    for file in sorted((reports / "curves").glob("*.csv")):
        history = pl.read_csv(file, glob=False)
        settings = load_params(ROOT / "params.yaml").train.networks[file.stem]
        seeds = history["seed"].unique(maintain_order=True).to_list()
        losses = [history.filter(pl.col("seed") == seed)[f"{CHOOSING}_loss"].min() for seed in seeds]
        start = f"{file.stem}_kept" if settings.architecture == "plan" else file.stem
        found = [known.get(f"{start}-{seed}") for seed in seeds]
        rows.append(
            [
                start, f"{settings.epochs} x {settings.pairs}", ", ".join(f"{loss:.2f}" for loss in losses),
                " / ".join(_passes(one) for one in found if one),
            ]
        )  # fmt: skip
    said = (
        f"By seed ({', '.join(map(str, seeds))}): the loss on `{CHOOSING}`, labelled, for networks of potentials the "
        f"mean logarithm of the error in LAB units; and on its first {rival['problems']} problems, of "
        f"{rival['photographs']} photographs, the median passes to 1e-5 and 1e-9 under {ACCELERATION}, own passes "
        f"included, where {RIVAL} needs {_passes(rival)}:"
    )
    return f"{said}\n\n{markdown_table(['network', 'epochs x pairs', 'loss', 'passes'], rows)}"


def _passes(row: dict[str, float]) -> str:
    return ", ".join(f"{row[f'iterations_{stop}']:g}" for stop in ("1e-5", "1e-9"))


def tables(k: int = 128) -> str:
    """Return the columns of every table of a release."""
    return "\n".join(f"### {name}\n\n{columns_markdown(table)}" for name, table in schema.released(k).items()).rstrip()


def filled(text: str, mark: str, content: str) -> str:
    """Return a page with the content between ``<!-- mark -->`` and ``<!-- /mark -->``."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


def pages() -> dict[Path, str]:
    """Return what each page must say."""
    readme, data, starts = ROOT / "README.md", ROOT / "docs" / "data.md", ROOT / "docs" / "warm-starts.md"
    return {
        starts: filled(starts.read_text(), "training", training(ROOT / "reports")),
        readme: filled(readme.read_text(), "leaderboard", block(ROOT / "reports")),
        data: filled(data.read_text(), "columns", tables()),
    }


def main() -> None:
    for page, text in pages().items():
        page.write_text(text)


if __name__ == "__main__":
    main()
