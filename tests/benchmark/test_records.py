"""Records are written once, never changed, and boards are made from them without running anything."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from paletteot import warmstarts
from paletteot.benchmark import schema
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.records import evaluation, store
from paletteot.benchmark.records import facts as record_facts
from paletteot.benchmark.records import lines as record_lines
from paletteot.benchmark.records.evaluation import TABLES, Evaluation
from paletteot.benchmark.records.facts import Measured, Terms
from paletteot.benchmark.records.store import FACTS, Found
from paletteot.benchmark.tracks import runner
from paletteot.errors import DataError
from paletteot.tables import dtypes
from tests.benchmark import fake, submitted
from tests.benchmark.submitted import SPLIT, VERSION, pairs, rows, write
from tests.benchmark.test_submission import NAMES
from tests.dataset import made as data

MEASURED = {"at": "2030-01-01T00:00:00Z", "hardware": "a machine", "code_commit": "c0ffee", "sandbox": ""}
TERMS = Terms(data_version=VERSION, plans_dvc_hash="abc", transport=data.PARAMS["transport"])


def record(
    tmp_path: Path, measured=MEASURED, frame: pl.DataFrame | None = None, terms: Terms = TERMS, **facts: object
) -> Path:
    """Judge a submission and write its record; returns its folder."""
    found = submitted.read(write(tmp_path, frame, **facts))
    said = found.recorded(terms, Measured.model_validate(measured))
    place = tmp_path / "results" / said.place
    store.write(place, said, submitted.judge(found, found.said.track))
    return place


def find(tmp_path: Path, terms: Terms = TERMS) -> Found:
    return store.find(tmp_path / "results", terms, warmstarts.entries())


def lines(place: Path) -> list[str]:
    one = store.read(place)
    frame = pairs(one.facts.splits[0]).frame
    return record_lines.record(one, frame, Bootstrap(frame, fake.alone(frame), 100, 0))


def test_a_record_lies_by_method_version_data_and_split(tmp_path):
    place = record(tmp_path)
    method, version, data, split = place.relative_to(tmp_path / "results").parts
    assert method == "our_idea-" + method[-8:]
    assert (len(version), data, split) == (12, VERSION, SPLIT)
    assert sorted(file.name for file in place.iterdir()) == [FACTS, "iterations.parquet", "seconds.parquet"]
    facts = json.loads((place / FACTS).read_text())
    assert (facts["name"], facts["by"], facts["link"]) == ("Our idea", ["Ada", "Émile"], submitted.FACTS["link"])
    assert facts["claimed"] == {"seconds": 0.002, "hardware": "a laptop"}
    assert (facts["measured"], facts["terms"]) == (MEASURED, TERMS.model_dump())
    assert set(facts["submitted"]) == {"idea.yaml", "idea.parquet"}


def test_a_record_is_read_as_it_was_written_and_no_seconds_stand_with_what_repeats(tmp_path):
    for track in ("A", "B"):
        made = store.read(record(tmp_path, track=track))
        assert list(made.tables) == list(store.tables([track], base=track == "B"))
        for name, frame in made.tables.items():
            assert any("seconds" in column for column in frame.columns) == ("seconds" in name)
    assert set(made.tables["plain"]["acceleration"]) == {"plain"}
    assert "plain" not in set(made.tables["accelerated"]["acceleration"])


def test_a_record_is_never_overwritten(tmp_path):
    place = record(tmp_path)
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    with pytest.raises(DataError, match="a record that is there is never overwritten"):
        record(tmp_path, measured={**MEASURED, "at": "2031-01-01T00:00:00+00:00"})
    assert {file.name: file.read_bytes() for file in place.iterdir()} == before
    assert [child.name for child in place.parent.iterdir()] == [SPLIT]


def test_a_changed_record_is_refused(tmp_path):
    place = record(tmp_path)
    frame = pl.read_parquet(place / "iterations.parquet")
    frame.with_columns(iterations=pl.lit(1, pl.Int32)).write_parquet(place / "iterations.parquet")
    with pytest.raises(DataError, match=r"iterations\.parquet: must be as it was written, but its SHA-256 is not"):
        store.read(place)
    for content in ("", "[]", "{}", '{"tracks": ["A"]}', '{"tracks": [], "files": {}}', "\\xff"):
        (place / FACTS).write_text(content)
        with pytest.raises(DataError, match=r"facts\.json: not the facts of a record"):
            store.read(place)


@pytest.mark.parametrize("name", [*NAMES, "..", "/", "CON", "x" * 80, "Our Idea", "our_idea"])
def test_a_name_is_a_safe_folder_and_kept_as_typed(tmp_path, name):
    place = record(tmp_path, name=name)
    folder = place.relative_to(tmp_path / "results").parts[0]
    assert folder.isascii()
    assert folder.replace("-", "").replace("_", "").isalnum()
    assert len(folder) <= 49
    assert store.read(place).facts.name == name
    assert lines(place)[0].startswith(f"{name}: test_unseen, 4 problems of 3 photographs, Track A, data 1.0.0")


def test_names_that_make_the_same_slug_do_not_share_a_folder():
    names = ["Our idea", "our idea", "our-idea", "", "?", "!"]
    assert len({record_facts.method_folder(name) for name in names}) == len(names)


def test_of_several_versions_the_last_one_stands(tmp_path):
    record(tmp_path, {**MEASURED, "at": "2030-01-02T00:00:00+00:00"})
    record(tmp_path, {**MEASURED, "at": "2030-01-01T00:00:00+00:00"}, seconds=0.5)
    record(tmp_path, track="B")
    record(tmp_path, name="Another")
    found = find(tmp_path)
    assert not found.refused
    assert sorted((one.facts.name, *one.facts.tracks, one.facts.claimed.seconds) for one in found.records) == [
        ("Another", "A", 0.002), ("Our idea", "A", 0.002), ("Our idea", "B", 0.002),
    ]  # fmt: skip
    assert find(tmp_path, TERMS.model_copy(update={"data_version": "9.9.9"})) == Found([], {})


def cold(*splits: str) -> Evaluation:
    """The cold start's evaluation, of some splits."""
    parts = [runner.judge(warmstarts.create("cold"), pairs(split), runner.Stop()) for split in splits]
    rows_ = {track: pl.concat([part[track] for part in parts]).sort("pair_id") for track in schema.TRACKS}
    frames = {name: rows_[track].select(list(t)) for track, ts in schema.TRACKS.items() for name, t in ts.items()}
    return Evaluation("cold", **frames)


def test_what_the_cold_start_was_not_judged_on_is_left_out(tmp_path):
    record(tmp_path, split="validation_unseen")
    found = find(tmp_path).records
    assert evaluation.of_records(found, cold(SPLIT))["Our idea"].iterations.is_empty()
    base = cold("validation_unseen")
    fewer = replace(base, iterations=base.iterations[:2], seconds=base.seconds[:2])
    assert len(evaluation.of_records(found, fewer)["Our idea"].iterations) == 2


def test_records_are_evaluations_with_claimed_seconds(tmp_path):
    record(tmp_path)
    record(tmp_path, split="validation_unseen")
    record(tmp_path, track="B")
    found = find(tmp_path).records
    made = evaluation.of_records(found, cold(SPLIT, "validation_unseen"))
    one = made.pop("Our idea")
    assert not made
    assert one.method == "Our idea"
    for name, table in TABLES.items():
        assert getattr(one, name).schema == dtypes(table)
    assert one.iterations["split"].to_list() == ["validation_unseen"] * 3 + [SPLIT] * 4
    assert set(one.accelerated["split"]) == {SPLIT}
    assert one.newton.is_empty()
    assert (one.seconds["init_seconds"] == 0.002).all()
    assert (one.seconds["total_seconds"] > 0.002).all()
    assert (one.accelerated_seconds["total_seconds"] > 0.002).all()


def test_the_lines_of_track_a_stand_beside_the_cold_start(tmp_path):
    place = record(tmp_path)
    frame, cold = pl.read_parquet(place / "iterations.parquet"), pairs().frame["cold_iterations"]
    counts = frame["iterations"] + 10
    shown = lines(place)
    assert shown[2].split()[:2] == ["cold", str(cold.min())]
    assert shown[3].split()[:2] == ["start", str(counts.min())]
    assert f"ratio {(counts / cold).median():.3f}, " in shown[4]
    assert shown[5] == "  3 photographs: no interval worth reading, nor a rank"
    assert shown[4].endswith("passes of the start 10; failures 0")
    assert "start 2 ms on a laptop (claimed, not measured here)" in shown[6]
    assert "(measured on a machine)" in shown[6]


def test_the_lines_of_track_b_have_every_acceleration(tmp_path):
    shown = lines(record(tmp_path, frame=rows().with_columns(omega=pl.lit(1.5)), track="B"))
    for label, part in (("1e-5", shown[1:9]), ("1e-9", shown[9:17])):
        assert label in part[0]
        assert [line.split()[2] for line in part[1:]] == [
            "plain", "relaxed", "relaxed_power", "relaxed_own", "anderson_5", "anderson_10", "anderson_20",
        ]  # fmt: skip
        assert all("ratio" in line and line.endswith("failures 0") for line in part[2:])


def test_a_failure_is_counted_in_the_lines(tmp_path):
    frame = submitted.spoilt(rows(), 1, 1e9)
    assert lines(record(tmp_path, frame=frame))[4].endswith("failures 1")


def test_a_record_of_other_pairs_has_no_lines(tmp_path):
    one = store.read(record(tmp_path))
    frame = pairs().frame[1:]
    with pytest.raises(DataError, match="must hold the pairs of split test_unseen, but holds others"):
        record_lines.record(one, frame, Bootstrap(frame, fake.alone(frame), 100, 0))


FORGED = {
    "another eps": (
        {"terms": TERMS.model_copy(update={"transport": {**TERMS.transport, "eps": 5 * TERMS.transport["eps"]}})},
        "terms.transport must be",
    ),
    "other plans": ({"terms": TERMS.model_copy(update={"plans_dvc_hash": "def"})}, 'plans_dvc_hash must be "abc"'),
    "a stop that is reached at once": (
        {"terms": TERMS.model_copy(update={"transport": {**TERMS.transport, "atol": 1.0}})}, "terms.transport must be",
    ),
}  # fmt: skip


@pytest.mark.parametrize("forgery", FORGED)
def test_a_record_made_under_other_terms_does_not_stand_and_keeps_nobody_out(tmp_path, forgery):
    changes, words = FORGED[forgery]
    bad = record(tmp_path, name="Too good", **changes)
    record(tmp_path)
    found = find(tmp_path)
    assert [one.facts.name for one in found.records] == ["Our idea"]
    assert list(found.refused) == [bad]
    assert words in found.refused[bad]


def forged(place: Path, **changes: object) -> None:
    facts = json.loads((place / FACTS).read_text())
    (place / FACTS).write_text(json.dumps(facts | changes))


def test_a_version_is_that_of_the_code_it_names(tmp_path):
    place = record(tmp_path)
    version = place.parts[-3]
    forged(place, submitted={"idea.yaml": "0" * 64, "idea.parquet": "1" * 64})
    with pytest.raises(DataError, match=rf"version must be \w{{12}}, that of the files it names, but is {version}"):
        store.read(place)
    (why,) = find(tmp_path).refused.values()
    assert "version must be" in why


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00", '{"name": "x"}'])
def test_what_is_no_record_is_shown_with_its_reason(tmp_path, content):
    record(tmp_path)
    broken = tmp_path / "results" / "a" / "b" / VERSION / SPLIT
    broken.mkdir(parents=True)
    (broken / FACTS).write_text(content)
    found = find(tmp_path)
    assert len(found.records) == 1
    assert "not the facts of a record" in found.refused[broken]


@pytest.mark.parametrize("name", ["Cold", "ＣＯＬＤ", "cold-7", "COLD"])
def test_a_record_that_reads_like_a_contestant_does_not_stand(tmp_path, name):
    place = record(tmp_path)
    fresh = tmp_path / "results" / record_facts.method_folder(name) / place.parts[-3] / VERSION
    fresh.mkdir(parents=True)
    place.rename(fresh / SPLIT)
    forged(fresh / SPLIT, name=name)
    (why,) = find(tmp_path).refused.values()
    assert "name must be nobody else's" in why


def test_two_names_that_read_alike_are_one_name_and_the_first_has_it(tmp_path):
    record(tmp_path)
    later = record(tmp_path, {**MEASURED, "at": "2030-01-02T00:00:00Z"}, name="OUR IDEA")
    found = find(tmp_path)
    assert [one.facts.name for one in found.records] == ["Our idea"]
    assert "reads like 'Our idea', which was first" in found.refused[later]


def test_letters_of_two_scripts_are_no_name(tmp_path):
    with pytest.raises(submitted.SubmissionError, match="one script, but has letters of CYRILLIC and LATIN"):
        record(tmp_path, name="c\u043eld start")


@pytest.mark.parametrize(
    ("column", "value"), [("iterations", -3), ("init_iterations", -1), ("error_stop", float("nan"))]
)
def test_nothing_illegal_is_written(tmp_path, column, value):
    found = submitted.read(write(tmp_path))
    judged = submitted.judge(found, "A")["A"]
    spoilt = judged.with_columns(pl.lit(value).cast(judged.schema[column]).alias(column))
    said = found.recorded(TERMS, Measured.model_validate(MEASURED))
    with pytest.raises(DataError, match=f"{column} must be finite and at least 0"):
        store.write(tmp_path / "results" / said.place, said, {"A": spoilt})
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(("noise", "like"), [(1e-11, 4), (1e-8, 4), (1e-2, 0)])
@pytest.mark.parametrize("passes", [1, 1000])
def test_labels_with_noise_are_legal_and_said_to_read_like_the_label(tmp_path, noise, like, passes):
    noisy = submitted.labels() + noise * np.random.default_rng(0).normal(size=submitted.labels().shape)
    frame = rows().with_columns(g=pl.Series(noisy.tolist()), iterations=pl.lit(passes))
    place = record(tmp_path, frame=frame)
    assert store.read(place).tables["iterations"]["label_like"].sum() == like
    said = [line for line in lines(place) if "reads like the label" in line]
    assert len(said) == bool(like)
    assert not like or said[0].endswith("on 4 of 4 problems")
