"""The leaderboard: the boards of the three tracks, as a page and as numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.boards import ladder, markdown, rival
from paletteot.benchmark.boards import newton as newton_board
from paletteot.benchmark.boards import starts as starts_board
from paletteot.benchmark.boards.families import who_ties
from paletteot.benchmark.boards.rival import Duel
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE, TOLERANCES
from paletteot.benchmark.records.evaluation import Evaluation, Origin
from paletteot.benchmark.sample import warning_of, words_of
from paletteot.splits import CHOICE, RANKING

Cells = Callable[[Mapping[str, object]], Mapping[str, str]]
"""From a row of a board its values as people see them."""
Metrics = dict[str, dict[str, float]]
COMMIT = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28}\b")
"""A commit, of which the page shows twelve digits."""

ORIGIN = ("start", "made by", "data", "code", "machine", "seconds", "MLflow run")
HIDDEN = ("method", "track", "shown", "label_like")
"""Columns of the CSV that the page leaves out: a row of it is a family's."""


@dataclass(frozen=True)
class Leaderboard:
    """The boards of Tracks A, B and C with a row for every seed, and the best learned start against the rival.

    origins: where the rows of each method come from. refused: records of guests that do not stand, and why.
    """

    a: pl.DataFrame
    b: pl.DataFrame
    c: pl.DataFrame
    duel: Duel | None
    ladder: pl.DataFrame | None
    origins: Mapping[str, Origin]
    refused: Mapping[str, str]

    @property
    def medians(self) -> dict[str, str]:
        """Each family, in the order of its rank in Track A, and the method that stands for it there."""
        return dict(_shown(self.a, RANKING).select("family", "method").iter_rows())


def make(
    evaluations: Mapping[str, Evaluation], bootstrap: Bootstrap, refused: Mapping[str, str] | None = None
) -> Leaderboard:
    """Return the leaderboard.

    evaluations: of each method. refused: records of guests that do not stand, and why. Raises DataError where
    evaluations and pairs do not fit each other.
    """
    b = accelerated_board.rows(evaluations, bootstrap)
    made = Leaderboard(
        starts_board.rows(evaluations, bootstrap), b, newton_board.rows(evaluations, bootstrap),
        rival.meet(b, evaluations, bootstrap), None,
        {name: one.origin for name, one in evaluations.items()}, refused or {},
    )  # fmt: skip
    climbed = {name: evaluations[method].ladder for name, method in made.medians.items()}
    ladders = {name: frame for name, frame in climbed.items() if len(frame)}
    return replace(made, ladder=ladder.board(ladders, bootstrap)) if BASE in ladders else made


def to_markdown(board: Leaderboard) -> str:
    """Return the leaderboard as a Markdown page: a row for each family."""
    lines = [
        "# Leaderboard",
        "",
        "One row for each start; of one trained with several seeds that of the median seed, and *seeds* shows all.",
        "Ratios are paired: median and 95 % bootstrap interval over the photographs on both sides of a pair, those",
        "of one series together; the start's own passes are included. *photographs*: how many the problems are of;",
        "*groups*: how many of these are independent. Rank: one more than the number of starts that are better, by",
        "comparisons of every two starts on the same problems that hold all together with 95 %; where those decide",
        "nothing, two starts tie. A run that did not converge stands as the cap and is a failure; so is a start that",
        "was not finite or absurd and fell back to cold. Times are medians, one thread, start included.",
        f"`{RANKING}` is the split that ranks (docs/protocol.md).",
        "",
        "## Track B: starts with acceleration",
        "",
        f"Iterations to an L1 marginal error of {' and '.join(TOLERANCES)}, as a share of plain Sinkhorn from `{BASE}`",
        f"to the same error; ranked at {accelerated_board.LOOSE}. The acceleration of each start was chosen on",
        f"`{CHOICE}`, by the product of both ratios.",
        "Iterations and worst ratios: to the one error / to the other. Time and failures: to the smaller error.",
        "",
        *_rests_on(accelerated_board.headline(board.b)),
        markdown.markdown_table(accelerated_board.HEADER, accelerated_board.headline_rows(board.b)),
        "",
        _ties(accelerated_board.headline(board.b)),
        *like_labels(accelerated_board.headline(board.b)),
        "",
        *([f"Rival: {markdown.escape(rival.words(board.duel))}.", ""] if board.duel else []),
        "## Track A: starts",
        "",
        f"Iterations of the reference Sinkhorn to its stop; ratio to `{BASE}`. ≥: some runs reached the cap without",
        "converging, and the number is a lower bound.",
        "",
        *_rests_on(_shown(board.a, RANKING)),
        markdown.markdown_table(*a_rows(board.a.filter(pl.col("shown")).drop("ties"))),
        "",
        _ties(_shown(board.a, RANKING)),
        *like_labels(_shown(board.a, RANKING)),
        "",
        *(ladder_lines(board.ladder) if board.ladder is not None else []),
        "## Track C: starts in front of Newton",
        "",
        "Damped Newton to an L1 marginal error of 1e-9, the fastest first.",
        "",
        _table(board.c.filter(pl.col("shown")), partial(markdown.cells, formats=newton_board.FORMATS), ()),
        "",
        "## Track B: every start under every acceleration",
        "",
        _table(
            board.b.filter(pl.col("shown")), accelerated_board.shown_cells, ("learned", "kernel_only", "rank", "ties")
        ),
        "",
        "## Where the rows come from",
        "",
        "Who made it, where that is not this package; version of the data; commit of the code that judged it; machine",
        "that it was timed on; MLflow run of its weights. Seconds of a start that was not run here are *claimed*.",
        "",
        markdown.markdown_table(ORIGIN, origin_rows(board)),
        *refused_lines(board.refused),
    ]
    return "\n".join(lines) + "\n"


def ladder_lines(made: pl.DataFrame) -> list[str]:
    """Return the section of the tolerance ladder."""
    return [
        "## Track A at other stops",
        "",
        f"Ratio to `{BASE}` at the same stop, the largest change of log v at most 1e-2 to 1e-6; median and interval,",
        f"on the first of `{RANKING}`. Savings shrink as the stop tightens.",
        "",
        *_rests_on(made.rename({"method": "family"})),
        markdown.markdown_table(*ladder.page_rows(made)),
        "",
    ]


def refused_lines(refused: Mapping[str, str]) -> list[str]:
    """Return the section of records that do not stand."""
    if not refused:
        return []
    title = ["", "## Records that do not stand", ""]
    words = ["Each is left out, with its reason; none keeps another from its place.", ""]
    return [*title, *words, *(f"- {markdown.escape(why)}" for why in refused.values())]


def like_labels(board: pl.DataFrame) -> list[str]:
    """Return a line that names the rows of a board whose starts read like the labels."""
    marked = board.filter(pl.col("label_like") > 0).select("family", "label_like", "problems").rows()
    words = "; ".join(f"{family} on {like} of {problems}" for family, like, problems in marked)
    return ["", markdown.escape(f"Reads like the label, which a start is not given: {words}.")] if words else []


def origin_rows(board: Leaderboard) -> list[list[str]]:
    """Return where the rows of each family come from, under ORIGIN: those of the seed that stands for it."""
    shown = [part.filter("shown").select("method", "family") for part in (board.a, board.b, board.c)]
    made = []
    for method, family in pl.concat(shown).unique("family", keep="first", maintain_order=True).iter_rows():
        one = board.origins[method]
        run = markdown.link(one.run, one.href) if one.href else one.run
        seconds = "claimed" if one.claimed else "measured"
        made.append([family, one.by, one.data, COMMIT.sub(r"\1", one.code), one.hardware, seconds, run])
    return made


def to_csv(board: Leaderboard) -> dict[str, str]:
    """Return the boards as CSV by the names of their files: every row with where it comes from."""
    known = {
        "method": list(board.origins),
        "data_version": [one.data for one in board.origins.values()],
        "code_commit": [one.code for one in board.origins.values()],
        "hardware": [one.hardware for one in board.origins.values()],
        "mlflow_run": [one.url or one.run for one in board.origins.values()],
        "made_by": [one.by for one in board.origins.values()],
    }
    whole = pl.DataFrame(known, schema=dict.fromkeys(known, pl.String))
    boards = {"leaderboard": board.a, "accelerated": board.b, "newton": board.c}
    return {
        name: markdown.to_csv(one.join(whole, on="method", how="left", maintain_order="left"))
        for name, one in boards.items()
    }


def a_rows(board: pl.DataFrame) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of rows of Track A as people see them."""
    cells = [starts_board.cells(row) for row in board.iter_rows(named=True)]
    names = [name for name in board.columns if name not in HIDDEN]
    return names, [[row[name] for name in names] for row in cells]


def rows(board: pl.DataFrame, cells: Cells, left_out: Collection[str]) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of rows of Track B or C as people see them."""
    shown = board.drop(*HIDDEN, *left_out, strict=False)
    return shown.columns, [list(cells(row).values()) for row in shown.iter_rows(named=True)]


def metrics(board: Leaderboard) -> dict[str, object]:
    """Return what repeats, for DVC's metrics: Track A by split and family, then tracks B and C and the duel."""
    result: dict[str, object] = {
        split: _numbers(_shown(board.a, split), starts_board.TIMES) for split in starts_board.SPLITS
    }
    headline = accelerated_board.headline(board.b)
    names = pl.concat_str("family", "acceleration", separator=" + ")
    result["track_b"] = _numbers(headline.with_columns(family=names), accelerated_board.TIMES)
    result["track_c"] = _numbers(_shown(board.c, RANKING), newton_board.TIMES)
    if board.duel:
        result["rival"] = {
            f"{end}_{label}": round(float(getattr(ratio, end)), 6)
            for label, ratio in board.duel.ratios.items()
            for end in ("median", "low", "high")
        }
    return result


def _numbers(board: pl.DataFrame, times: Collection[str]) -> Metrics:
    kept = [name for name, dtype in board.schema.items() if dtype.is_numeric() and name not in times]
    return {
        row["family"]: {name: round(float(row[name]), 6) for name in kept if row[name] is not None}
        for row in board.iter_rows(named=True)
    }


def _shown(board: pl.DataFrame, split: str) -> pl.DataFrame:
    return board.filter(pl.col("shown") & (pl.col("split") == split))


def _ties(board: pl.DataFrame) -> str:
    return markdown.escape(f"Ties on {RANKING}: {who_ties(board)}.")


def _rests_on(board: pl.DataFrame) -> list[str]:
    """Return a line that says of how many photographs the rows of a board are, and where those are few."""
    few = f" {warning}." if (warning := warning_of(board)) else ""
    return [markdown.escape(f"{words_of(board)}.{few}"), ""]


def _table(board: pl.DataFrame, cells: Cells, left_out: Collection[str]) -> str:
    return markdown.markdown_table(*rows(board, cells, left_out))
