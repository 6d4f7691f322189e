from __future__ import annotations

import hashlib
import json
import logging
import re
import subprocess
import sys
from dataclasses import replace

import datasets
import mlcroissant as mlc
import numpy as np
import polars as pl
import pytest

import paletteot
from paletteot.dataset import layout, licences, pictures, schema
from paletteot.errors import DataError
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
        "# Motivation", "# Composition", "# Collection", "# Preprocessing and labels", "# Uses", "# Distribution",
        "# Maintenance", "# Attribution", "## Get it", "## The plan of a row", "## What proves a row",
        "## Splits, and why", "## Licence", "## Known limits", "## Advice for evaluation", "## Social impact",
        "## Cite",
    ):  # fmt: skip
        assert f"\n#{heading}\n" in text
    for fact in (
        "CPU-hours", "atol 0.0001", "seed 3", "photograph-0", "2026-11-25", "https://example.org/issues",
        sha256(release / "palettes" / "full-00000-of-00001.parquet"), "| CC0-1.0 | 8 | 10 |", "| made 1.0 | 8 | 10 |",
        "10 pictures of 8 photographs", "| train | 6 | 4 | 2 | 4 |", "| test_unseen | 4 | 3 | 3 | 0 |",
    ):  # fmt: skip
        assert fact in text
    assert "nobody \\| in particular" in text
    for table in schema.released(made.K).values():
        assert columns_markdown(table).strip() in text


@pytest.mark.parametrize(("licence", "said"), [("CC-BY-SA-4.0", True), ("CC-BY-4.0", False)])
def test_the_card_says_what_holds_for_pictures_under_share_alike(tmp_path, licence, said):
    text = (made.release(tmp_path / "release", licence=licence) / "README.md").read_text()
    assert ("Whoever passes on pixels of the CC BY-SA photographs" in text) is said
    assert "license: mit" in text


def test_the_card_has_eps_from_the_rows(tmp_path):
    """Whatever the parameters say by now."""
    facts = made.facts()
    params = {**facts.params, "transport": {**facts.params["transport"], "eps": 99.0}}
    made.build(made.pipeline_folder(tmp_path / "data"), tmp_path / "release", replace(facts, params=params))
    text = (tmp_path / "release" / "README.md").read_text()
    assert f"k = {made.K}, eps = {made.EPS} LAB units and the Euclidean cost only" in text


def test_share_alike_is_named_where_pixels_would_be_passed_on(tmp_path):
    text = (made.release(tmp_path / "alike", licence="CC-BY-SA-3.0") / "README.md").read_text()
    assert "pixels of the CC BY-SA photographs (CC-BY-SA-3.0)" in text
    assert "| CC BY-SA | 8 | 10 |" in text
    assert "pixels of the" not in (made.release(tmp_path / "free") / "README.md").read_text()


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("CC0-1.0", "public domain or CC0"), ("public domain", "public domain or CC0"), ("CC-BY-2.0", "CC BY"),
        ("CC-BY-SA-4.0", "CC BY-SA"), ("CC-BY-NC-2.0", "CC-BY-NC-2.0"), (licences.UNSPLASH, licences.UNSPLASH),
    ],
)  # fmt: skip
def test_licences_are_counted_in_classes(licence, kind):
    assert pictures.kind_of(licence) == kind


@pytest.mark.parametrize("column", ["weights", "centroids"])
def test_palettes_stored_as_lists_are_one_clear_line(tmp_path, column):
    data = made.pipeline_folder(tmp_path / "data")
    file = data / "palettes.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(pl.col(column).arr.to_list()).write_parquet(file)
    with pytest.raises(DataError) as caught:
        made.build(data, tmp_path / "release", made.facts())
    assert str(caught.value).startswith(f"{file}: column {column} must be ")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "release").exists()


def test_a_release_of_changes_that_no_commit_has_says_so_and_no_other_file_differs(release, tmp_path):
    data = made.pipeline_folder(tmp_path / "data")
    made.build(data, tmp_path / "release", replace(made.facts(), uncommitted=("src/one.py", "params.yaml")))
    found = layout.hashes(tmp_path / "release")
    assert (tmp_path / "release" / layout.UNCOMMITTED).read_text() == "src/one.py\nparams.yaml\n"
    del found[layout.UNCOMMITTED]
    assert found == layout.hashes(release)


def test_the_card_of_closed_pictures_says_so(tmp_path):
    text = (made.release(tmp_path / "closed", licence=licences.UNSPLASH) / "README.md").read_text()
    assert "\nlicense: other\n" in text
    assert "`paletteot publish` refuses it" in text


@pytest.fixture
def complaints():
    """What mlcroissant logs; it does so with absl, which the root logger may not hear."""
    heard: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: heard.append(record.getMessage())
    loggers = [logging.getLogger(), logging.getLogger("absl")]
    for logger in loggers:
        logger.addHandler(handler)
    yield heard
    for logger in loggers:
        logger.removeHandler(handler)


def test_croissant_validates_without_a_warning(release, complaints, recwarn):
    found = mlc.Dataset(str(release / "croissant.json"), mapping={"repo": str(release)})
    assert found.metadata.ctx.issues.errors == set()
    assert found.metadata.ctx.issues.warnings == set()
    assert complaints == []
    assert [one for one in recwarn if "croissant" in one.filename] == []
    assert found.metadata.ctx.is_v1_1()


def test_what_is_not_standard_would_be_heard(release, tmp_path, complaints):
    found = json.loads((release / "croissant.json").read_text())
    del found["@context"]["samplingRate"], found["datePublished"]
    (tmp_path / "croissant.json").write_text(json.dumps(found))
    loaded = mlc.Dataset(str(tmp_path / "croissant.json"))
    assert any("datePublished" in one for one in loaded.metadata.ctx.issues.warnings)
    assert any("samplingRate" in one for one in complaints)


def test_croissant_says_what_responsible_use_needs(release):
    said = json.loads((release / "croissant.json").read_text())
    assert said["conformsTo"] == ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
    assert said["@context"]["rai"] == "http://mlcommons.org/croissant/RAI/"
    assert said["@context"]["prov"] == "http://www.w3.org/ns/prov#"
    assert said["creator"]["name"] == "The PaletteOT authors"
    assert (said["datePublished"], said["version"]) == ("2026-11-25", "1.0.0")
    assert said["license"] == "https://spdx.org/licenses/MIT"
    for field, fact in {
        "dataLimitations": "10 pictures of 8 photographs in 8 groups", "dataBiases": "the source made holds",
        "personalSensitiveInformation": "no person can be told from a palette", "dataUseCases": "dual potential",
        "dataSocialImpact": "says nothing of persons", "dataReleaseMaintenancePlan": "https://example.org/issues",
    }.items():  # fmt: skip
        text = said[f"rai:{field}"]
        assert fact in (text if isinstance(text, str) else " ".join(text))
    assert said["rai:hasSyntheticData"] is False
    (origin,) = said["prov:wasDerivedFrom"]
    assert (origin["@type"], origin["name"]) == ("prov:Entity", "made 1.0")
    assert origin["description"] == "8 photographs, of which 10 pictures were made"
    steps = {step["name"]: step["description"] for step in said["prov:wasGeneratedBy"]}
    assert list(steps) == ["images", "palettes", "pairs", "plans"]
    assert "at most 1e-09" in steps["plans"]
    assert "grading" not in steps["images"]


def test_croissant_of_closed_pictures_names_their_licence(tmp_path):
    said = json.loads((made.release(tmp_path / "closed", licence=licences.UNSPLASH) / "croissant.json").read_text())
    assert said["license"] == licences.UNSPLASH


def test_the_records_of_croissant_load(release):
    found = mlc.Dataset(str(release / "croissant.json"), mapping={"repo": str(release)})
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
