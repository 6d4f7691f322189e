from __future__ import annotations

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paletteot.dataset import labels, load, schema, shards
from paletteot.errors import DataError
from paletteot.ot import sinkhorn
from paletteot.tables import dtypes, write_parquet
from tests.conftest import palette

K = 6


def palettes_frame(n: int = 4) -> pl.DataFrame:
    made = [palette(np.random.default_rng(row), K) for row in range(n)]
    return pl.DataFrame(
        {
            "image_id": [f"p{row}" for row in range(n)],
            "photograph": [f"f{row}" for row in range(n)],
            "group": [f"g{row % 2}" for row in range(n)],
            "centroids": np.stack([x for x, _ in made]),
            "weights": np.stack([a for _, a in made]),
            "inertia": [1.0] * n,
            "colours": [100] * n,
        },
        schema=dtypes(schema.palettes(K)),
    )


@pytest.fixture
def palettes_file(tmp_path):
    write_parquet(tmp_path / "palettes.parquet", palettes_frame(), schema.palettes(K))
    return tmp_path / "palettes.parquet"


def test_labels_survive_the_round_trip_in_float64(tmp_path, palettes_file):
    palettes = load.load_palettes(palettes_file)
    pairs = labels.all_pairs(palettes, palettes_file)
    assert len(pairs) == 12
    frame = labels.exact(pairs, eps=0.5).with_columns(split=pl.lit("test_seen"))
    shards.write(tmp_path / "plans", frame, labels.table(palettes), 5)
    assert len(list((tmp_path / "plans").iterdir())) == 3
    back = load.load_plans(tmp_path / "plans", palettes, "test_seen")
    np.testing.assert_array_equal(back.g, frame["g"].to_numpy())
    problems = back.problems(0.5)
    for row in range(len(back)):
        assert sinkhorn.marginal_error(problems[row], back.g[row]) <= 1.001e-9

    # The published way in keeps them too.
    files = [str(one) for one in sorted((tmp_path / "plans").iterdir())]
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    array = loaded.with_format("arrow")[:]["g"].combine_chunks().flatten().to_numpy().reshape(-1, K)
    np.testing.assert_array_equal(array, back.g)


def test_cold_counts_are_given_to_evaluation_pairs_only(palettes_file):
    pairs = labels.all_pairs(load.load_palettes(palettes_file), palettes_file)
    marked = load.Pairs(
        pairs.palettes, pairs.frame.with_columns(split=pl.Series(["train"] * 6 + ["test_seen"] * 6)),
        pairs.source, pairs.target,
    )  # fmt: skip
    frame = labels.exact(marked, eps=0.5, atol=1e-4, max_iterations=20_000)
    assert frame["cold_iterations"].is_null().to_list() == [True] * 6 + [False] * 6
    problem = marked.problems(0.5)[6]
    assert frame["cold_iterations"][6] == sinkhorn.reference_log_domain(problem)[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": np.full((4, K), 1.0)}, r"row 0 \(p0\): weights must sum to 1, but sum to 6"),
        ({"centroids": np.full((4, K, 3), np.nan)}, r"row 0 \(p0\): centroids must be finite"),
    ],
)
def test_a_broken_palette_names_file_and_row(tmp_path, change, words):
    frame = palettes_frame()
    columns = {name: pl.Series(name, value, dtype=frame.schema[name]) for name, value in change.items()}
    frame.with_columns(**columns).write_parquet(tmp_path / "palettes.parquet")
    with pytest.raises(DataError, match=r"palettes\.parquet: " + words):
        load.load_palettes(tmp_path / "palettes.parquet")


def test_two_palettes_of_one_name_are_refused(tmp_path):
    frame = palettes_frame().with_columns(image_id=pl.Series(["p0", "p1", "p0", "p1"]))
    frame.write_parquet(tmp_path / "palettes.parquet")
    with pytest.raises(DataError, match="image_id must name each palette once, but row 2 names 'p0' again"):
        load.load_palettes(tmp_path / "palettes.parquet")


DOUBLES = pa.float64()
LISTS = {
    "pyarrow": (pa.list_(pa.list_(DOUBLES)), pa.list_(DOUBLES)),
    "pyarrow, large": (pa.large_list(pa.large_list(DOUBLES)), pa.large_list(DOUBLES)),
    "lists of colours": (pa.list_(pa.list_(DOUBLES, 3)), pa.list_(DOUBLES)),
    "an array of weights": (pa.list_(pa.list_(DOUBLES)), pa.list_(DOUBLES, K)),
    "arrays": (pa.list_(pa.list_(DOUBLES, 3), K), pa.list_(DOUBLES, K)),
}


def write_lists(file, kind: str, **columns: list) -> None:
    """Write palettes with lists, as pyarrow does: centroids and weights, those of `palettes_frame` if not given."""
    frame = palettes_frame()
    types = dict(zip(("centroids", "weights"), LISTS[kind], strict=True))
    values = {name: columns.get(name, frame[name].to_numpy().tolist()) for name in types}
    ids = [f"p{row}" for row in range(len(values["weights"]))]
    pq.write_table(pa.table({"image_id": ids, **{name: pa.array(values[name], types[name]) for name in types}}), file)


@pytest.mark.parametrize("kind", LISTS)
def test_palettes_are_read_whatever_lists_hold_them(tmp_path, kind):
    write_lists(tmp_path / "palettes.parquet", kind)
    found, frame = load.load_palettes(tmp_path / "palettes.parquet"), palettes_frame()
    np.testing.assert_array_equal(found.x, frame["centroids"].to_numpy())
    np.testing.assert_array_equal(found.a, frame["weights"].to_numpy())


def test_palettes_of_pandas_are_read(tmp_path):
    frame = palettes_frame().select("image_id", "centroids", "weights")
    pd.DataFrame({name: frame[name].to_list() for name in frame.columns}).to_parquet(tmp_path / "palettes.parquet")
    np.testing.assert_array_equal(load.load_palettes(tmp_path / "palettes.parquet").x, frame["centroids"].to_numpy())


def changed(name: str, row: int, change) -> list:
    values = palettes_frame()[name].to_numpy().tolist()
    values[row] = change(values[row])
    return values


UNREADABLE = {
    "a shorter palette": (
        {name: changed(name, 2, lambda values: values[1:]) for name in ("centroids", "weights")},
        "every row must have k = 6 weights and centroids, like the first, but row 2 has 5 and 5; fill a shorter",
    ),
    "a weight too few": ({"weights": changed("weights", 1, lambda a: a[1:])}, "but row 1 has 5 and 6"),
    "a colour of two values": (
        {"centroids": changed("centroids", 3, lambda x: [x[0][:2], *x[1:]])}, "3 values, but one of row 3"
    ),
    "a colour of four": (
        {"centroids": changed("centroids", 0, lambda x: [[*x[0], 1.0], *x[1:]])}, "3 values, but one of row 0"
    ),
    "a colour that is none": (
        {"centroids": changed("centroids", 1, lambda x: [None, *x[1:]])}, "3 values, but one of row 1"
    ),
    "a value that is none": (
        {"weights": changed("weights", 1, lambda a: [None, *a[1:]])}, r"row 1 \(p1\): weights must be finite"
    ),
    "a row that is none": (
        {"weights": changed("weights", 2, lambda _: None)}, "weights must have a value in every row, but row 2"
    ),
    "no colours": ({"centroids": [[]], "weights": [[]]}, "the first row must have at least one weight, but has none"),
    "no palettes": ({"centroids": [], "weights": []}, "the first row must have at least one weight, but has none"),
}  # fmt: skip


@pytest.mark.parametrize("fault", UNREADABLE)
def test_lists_that_are_no_palettes_name_their_row(tmp_path, fault):
    columns, words = UNREADABLE[fault]
    write_lists(tmp_path / "palettes.parquet", "pyarrow", **columns)
    with pytest.raises(DataError, match=words) as raised:
        load.load_palettes(tmp_path / "palettes.parquet")
    assert str(raised.value).startswith(f"{tmp_path / 'palettes.parquet'}: ")


@pytest.mark.parametrize(
    ("name", "dtype", "words"),
    [
        ("weights", pl.List(pl.Float32), r"k Float64 in every row, .* but is List\(Float32\) \(the formats"),
        ("centroids", pl.List(pl.List(pl.Int64)), r"k times 3 Float64 in every row, .* but is List\(List\(Int64\)\)$"),
        ("weights", None, "k Float64 in every row, as lists or arrays, but is Float64"),
        ("centroids", None, "k times 3 Float64 in every row, as lists or arrays, but is Float64"),
    ],
)
def test_lists_of_other_values_say_what_is_wanted(tmp_path, name, dtype, words):
    other = pl.lit(0.5) if dtype is None else pl.col(name).cast(dtype)
    lists = palettes_frame().with_columns(
        pl.col("weights").cast(pl.List(pl.Float64)), pl.col("centroids").cast(pl.List(pl.List(pl.Float64)))
    )
    lists.with_columns(other.alias(name)).write_parquet(tmp_path / "palettes.parquet")
    with pytest.raises(DataError, match=rf"column {name} must hold {words}"):
        load.load_palettes(tmp_path / "palettes.parquet")


@pytest.fixture
def labelled(palettes_file) -> load.Pairs:
    pairs = labels.all_pairs(load.load_palettes(palettes_file), palettes_file)
    frame = labels.exact(pairs, eps=0.5).with_columns(split=pl.lit("test_seen"))
    return load.Pairs(pairs.palettes, frame, pairs.source, pairs.target)


def test_eps_of_labelled_pairs_is_that_of_their_rows(labelled):
    assert labelled.eps == labelled.problems().eps == labelled.problems(0.5).eps == 0.5
    with pytest.raises(DataError, match=r"eps must be 0\.5, as in the rows, but is 0\.1"):
        labelled.problems(0.1)


def test_pairs_whose_rows_differ_in_eps_are_refused(labelled):
    frame = labelled.frame.with_columns(eps=pl.Series([0.5] * 11 + [0.25]))
    mixed = load.Pairs(labelled.palettes, frame, labelled.source, labelled.target)
    for ask in (lambda: mixed.eps, mixed.problems, lambda: mixed.problems(0.5)):
        with pytest.raises(DataError, match=r"eps must be the same in every row, but is 0\.25 and 0\.5"):
            ask()
    assert mixed[:11].problems().eps == 0.5


def test_pairs_without_labels_need_an_eps(palettes_file):
    pairs = labels.all_pairs(load.load_palettes(palettes_file), palettes_file)
    assert pairs.problems(0.25).eps == 0.25
    with pytest.raises(DataError, match="pairs without labels have no eps: it must be given"):
        pairs.problems()


def test_a_pair_naming_a_picture_that_is_not_there(tmp_path, palettes_file):
    pairs = pl.DataFrame(
        {"pair_id": [0], "split": ["train"], "source": ["p0"], "target": ["ghost"]}, schema=dtypes(schema.PAIRS)
    )
    write_parquet(tmp_path / "pairs.parquet", pairs, schema.PAIRS)
    with pytest.raises(DataError, match=r"pairs\.parquet: target of row 0 names picture 'ghost', which has no palette"):
        load.load_pairs(tmp_path / "pairs.parquet", load.load_palettes(palettes_file))


def test_a_missing_shard_is_named(tmp_path, palettes_file):
    palettes = load.load_palettes(palettes_file)
    frame = labels.exact(labels.all_pairs(palettes, palettes_file), eps=0.5).with_columns(split=pl.lit("train"))
    shards.write(tmp_path / "plans", frame, labels.table(palettes), 5)
    (tmp_path / "plans" / "train-00001-of-00003.parquet").unlink()
    with pytest.raises(DataError, match="split train must have 3 shards, but lacks train-00001-of"):
        load.load_plans(tmp_path / "plans", palettes, "train")
    with pytest.raises(DataError, match="split train must have 3 shards"):  # whatever is asked for
        load.load_plans(tmp_path / "plans", palettes, "test_seen")
    shards.write(tmp_path / "plans", frame, labels.table(palettes), 5)
    with pytest.raises(DataError, match="split must be one of train, but is 'test_seen'"):
        load.load_plans(tmp_path / "plans", palettes, "test_seen")


def test_one_palette_makes_no_pair(palettes_file):
    one = load.Palettes(["p"], ["p"], ["g"], np.zeros((1, K, 3)), np.full((1, K), 1 / K))
    with pytest.raises(DataError, match="must hold at least 2 palettes, but holds 1"):
        labels.all_pairs(one, palettes_file)
