from __future__ import annotations

import datasets
import numpy as np
import polars as pl
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
    one = load.Palettes(["p"], ["g"], np.zeros((1, K, 3)), np.full((1, K), 1 / K))
    with pytest.raises(DataError, match="must hold at least 2 palettes, but holds 1"):
        labels.all_pairs(one, palettes_file)
