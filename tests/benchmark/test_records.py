"""Records are written once, never changed, and boards are made from them without running anything."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from paletteot import warmstarts
from paletteot.benchmark import schema
from paletteot.benchmark.bootstrap import Bootstrap
from paletteot.benchmark.records import facts as record_facts
from paletteot.benchmark.records import lines as record_lines
from paletteot.benchmark.records import recorded, results
from paletteot.benchmark.records import store as records
from paletteot.benchmark.records.evaluation import Evaluation
from paletteot.benchmark.records.facts import Measured
from paletteot.benchmark.records.store import FACTS
from paletteot.benchmark.submissions import submission
from paletteot.benchmark.tracks import runner as evaluate
from paletteot.errors import DataError
from paletteot.tables import dtypes
from tests.benchmark import submitted
from tests.benchmark.submitted import SPLIT, VERSION, pairs, rows, write
from tests.benchmark.test_submission import NAMES, PROTOCOL

MEASURED = {
    "at": "2030-01-01T00:00:00Z", "hardware": "a machine", "code_commit": "c0ffee", "plans_dvc_hash": "abc",
    "transport": PROTOCOL,
}  # fmt: skip


def record(tmp_path: Path, measured=MEASURED, frame: pl.DataFrame | None = None, **facts: object) -> Path:
    """Judge a submission and write its record; returns its folder."""
    found = submitted.read(write(tmp_path, frame, **facts))
    judged = submission.judge(found.part(slice(None)), pairs(found.facts.split), found.facts.track, **PROTOCOL)
    facts = found.recorded(Measured.model_validate(measured))
    return records.write(tmp_path / "results", facts, {found.facts.track: judged})


def lines(place: Path) -> list[str]:
    one = records.read(place)
    frame = pairs(one.facts.split).frame
    return record_lines.lines(one, frame, Bootstrap(frame.select("pair_id", "source", "target"), 100, 0))


def test_a_record_lies_by_method_version_data_and_split(tmp_path):
    place = record(tmp_path)
    method, version, data, split = place.relative_to(tmp_path / "results").parts
    assert method == "our_idea-" + method[-8:]
    assert (len(version), data, split) == (12, VERSION, SPLIT)
    assert sorted(file.name for file in place.iterdir()) == [FACTS, "iterations.parquet", "seconds.parquet"]
    facts = json.loads((place / FACTS).read_text())
    assert (facts["name"], facts["by"], facts["link"]) == ("Our idea", ["Ada", "Émile"], submitted.FACTS["link"])
    assert facts["claimed"] == {"seconds": 0.002, "hardware": "a laptop"}
    assert facts["measured"] == MEASURED
    assert set(facts["submitted"]) == {"idea.yaml", "idea.parquet"}


def test_a_record_is_read_as_it_was_written_and_no_seconds_stand_with_what_repeats(tmp_path):
    for track in ("A", "B"):
        made = records.read(record(tmp_path, track=track))
        assert list(made.tables) == list(records.tables(track))
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
        records.read(place)
    for content in ("", "[]", "{}", '{"tracks": ["A"]}', '{"tracks": [], "files": {}}', "\\xff"):
        (place / FACTS).write_text(content)
        with pytest.raises(DataError, match=r"facts\.json: not the facts of a record"):
            records.read(place)


@pytest.mark.parametrize("name", [*NAMES, "..", "/", "CON", "x" * 80, "Our Idea", "our_idea"])
def test_a_name_is_a_safe_folder_and_kept_as_typed(tmp_path, name):
    place = record(tmp_path, name=name)
    folder = place.relative_to(tmp_path / "results").parts[0]
    assert folder.isascii()
    assert folder.replace("-", "").replace("_", "").isalnum()
    assert len(folder) <= 49
    assert records.read(place).facts.name == name
    assert lines(place)[0].startswith(f"{name}: test_unseen, 4 problems, Track A, data 1.0.0")


def test_names_that_make_the_same_slug_do_not_share_a_folder():
    names = ["Our idea", "our idea", "our-idea", "", "?", "!"]
    assert len({record_facts.method_folder(name) for name in names}) == len(names)


def test_of_several_versions_the_last_one_stands(tmp_path):
    record(tmp_path, {**MEASURED, "at": "2030-01-02T00:00:00+00:00"})
    record(tmp_path, {**MEASURED, "at": "2030-01-01T00:00:00+00:00"}, seconds=0.5)
    record(tmp_path, track="B")
    record(tmp_path, name="Another")
    found = records.find(tmp_path / "results", VERSION)
    assert sorted((one.facts.name, *one.facts.tracks, one.facts.claimed.seconds) for one in found) == [
        ("Another", "A", 0.002), ("Our idea", "A", 0.002), ("Our idea", "B", 0.002),
    ]  # fmt: skip
    assert records.find(tmp_path / "results", "9.9.9") == []


def cold(*splits: str) -> Evaluation:
    """The cold start's evaluation, of some splits."""
    parts = [evaluate.judge(warmstarts.create("cold"), pairs(split), **PROTOCOL) for split in splits]
    rows_ = {track: pl.concat([part[track] for part in parts]).sort("pair_id") for track in schema.TRACKS}
    frames = {name: rows_[track].select(list(t)) for track, ts in schema.TRACKS.items() for name, t in ts.items()}
    return Evaluation("cold", **frames)


def test_what_the_cold_start_was_not_judged_on_is_left_out(tmp_path):
    record(tmp_path, split="validation_unseen")
    found = records.find(tmp_path / "results", VERSION)
    assert recorded.evaluations(found, cold(SPLIT))["Our idea"].iterations.is_empty()
    base = cold("validation_unseen")
    fewer = replace(base, iterations=base.iterations[:2], seconds=base.seconds[:2])
    assert len(recorded.evaluations(found, fewer)["Our idea"].iterations) == 2


def test_records_are_evaluations_with_claimed_seconds(tmp_path):
    record(tmp_path)
    record(tmp_path, split="validation_unseen")
    record(tmp_path, track="B")
    found = records.find(tmp_path / "results", VERSION)
    made = recorded.evaluations(found, cold(SPLIT, "validation_unseen"))
    one = made.pop("Our idea")
    assert not made
    assert one.method == "Our idea"
    for name, table in results.TABLES.items():
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
    assert f"ratio {(counts / cold).median():.3f} (" in shown[4]
    assert shown[4].endswith("passes of the start 10; failures 0")
    assert "start 2 ms on a laptop (claimed, not measured here)" in shown[5]
    assert "(measured on a machine)" in shown[5]


def test_the_lines_of_track_b_have_every_acceleration(tmp_path):
    shown = lines(record(tmp_path, frame=rows().with_columns(omega=pl.lit(1.5)), track="B"))
    for label, part in (("1e-5", shown[1:9]), ("1e-9", shown[9:17])):
        assert label in part[0]
        assert [line.split()[0] for line in part[1:]] == [
            "cold", "relaxed", "relaxed_power", "relaxed_own", "anderson_5", "anderson_10", "anderson_20",
        ]  # fmt: skip
        assert all("ratio" in line and line.endswith("failures 0") for line in part[2:])


def test_a_failure_is_counted_in_the_lines(tmp_path):
    frame = submitted.spoilt(rows(), 1, 1e9)
    assert lines(record(tmp_path, frame=frame))[4].endswith("failures 1")


def test_a_record_of_other_pairs_has_no_lines(tmp_path):
    one = records.read(record(tmp_path))
    frame = pairs().frame[1:]
    with pytest.raises(DataError, match="must hold the pairs of split test_unseen, but holds others"):
        record_lines.lines(one, frame, Bootstrap(frame.select("pair_id", "source", "target"), 100, 0))
