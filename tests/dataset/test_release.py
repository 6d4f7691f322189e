from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import datasets
import mlcroissant as mlc
import numpy as np
import polars as pl
import pytest

import paletteot
from paletteot.dataset import card, layout, licences, schema
from paletteot.files import sha256
from paletteot.tables import columns_markdown
from tests.dataset import made

SPLITS = {split: len(pairs) for split, pairs in made.SPLITS.items()}


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return made.release(tmp_path_factory.mktemp("release") / "one")


def test_a_release_built_twice_has_the_same_bytes(release, tmp_path):
    again = made.release(tmp_path / "again")
    assert layout.hashes(again) == layout.hashes(release)
    assert sha256(again / "checksums.sha256") == sha256(release / "checksums.sha256")


def test_it_holds_what_a_hub_needs_and_no_pixels(release):
    names = {str(file.relative_to(release)) for file in release.rglob("*") if file.is_file()}
    assert {"README.md", "VERSION", "croissant.json", "checksums.sha256"} <= names
    assert all(name.endswith(".parquet") for name in names if "/" in name)
    assert (release / "VERSION").read_text() == "1.0.0\n"
    images = pl.read_parquet(release / "images" / "*.parquet")
    assert images.columns == list(schema.IMAGES)
    assert not any(dtype == pl.Binary for dtype in images.dtypes)


def test_the_checksums_are_those_of_sha256sum(release):
    done = subprocess.run(["sha256sum", "--check", "--quiet", "checksums.sha256"], cwd=release, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("split", SPLITS)
def test_the_card_declares_every_split_for_datasets(release, tmp_path, split):
    plans = datasets.load_dataset(str(release), "plans", split=split, cache_dir=str(tmp_path))
    assert len(plans) == SPLITS[split]
    assert plans.features["g"] == datasets.List(datasets.Value("float64"), length=made.K)
    assert list(plans.features) == list(schema.plans(made.K))
    array = plans.with_format("arrow")[:]["g"].combine_chunks().flatten().to_numpy().reshape(-1, made.K)
    np.testing.assert_array_equal(array, paletteot.load(split, source=release).g)


@pytest.mark.parametrize("table", ["palettes", "images"])
def test_the_card_declares_the_other_tables(release, tmp_path, table):
    loaded = datasets.load_dataset(str(release), table, split="full", cache_dir=str(tmp_path))
    assert len(loaded) == made.PICTURES
    assert list(loaded.features) == list(schema.released(made.K)[table])


def test_the_cards_code_rebuilds_a_plan(release, tmp_path):
    """The code of the card as written, but for where the data lies."""
    blocks = re.findall(r"```python\n(.*?)```", (release / "README.md").read_text(), re.S)
    assert len(blocks) == 2
    code = "\n".join(blocks).replace(', revision="v1.0.0"', "").replace("paletteot/paletteot", str(release))
    code += f"""
import paletteot
mine = paletteot.load("test_unseen", source={str(release)!r})
assert plans[0]["g"].dtype == np.float64 and (plans[0]["g"] == mine.g[0]).all()
np.testing.assert_allclose(P, mine.plan(0), rtol=1e-9, atol=1e-15)
"""
    environment = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PATH": ""}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_the_card_answers_what_every_version_must(release):
    text = (release / "README.md").read_text()
    for heading in (
        "What is in it", "Get it", "The plan of a row", "What proves a row", "How it was made", "Splits, and why",
        "Licence", "Known limits", "Advice for evaluation", "Cite",
    ):  # fmt: skip
        assert f"\n## {heading}\n" in text
    for fact in ("c0ffee", "0" * 32 + ".dir", "CPU-hours", "atol 0.0001", "seed 3", "photograph-0", "CC0-1.0"):
        assert fact in text
    assert "nobody \\| in particular" in text
    for table in schema.released(made.K).values():
        assert columns_markdown(table).strip() in text


@pytest.mark.parametrize(("licence", "said"), [("CC-BY-SA-4.0", True), ("CC-BY-4.0", False)])
def test_the_card_says_what_holds_for_pictures_under_share_alike(tmp_path, licence, said):
    text = (made.release(tmp_path / "release", licence=licence) / "README.md").read_text()
    assert ("may be passed on under the same licence only" in text) is said
    assert "license: mit" in text


def test_the_card_has_eps_from_the_rows(tmp_path):
    """Whatever the parameters say by now."""
    folder = made.pipeline_folder(tmp_path)
    facts = made.facts()
    params = {**facts.params, "transport": {**facts.params["transport"], "eps": 99.0}}
    frames = {name: {layout.WHOLE: pl.read_parquet(folder / f"{name}.parquet")} for name in ("images", "palettes")}
    for name in ("images", "palettes"):
        (tmp_path / name).mkdir()
        shutil.copy(folder / f"{name}.parquet", tmp_path / name / f"{layout.WHOLE}-00000-of-00001.parquet")
    frames["plans"] = layout.read_splits(folder, "plans")
    said = card.text(tmp_path, frames, made.K, replace(facts, params=params))
    assert f"k = {made.K}, eps = {made.EPS} LAB units and the Euclidean cost only" in said


def test_the_card_of_closed_pictures_says_so(tmp_path):
    text = (made.release(tmp_path / "closed", licence=licences.UNSPLASH) / "README.md").read_text()
    assert "\nlicense: other\n" in text
    assert "`paletteot publish` refuses it" in text


def test_croissant_validates_and_its_records_load(release):
    found = mlc.Dataset(str(release / "croissant.json"), mapping={"repo": str(release)})
    assert not found.metadata.ctx.issues.errors
    assert found.metadata.ctx.issues.warnings == set() or all(
        "datePublished" in warning for warning in found.metadata.ctx.issues.warnings
    )
    plans = {bytes(row["plans/digest"]).decode(): row for row in found.records("plans")}
    assert len(plans) == sum(SPLITS.values())
    mine = paletteot.load("test_unseen", source=release)
    for row, digest in enumerate(mine.frame["digest"]):
        np.testing.assert_array_equal(np.asarray(plans[digest]["plans/g"], dtype=np.float64), mine.g[row])
    palettes = list(found.records("palettes"))
    assert len(palettes) == made.PICTURES
    centroids = np.stack([np.stack(row["palettes/centroids"]) for row in palettes])
    np.testing.assert_array_equal(centroids, mine.palettes.x)
    assert len(list(found.records("images"))) == made.PICTURES


def test_croissant_describes_every_column_as_the_schema_does(release):
    fields = {
        f"{records.id}/{field.name}": field.description
        for records in mlc.Dataset(str(release / "croissant.json")).metadata.record_sets
        for field in records.fields
    }
    expected = {
        f"{name}/{column}": table[column].sentence
        for name, table in schema.released(made.K).items()
        for column in table
    }
    assert fields == expected


def test_a_release_never_replaces_another_by_half(tmp_path, monkeypatch):
    folder = made.release(tmp_path / "kept")
    before = layout.hashes(folder)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("paletteot.dataset.croissant.text", fail)
    with pytest.raises(OSError, match="disk full"):
        made.release(folder, version="2.0.0")
    assert layout.hashes(folder) == before
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]


def test_shards_are_the_pipelines_bytes(tmp_path, release):
    """So that DVC keeps them once."""
    data = made.pipeline_folder(tmp_path)
    digest = hashlib.sha256((data / "plans" / "train-00001-of-00002.parquet").read_bytes()).hexdigest()
    assert layout.hashes(release)["plans/train-00001-of-00002.parquet"] == digest
