from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from paletteot.benchmark import schema
from paletteot.benchmark.accelerations import counts as counts_of
from paletteot.benchmark.boards import accelerated as accelerated_board
from paletteot.benchmark.boards import leaderboard, markdown, seed_view
from paletteot.benchmark.boards import newton as newton_board
from paletteot.benchmark.boards import starts as starts_board
from paletteot.benchmark.boards.families import with_seeds
from paletteot.benchmark.boards.leaderboard import Leaderboard
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.records import store
from paletteot.benchmark.records.evaluation import TABLES, About, Evaluation, of_records
from paletteot.benchmark.records.facts import Measured, RecordFacts, Terms, version_of
from paletteot.benchmark.sample import Sample
from paletteot.errors import DataError
from paletteot.files import sha256
from paletteot.warmstarts.contract import family
from tests.benchmark import fake

UNSEEN = (pl.col("split") == "test_unseen") & (pl.col("acceleration") == "anderson_10")


@pytest.fixture
def evaluations() -> dict[str, Evaluation]:
    return by_name(
        fake.evaluation("cold", 1), fake.evaluation("half", 0.5, init=10), fake.evaluation("odd | <b>name</b>", 0.9)
    )


@pytest.fixture
def seeds() -> dict[str, Evaluation]:
    made = [fake.evaluation("cold", 1), fake.evaluation("schedule", 0.5), fake.evaluation("simplex", 0.2)]
    return by_name(*made, *(fake.evaluation(f"net-{seed}", part) for seed, part in ((5, 0.3), (6, 0.5), (7, 0.4))))


def by_name(*made: Evaluation) -> dict[str, Evaluation]:
    return {one.method: one for one in made}


def board(evaluations, learned: Collection[str] = ("net",), off_kernel: Collection[str] = ("simplex",)) -> Leaderboard:
    """The leaderboard, of contestants that say this of themselves, where they say nothing else."""
    said = {
        name: replace(one, about=About(learned=family(name) in learned, kernel_only=family(name) not in off_kernel))
        if one.about == About() else one
        for name, one in evaluations.items()
    }  # fmt: skip
    return leaderboard.make(said, fake.bootstrap())


def line(frame: pl.DataFrame, method: str, *conditions: pl.Expr) -> dict[str, object]:
    found = frame.filter(pl.col("method") == method, pl.col("split") == "test_unseen", *conditions)
    return found.row(0, named=True)


def test_the_columns_are_those_agreed(evaluations):
    made = board(evaluations)
    assert made.a.columns == [
        "method", "family", "track", "split", "problems", "photographs", "groups", "converged", "fallbacks",
        "min", "q1", "median", "q3", "max",
        "ratio_median", "ratio_low", "ratio_high", "improved_share", "init_iterations", "init_ms", "total_ms",
        "claimed", "label_like", "rank", "ties", "seeds", "shown",
    ]  # fmt: skip
    assert made.a["split"].to_list() == ["test_unseen"] * 3 + ["test_seen"] * 3
    assert made.a["method"].to_list()[:3] == ["half", "odd | <b>name</b>", "cold"]
    assert made.a["rank"].to_list()[:3] == [1, 2, 3]
    assert made.b.columns == list(accelerated_board.COLUMNS)
    assert made.c.columns == list(newton_board.COLUMNS)


def test_a_line_of_track_a_is_what_the_rows_say(evaluations):
    row = line(board(evaluations).a, "half")
    frame = evaluations["half"].split("test_unseen").iterations
    cold = evaluations["cold"].split("test_unseen").iterations["iterations"].to_numpy()
    counts = frame["iterations"].to_numpy()
    assert row["median"] == np.median(counts)
    assert row["ratio_median"] == pytest.approx(np.median((counts + 10) / cold))
    assert row["ratio_low"] <= row["ratio_median"] <= row["ratio_high"]
    assert row["improved_share"] == ((counts + 10) < cold).mean()
    assert (row["init_iterations"], row["init_ms"], row["total_ms"]) == (10, 1.0, 10.0)


@pytest.mark.parametrize("label", ["1e-5", "1e-9"])
def test_a_line_of_track_b_is_what_the_rows_say(evaluations, label):
    row = line(board(evaluations).b, "half", UNSEEN)
    frame = evaluations["half"].split("test_unseen").accelerated.filter(pl.col("acceleration") == "anderson_10")
    plain = evaluations["cold"].split("test_unseen").accelerated.filter(pl.col("acceleration") == "plain")
    counts, cold = frame[f"iterations_{label}"].to_numpy() + 10, plain[f"iterations_{label}"].to_numpy()
    assert row[f"ratio_{label}"] == pytest.approx(np.median(counts / cold))
    assert row[f"low_{label}"] <= row[f"ratio_{label}"] <= row[f"high_{label}"]
    assert row[f"worst_{label}"] == pytest.approx((counts / cold).max())
    assert row[f"worse_share_{label}"] == (counts > cold).mean()
    assert row[f"iterations_{label}"] == np.median(counts)
    assert (row["undone"], row["init_iterations"], row["total_ms"]) == (1, 10, 10.0)


def test_the_base_under_no_acceleration_is_one(evaluations):
    row = line(board(evaluations).b, "cold", pl.col("acceleration") == "plain")
    assert (row["ratio_1e-5"], row["low_1e-9"], row["worst_1e-9"], row["rank"]) == (1, 1, 1, None)


def test_a_censored_run_stands_as_the_cap_and_is_not_dropped():
    made = board(by_name(fake.evaluation("cold", 1), fake.evaluation("slow", 300)))
    row = line(made.a, "slow")
    assert row["problems"] == 64
    assert row["converged"] < 64
    assert row["max"] == 20_000
    row = line(made.b, "slow", UNSEEN)
    assert row["problems"] == 64
    assert 0 < row["failures_1e-5"] < row["failures_1e-9"]
    assert row["worst_1e-9"] > 20_000 / 20_000
    assert row["iterations_1e-9"] == 20_000


def fallen(one: Evaluation, split: str, number: int) -> Evaluation:
    """Mark the first rows of a split as fallen back, in every track."""
    first = pl.col("pair_id").is_in(one.iterations.filter(pl.col("split") == split)["pair_id"][:number].to_list())
    frames = {name: getattr(one, name).with_columns(fallback=first) for name in ("iterations", "accelerated", "newton")}
    return replace(one, **frames)


def test_fallen_starts_are_counted_as_failures_in_every_track(evaluations):
    made = board(evaluations | {"half": fallen(evaluations["half"], "test_unseen", 3)})
    assert line(made.a, "half")["fallbacks"] == 3
    row = line(made.b, "half", UNSEEN)
    assert (row["fallbacks"], row["failures_1e-5"], row["failures_1e-9"]) == (3, 3, 3)
    row = line(made.c, "half")
    assert (row["fallbacks"], row["failures"], row["problems"]) == (3, 3, 64)
    assert line(made.a, "cold")["fallbacks"] == 0


def test_newton_that_stopped_short_stands_as_the_cap(evaluations):
    half = evaluations["half"]
    first = pl.col("pair_id") == half.newton.filter(pl.col("split") == "test_unseen")["pair_id"][0]
    failed = half.newton.with_columns(
        steps=pl.when(first).then(pl.lit(200, pl.Int32)).otherwise("steps"),
        converged=~first,
        error=pl.when(first).then(None).otherwise("error"),
    )
    row = line(board(evaluations | {"half": replace(half, newton=failed)}).c, "half")
    assert (row["steps_median"], row["steps_max"], row["failures"]) == (7, 200, 1)


def test_the_acceleration_is_chosen_on_validation_and_never_on_test(evaluations):
    """On test the other acceleration is better: what is shown stays what validation chose."""
    half = evaluations["half"]
    swapped = pl.col("acceleration").replace({"relaxed": "anderson_10", "anderson_10": "relaxed"})
    on_test = pl.when(pl.col("split") == "test_unseen").then(swapped).otherwise("acceleration")
    changed = {
        name: getattr(half, name).with_columns(acceleration=on_test).sort("pair_id", "acceleration")
        for name in ("accelerated", "accelerated_seconds")
    }
    before, after = board(evaluations), board(evaluations | {"half": replace(half, **changed)})
    for made in (before, after):
        chosen = accelerated_board.headline(made.b).filter(pl.col("family") == "half")
        assert chosen["acceleration"].to_list() == ["anderson_10"]
    grid = after.b.filter((pl.col("family") == "half") & (pl.col("split") == "test_unseen"))
    best = grid.sort("ratio_1e-5")["acceleration"][0]
    assert best == "relaxed"


def test_the_headline_has_every_family_once_and_the_base(seeds):
    shown = accelerated_board.headline(board(seeds).b)
    assert shown["family"].to_list() == ["simplex", "net", "schedule", "cold", "cold"]
    assert shown["acceleration"].to_list() == ["anderson_10"] * 4 + ["plain"]
    assert shown["rank"].to_list() == [1, 2, 3, 4, None]


def test_seeds_are_one_family_and_the_median_stands_for_it(seeds):
    made = board(seeds)
    for frame in (made.a.filter(pl.col("split") == "test_unseen"), made.b.filter(UNSEEN)):
        net = frame.filter(pl.col("family") == "net")
        assert sorted(net["method"]) == ["net-5", "net-6", "net-7"]
        assert net.filter("shown")["method"].to_list() == ["net-7"]
        assert net["rank"].null_count() == 2
        assert frame.filter(pl.col("family") == "cold")["seeds"].to_list() == [""]
    assert made.a.filter("shown").filter(pl.col("family") == "net")["seeds"][0] == "0.300 0.400 0.500"
    assert made.medians["net"] == "net-7"
    text = leaderboard.to_markdown(made)
    assert "net-" not in text
    assert "0.300 0.400 0.500" in text
    for csv in (markdown.to_csv(made.a), markdown.to_csv(made.b), markdown.to_csv(made.c)):
        assert all(f"net-{seed}," in csv for seed in (5, 6, 7))


@pytest.mark.parametrize(
    ("values", "stands"), [([1.0], 1.0), ([2.0, 1.0], 2.0), ([3.0, 1.0, 2.0], 2.0), ([1.0, 1.0, 1.0], 1.0)]
)
def test_exactly_one_seed_stands_for_a_family(values, stands):
    frame = pl.DataFrame({"method": [f"net-{seed}" for seed in range(len(values))], "ratio": values})
    shown = with_seeds(frame, "ratio").filter("shown")
    assert shown["ratio"].to_list() == [stands]


def test_the_rival_learned_nothing_and_passes_over_the_kernel_only(seeds):
    made = board(seeds)
    assert made.duel is not None
    assert made.duel.learned == ("net", "anderson_10")
    assert made.duel.rival == ("schedule", "anderson_10")
    counts = [
        counts_of(seeds[name].split("test_unseen").accelerated.filter(UNSEEN), "1e-9") for name in ("net-7", "schedule")
    ]
    assert made.duel.ratios["1e-9"].median == pytest.approx(np.median(counts[0] / counts[1]))
    start = f"Rival: net + anderson_10 needs {made.duel.ratios['1e-5'].median:.3f} ("
    assert start in leaderboard.to_markdown(made)


def test_without_a_learned_start_there_is_no_duel(evaluations):
    made = board(evaluations, learned=())
    assert made.duel is None
    assert "Rival" not in leaderboard.to_markdown(made)
    assert "rival" not in leaderboard.metrics(made)


def test_metrics_hold_what_repeats(seeds):
    metrics = leaderboard.metrics(board(seeds))
    assert set(metrics) == {"test_unseen", "test_seen", "track_b", "track_c", "rival"}
    assert metrics["track_b"]["net + anderson_10"]["rank"] == 2
    assert metrics["track_c"]["net"]["steps_median"] == 7
    assert "total_ms" not in metrics["track_b"]["net + anderson_10"] | metrics["track_c"]["net"]


def test_a_method_under_track_a_alone_has_no_other_row(evaluations):
    half = evaluations["half"]
    names = ("accelerated", "accelerated_seconds", "newton", "newton_seconds")
    only = replace(half, **{name: getattr(half, name).clear() for name in names})
    made = board(evaluations | {"half": only})
    assert "half" in made.a["method"].to_list()
    assert "half" not in made.b["method"].to_list() + made.c["method"].to_list()


def test_no_newton_at_all_is_an_empty_board(evaluations):
    bare = {name: replace(one, newton=one.newton.clear(), newton_seconds=one.newton_seconds.clear())
            for name, one in evaluations.items()}  # fmt: skip
    made = board(bare)
    assert made.c.is_empty()
    assert made.c.columns == list(newton_board.COLUMNS)
    assert "Track C" in leaderboard.to_markdown(made)


def test_names_are_shown_as_typed(evaluations):
    text = leaderboard.to_markdown(board(evaluations))
    row = next(line for line in text.splitlines() if "name" in line and line.startswith("| odd"))
    assert "odd \\| \\<b\\>name\\</b\\>" in row


def test_methods_judged_on_other_pairs_are_refused(evaluations):
    half = evaluations["half"]
    with pytest.raises(DataError, match="pair_id and split of half must be those of cold"):
        board(evaluations | {"half": replace(half, iterations=half.iterations[1:])})
    fewer = pl.col("pair_id") != half.accelerated["pair_id"][-1]
    with pytest.raises(DataError, match="pair_id of half under anderson_10 must be those of cold on test_unseen"):
        board(evaluations | {"half": replace(half, accelerated=half.accelerated.filter(fewer))})
    first = pl.col("pair_id") != half.accelerated.filter(pl.col("split") == "test_unseen")["pair_id"][0]
    with pytest.raises(DataError, match="pair_id of half under relaxed must be those of cold on test_unseen"):
        board(evaluations | {"half": replace(half, accelerated=half.accelerated.filter(first))})


def test_the_relaxed_iterations_may_run_on_fewer_problems_from_the_first(evaluations):
    def cut(one):
        last = one.accelerated["pair_id"].max()
        assert last is not None
        relaxed = pl.col("acceleration") == "relaxed"
        return replace(one, accelerated=one.accelerated.filter(~relaxed | (pl.col("pair_id") < last - 9)))

    made = board({name: cut(one) for name, one in evaluations.items()}).b
    problems = made.filter((pl.col("method") == "half") & (pl.col("split") == "test_unseen"))
    assert dict(problems.select("acceleration", "problems").iter_rows()) == {"relaxed": 54, "anderson_10": 64}
    ratio = problems.filter(pl.col("acceleration") == "relaxed")["ratio_1e-5"].item()
    assert ratio == pytest.approx(fake.SHARES["relaxed"] / 2, abs=0.02)


def test_without_the_cold_start_there_is_no_ratio(evaluations):
    del evaluations["cold"]
    with pytest.raises(DataError, match=r"evaluate\.methods must name cold"):
        board(evaluations)


def test_a_split_that_was_not_evaluated_is_named(evaluations):
    def without(split):
        return {
            name: replace(one, **{table: getattr(one, table).filter(pl.col("split") != split) for table in TABLES})
            for name, one in evaluations.items()
        }

    with pytest.raises(DataError, match=r"evaluate\.splits must name test_seen"):
        board(without("test_seen"))
    with pytest.raises(DataError, match="Track B must run on validation_unseen, but cold has no plain row there"):
        board(without("validation_unseen"))
    with pytest.raises(DataError, match=r"evaluate\.splits must name validation_seen"):
        seed_view.rows({"cold": []})


def test_a_pair_that_is_not_in_the_table_of_pairs_is_named(evaluations):
    with pytest.raises(
        DataError, match=r"pairs\.parquet: pair_id must name every pair that was evaluated, but lacks 255"
    ):
        starts_board.rows(evaluations, Bootstrap(fake.pairs()[:-1], fake.alone(fake.pairs()), 200, 0))


def test_equal_methods_share_a_rank():
    twins = by_name(*(fake.evaluation(name, factor) for name, factor in (("cold", 1), ("one", 0.5), ("two", 0.5))))
    made = board(twins)
    assert made.a["rank"].to_list() == [1, 1, 3] * 2
    assert made.a["method"].to_list() == ["one", "two", "cold"] * 2
    assert made.a["ties"].to_list() == ["two", "one", ""] * 2
    assert accelerated_board.headline(made.b)["rank"].to_list() == [1, 1, 3, None]
    assert accelerated_board.headline(made.b)["ties"].to_list() == ["two", "one", "", None]
    assert leaderboard.to_markdown(made).count("Ties on test_unseen: one with two.") == 2


def test_a_quantile_among_censored_runs_is_marked_as_a_lower_bound():
    made = board(by_name(fake.evaluation("cold", 1), fake.evaluation("slow", 30)))
    shown = starts_board.cells(line(made.a, "slow"))
    assert (shown["median"], shown["max"]) == ("≥ 20000", "≥ 20000")
    assert not shown["min"].startswith("≥")
    assert "≥ 20000" in leaderboard.to_markdown(made)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("lp_duals", "lp_duals"),
        ("_it_", "\\_it\\_"),
        ("a|b", "a\\|b"),
        ("*x* `y` [z](u)", "\\*x\\* \\`y\\` \\[z\\](u)"),
        ("two\nlines", "two lines"),
        ("<script>", "\\<script\\>"),
        ("&lt;", "\\&lt;"),
    ],
)
def test_markdown_shows_names_as_typed(name, shown):
    assert markdown.escape(name) == shown
    assert f"| {shown}, ours |" in seed_view.to_markdown(seed_view.rows({name: range(16)}), Sample(16, 4, 4))


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", 'a "quoted", name'])
def test_csv_holds_names_that_no_spreadsheet_runs(name):
    made = board(by_name(fake.evaluation("cold", 1), fake.evaluation(name, 0.5)))
    for frame in (made.a, made.b, made.c):
        read = pl.read_csv(markdown.to_csv(frame).encode())
        assert read.columns == frame.columns
        assert (name if name.startswith("a") else f"'{name}") in read["method"].to_list()


def test_the_seed_view_is_the_maximum_of_eight():
    np.testing.assert_array_equal(seed_view.maxima([*range(16), 3]), [7, 15, 3])
    rows = seed_view.rows({"cold": range(16)})
    assert rows[0] == ["cold, published", "884", "2264", "3031", "4217", "20000"]
    assert rows[-1] == ["cold, ours", "7", "9", "11", "13", "15"]


def facts(made: Evaluation) -> RecordFacts:
    return RecordFacts(
        name=made.method, tracks=tuple(schema.TRACKS), splits=fake.SPLITS, submitted={}, version=version_of({}, ""),
        terms=Terms(data_version="1.0.0", plans_dvc_hash="abc", transport={}),
        measured=Measured.model_validate({"at": "2030-01-01T00:00:00Z", "hardware": "x", "code_commit": "c0ffee"}),
    )  # fmt: skip


def rows(made: Evaluation) -> dict[str, pl.DataFrame]:
    """The rows of each track as the runner gives them."""
    key = ("pair_id", "split", "acceleration", "atol")
    found = {}
    for track, names in schema.TRACKS.items():
        first, *others = (getattr(made, name) for name in names)
        for other in others:
            first = first.join(other, on=[name for name in key if name in other.columns], how="left")
        found[track] = first
    return found


def write(folder, made: Evaluation, **changed: pl.DataFrame):
    """Write a record, then put other tables in, as if they had been written."""
    place = folder / made.method
    store.write(place, facts(made), rows(made))
    said = json.loads((place / store.FACTS).read_text())
    for name, frame in changed.items():
        frame.write_parquet(place / f"{name}.parquet")
        said["files"][f"{name}.parquet"] = sha256(place / f"{name}.parquet")
    (place / store.FACTS).write_text(json.dumps(said))


def read(folder) -> Evaluation:
    return of_records([store.read(folder / "half")])["half"]


def test_evaluations_are_read_as_they_were_written(tmp_path, evaluations):
    write(tmp_path, evaluations["half"])
    found = read(tmp_path)
    for name in TABLES:
        key = [column for column in ("pair_id", "acceleration", "atol") if column in getattr(found, name).columns]
        assert getattr(found, name).equals(getattr(evaluations["half"], name).sort(key))
    with pytest.raises(DataError, match=r"none/facts\.json: cannot be read"):
        store.read(tmp_path / "none")


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("seconds", "total_seconds", float("nan"), r"seconds\.parquet: total_seconds must be finite and at least 0"),
        ("seconds", "init_seconds", float("inf"), "init_seconds must be finite and at least 0, but is inf for pair 0"),
        ("iterations", "error_10", float("nan"), r"iterations\.parquet: error_10 must be finite"),
        ("iterations", "iterations", -1, "iterations must be finite and at least 0, but is -1 for pair 0"),
        ("iterations", "pair_id", 5, "pair_id must name each pair once, but names 5 more than once"),
        ("iterations", "split", None, "column split must have a value in every row, but row 0 has none"),
        ("accelerated", "iterations_1e-9", -1, r"accelerated\.parquet: iterations_1e-9 must be finite and at least 0"),
        ("newton", "error", float("inf"), r"newton\.parquet: error must be finite and at least 0, but is inf"),
        ("newton", "converged", None, "column converged must have a value in every row"),
    ],
)
def test_illegal_rows_are_named(tmp_path, table, column, value, message):
    made = fake.evaluation("half", 0.5)
    frame = getattr(made, table)
    first = pl.int_range(pl.len()) == 0
    frame = frame.with_columns(
        pl.when(first).then(pl.lit(value, frame.schema[column])).otherwise(pl.col(column)).alias(column)
    )
    write(tmp_path, made, **{table: frame})
    with pytest.raises(DataError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("table", ["seconds", "accelerated_seconds", "newton_seconds"])
def test_seconds_of_other_pairs_are_refused(tmp_path, table):
    made = fake.evaluation("half", 0.5)
    write(tmp_path, made, **{table: getattr(made, table)[1:]})
    with pytest.raises(DataError, match=rf"{table}\.parquet must hold the same pair_id"):
        read(tmp_path)


def test_the_ladder_stands_on_the_page_for_those_who_climbed_it(evaluations):
    made = board(evaluations)
    assert made.ladder is not None
    assert "## Track A at other stops" in leaderboard.to_markdown(made)
    climbed = made.ladder.filter((pl.col("method") == "half") & (pl.col("atol") == 1e-4))
    assert climbed["ratio_median"].item() == pytest.approx(0.5, abs=0.03)
    half = evaluations["half"]
    fewer = board(evaluations | {"half": replace(half, ladder=half.ladder.clear())})
    assert fewer.ladder is not None
    assert "half" not in fewer.ladder["method"].to_list()
    cold = evaluations["cold"]
    assert board(evaluations | {"cold": replace(cold, ladder=cold.ladder.clear())}).ladder is None
