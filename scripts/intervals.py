"""Print how intervals over photographs and over pictures differ: `python scripts/intervals.py`.

For data set 1.0.0 the bootstrap drew pictures, crops of a few photographs, and its intervals were too narrow. The table
of docs/protocol.md is from here: each start that the pipeline judges, alone (Track A) and under the acceleration that
the report chose for it (Track B, the error that ranks), on the ranking split. Only here are pictures still drawn.

    python scripts/intervals.py                     every family, its median seed
    python scripts/intervals.py NAME ...            these contestants, as params.yaml names them
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from paletteot.benchmark.accelerations import PLAIN, RELAXED, counts
from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.boards.markdown import markdown_table
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.protocol import BASE
from paletteot.benchmark.records import evaluation, store
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.statistics import Array, Interval, ratios
from paletteot.dataset import schema
from paletteot.dataset.load import load_palettes
from paletteot.errors import DataError, PaletteOTError
from paletteot.project import paths
from paletteot.project.parameters import load_params
from paletteot.splits import RANKING
from paletteot.tables import read_parquet

HEADER = ("start", "counted", "ratio", "over photographs", "over pictures", "wider by")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", nargs="*", help="contestants of params.yaml; none: every family's median seed")
    names = parser.parse_args().method
    try:
        print(page(names))
    except PaletteOTError as error:
        sys.exit(f"error: {error}")


def page(names: list[str]) -> str:
    """Return the table of some contestants, of every family's median seed where none is named.

    Raises DataError where a record or the report is missing.
    """
    report = load_params().report
    palettes = load_palettes(paths.PALETTES)
    pairs = read_parquet(paths.PAIRS, schema.PAIRS)
    bootstrap = Bootstrap(pairs, palettes.pictures, report.bootstrap, report.seed)
    chosen = choices()
    wanted = names or list(chosen)
    if unknown := [name for name in wanted if not (paths.EVALUATIONS / name).is_dir()]:
        raise DataError(f"{paths.EVALUATIONS}: must hold a record of each contestant, but has none of {unknown[0]}")
    records = [store.read(paths.EVALUATIONS / name) for name in dict.fromkeys([BASE, *wanted])]
    judged = {name: one.split(RANKING) for name, one in evaluation.of_records(records).items()}
    made = [line for name in wanted for line in lines(judged[name], judged[BASE], chosen.get(name, ""), bootstrap)]
    of = bootstrap.sample(judged[BASE].iterations["pair_id"])
    return f"{RANKING}, {of.words}, {report.bootstrap:,} draws:\n\n{markdown_table(HEADER, made)}"


def choices() -> dict[str, str]:
    """Return the contestants that the report shows under Track B, in its order, with the acceleration of each."""
    file = paths.REPORTS / "accelerated.csv"
    if not file.is_file():
        raise DataError(f"{file}: no such file; `dvc repro report` makes it")
    shown = (pl.col("split") == RANKING) & pl.col("shown") & pl.col("chosen")
    return dict(pl.read_csv(file, glob=False).filter(shown).select("method", "acceleration").rows())


def lines(one: Evaluation, cold: Evaluation, acceleration: str, bootstrap: Bootstrap) -> Iterator[list[str]]:
    """Yield the lines of a contestant: Track A where it took part, Track B under an acceleration."""
    if len(one.iterations) and one.method != BASE:
        values = ratios(one.counts, cold.counts)
        yield line(one.method, "Track A", values, one.iterations["pair_id"], bootstrap)
    frame = one.accelerated.filter(pl.col("acceleration") == acceleration)
    if len(frame):
        plain = cold.accelerated.filter(pl.col("acceleration") == PLAIN)
        whole = plain.head(len(frame)) if acceleration in RELAXED else plain
        label = accelerated_board.LOOSE
        values = ratios(counts(frame, label), counts(whole, label))
        yield line(one.method, f"Track B, {acceleration}, {label}", values, frame["pair_id"], bootstrap)


def line(name: str, counted: str, values: Array, pair_ids: pl.Series, bootstrap: Bootstrap) -> list[str]:
    """Return a line of the table."""
    new, old = both(values, pair_ids, bootstrap)
    ends = [f"{found.low:.3f} to {found.high:.3f}" for found in (new, old)]
    wider = f"{(new.high - new.low) / (old.high - old.low):.1f} times" if old.high > old.low else ""
    return [name, counted, f"{new.median:.3f}", *ends, wider]


def both(values: Array, pair_ids: pl.Series, bootstrap: Bootstrap) -> tuple[Interval, Interval]:
    """Return the interval over photographs, and over pictures, as if each were its own photograph."""
    alone = replace(bootstrap, pictures=bootstrap.pictures.with_columns(group="image_id"))
    return bootstrap.interval(values, pair_ids), alone.interval(values, pair_ids)


if __name__ == "__main__":
    main()
