"""Everything that can be wrong with a submission is said at once, before anything is run."""

from __future__ import annotations

import os
import random
import string
from io import BytesIO

import numpy as np
import polars as pl
import pyarrow.parquet
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paletteot.benchmark import schema
from paletteot.benchmark.submissions import rows as submission_rows
from paletteot.benchmark.submissions import said as submission_facts
from paletteot.benchmark.submissions import unpack as submission_unpack
from paletteot.benchmark.submissions.submission import Submission, SubmissionError
from paletteot.benchmark.tracks import runner as evaluate
from paletteot.tables import check_table
from tests.benchmark import submitted
from tests.benchmark.submitted import changed, pairs, rounded, rows, spoilt, write, write_yaml
from tests.dataset import made

IDS = pairs().frame["pair_id"].to_list()


def problems(path) -> list[str]:
    with pytest.raises(SubmissionError) as raised:
        submitted.read(path)
    return list(raised.value.problems)


def read_or_problems(path) -> tuple[Submission | None, tuple[str, ...]]:
    try:
        return submitted.read(path), ()
    except SubmissionError as error:
        return None, error.problems


def test_a_legal_submission_is_read(tmp_path):
    found = submitted.read(write(tmp_path))
    assert found.said.model_dump() == submitted.FACTS
    check_table(found.frame, {n: c for n, c in schema.submission(made.K).items() if n != "omega"}, "frame")
    assert found.frame["pair_id"].to_list() == IDS
    np.testing.assert_array_equal(found.frame["g"].to_numpy(), np.array(rows()["g"].to_list()))


def test_what_may_differ_may_differ(tmp_path):
    """Any order, any integers, any kind of list, omega; no iterations; anything off the support."""
    split = "validation_unseen"
    whole = rows(split).with_columns(omega=pl.lit(1.5), pair_id=pl.col("pair_id").cast(pl.UInt64))
    off = pairs(split).palettes.a[pairs(split).target] == 0
    assert off[0].any()
    g = np.where(off, np.nan, np.array(whole["g"].to_list()))
    whole = whole.with_columns(g=pl.Series(g, dtype=pl.Array(pl.Float64, made.K))).drop("iterations")
    found = submitted.read(write(tmp_path, whole.reverse(), split=split, track="B"))
    assert found.frame["pair_id"].to_list() == pairs(split).frame["pair_id"].to_list()
    assert found.frame["omega"].to_list() == [1.5] * 3
    assert found.frame["iterations"].to_list() == [0] * 3
    np.testing.assert_array_equal(found.frame["g"].to_numpy(), g)


def test_zero_is_a_legal_start(tmp_path):
    zero = rows().with_columns(g=pl.Series([[0.0] * made.K] * len(IDS)), iterations=pl.lit(0))
    assert not submitted.read(write(tmp_path, zero)).frame["g"].to_numpy().any()


@pytest.fixture
def in_this_process(monkeypatch):
    """Read what polars wrote, which no flipped bit makes abort, a hundred times faster."""
    monkeypatch.setattr(submission_rows, "unpacked", submission_unpack.unpack)


THREE = ", ".join(map(str, IDS[:3]))
BROKEN_ROWS = {
    "a missing pair": (lambda frame: frame[1:], f"pair_id: must name every pair of the split, but lacks pair {IDS[0]}"),
    "missing pairs": (lambda frame: frame[3:], f"but lacks 3 pairs: {THREE}"),
    "no row": (lambda frame: frame[:0], f"but lacks 4 pairs: {', '.join(map(str, IDS))}"),
    "an extra pair": (
        lambda frame: pl.concat([frame, frame[:1].with_columns(pair_id=pl.lit(0, pl.Int32))]),
        "pair_id: must name pairs of the split, but names pair 0",
    ),
    "a number beyond all": (
        lambda frame: frame.with_columns(pair_id=pl.col("pair_id").cast(pl.UInt64) + 2**63),
        "pair_id: must be a number in every row, but is not in 4",
    ),
    "a duplicate": (
        lambda frame: pl.concat([frame, frame[1:2]]),
        f"pair_id: must name each pair once, but names pair {IDS[1]} more than once",
    ),
    "no number": (
        lambda frame: frame.with_columns(pair_id=pl.when(pl.col("pair_id") > IDS[0]).then("pair_id")),
        "pair_id: must be a number in every row, but is not in 1",
    ),
    "numbers as text": (
        lambda frame: frame.with_columns(pl.col("pair_id").cast(pl.String)), "pair_id: must be whole numbers, but is ",
    ),
    "too short": (
        lambda frame: changed(frame, 2, [1.5] * (made.K - 1)),
        f"g: must hold 8 values, one for each target atom, but does not for pair {IDS[2]}",
    ),
    "too long": (lambda frame: changed(frame, 0, [1.5] * 9), f"but does not for pair {IDS[0]}"),
    "no g": (lambda frame: changed(frame, 3, None), f"but does not for pair {IDS[3]}"),
    "NaN": (
        lambda frame: spoilt(frame, 1, float("nan")),
        f"g: must be finite where the target's weight is positive, but is not for pair {IDS[1]}",
    ),
    "infinity": (lambda frame: spoilt(frame, 1, float("-inf")), f"but is not for pair {IDS[1]}"),
    "no value": (lambda frame: spoilt(frame, 1, None), f"but is not for pair {IDS[1]}"),
    "float32": (
        lambda frame: frame.with_columns(pl.col("g").cast(pl.List(pl.Float32))),
        "g: must be lists of float64, but is lists of float32",
    ),
    "float32 passed off as float64": (
        rounded, "g: must be computed in float64, but every value is a float32 for 4 pairs: ",
    ),
    "half of it float32": (
        lambda frame: pl.concat([rounded(frame[:1]), frame[1:]]), f"but every value is a float32 for pair {IDS[0]}; ",
    ),
    "float16 passed off as float64": (
        lambda frame: frame.with_columns(g=pl.Series(np.array(frame["g"].to_list()).astype(np.float16).tolist())),
        "g: must be computed in float64, but every value is a float32 for 4 pairs: ",
    ),
    "g is no list": (lambda frame: frame.with_columns(g=pl.lit(1.0)), "g: must be lists of float64, but is float64"),
    "g is lists of lists": (
        lambda frame: frame.with_columns(g=pl.Series([[one] for one in frame["g"].to_list()])),
        "g: must be lists of float64, but is lists of large_list<element: double>",
    ),
    "no column g": (lambda frame: frame.drop("g"), "g: this column is missing"),
    "a column too many": (
        lambda frame: frame.with_columns(omgea=1.0),
        "'omgea': is not a column; legal columns are pair_id, g, omega, iterations",
    ),
    "omega out of range": (
        lambda frame: frame.with_columns(omega=pl.Series([1.0, 2.0, 0.0, float("nan")])),
        f"omega: must be between 0 and 2, but is not for 3 pairs: {', '.join(map(str, IDS[1:]))}",
    ),
    "omega float32": (
        lambda frame: frame.with_columns(omega=pl.lit(1.5, pl.Float32)), "omega: must be float64, but is float32",
    ),
    "passes below zero": (
        lambda frame: frame.with_columns(iterations=pl.lit(-1)),
        "iterations: must be from 0 to 1000000, but is not for 4 pairs: ",
    ),
    "passes that are no whole numbers": (
        lambda frame: frame.with_columns(iterations=pl.lit(1.5)), "iterations: must be whole numbers, but is float64",
    ),
    "the labels": (
        lambda frame: frame.with_columns(g=pl.Series((submitted.labels() + 3.25).tolist()), iterations=pl.lit(0)),
        "g: must be found without the labels, but is the label itself, with no pass declared, for 4 pairs: ",
    ),
    "far too many rows": (
        lambda frame: pl.concat([frame] * 11), "must hold a row for each of 4 pairs, but says it holds 44",
    ),
    "far too long": (
        lambda frame: changed(frame, 0, [0.0] * 10_000),
        "must hold 8 values of g for each of 4 pairs, but says it holds 10 times as many",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN_ROWS)
def test_broken_rows_are_named(tmp_path, fault):
    spoil, line = BROKEN_ROWS[fault]
    found, *more = problems(write(tmp_path, spoil(rows())))
    assert found.startswith("idea.parquet: ")
    assert line in found
    assert all("lacks" in other for other in more)  # a row without a number leaves its pair without a row


BROKEN_FACTS = {
    "no name": ({"name": None}, "name: is missing"),
    "an empty name": ({"name": ""}, "name: String should have at least 1 character, but is ''"),
    "a name of a built-in": (
        {"name": "cold"}, "name: must not be that of a contestant which is there already, but is 'cold'",
    ),
    "a name that looks like a built-in": ({"name": "ＬP_duals"}, "name: must not be that of a contestant"),
    "a seed of a built-in": ({"name": "dual_network-9"}, "name: must not be that of a contestant"),
    "an endless name": ({"name": "x" * 81}, "name: String should have at most 80 characters, but is 'xxx"),
    "a name that is a number": ({"name": 5}, "name: Input should be a valid string, but is 5"),
    "a name of two lines": ({"name": "a\nb"}, "name: must be one line of printable characters"),
    "a name that colours a terminal": ({"name": "\x1b[31mred"}, "without spaces at its ends, but is '\\x1b[31mred'"),
    "a name that runs backwards": ({"name": "evil\u202egnp.exe"}, "but is 'evil\\u202egnp.exe'"),
    "a name between spaces": ({"name": " us "}, "without spaces at its ends, but is ' us '"),
    "authors as text": ({"authors": "Ada"}, "authors: Input should be a valid list, but is 'Ada'"),
    "no authors": ({"authors": []}, "authors: List should have at least 1 item after validation, not 0, but is []"),
    "an author who is a number": ({"authors": ["Ada", 3]}, "authors.1: Input should be a valid string, but is 3"),
    "a link that is a script": (
        {"link": "javascript:alert(1)"}, "link: must be an http or https URL, but is 'javascript:alert(1)'",
    ),
    "a link that is a file": ({"link": "file:///etc/passwd"}, "link: must be an http or https URL"),
    "a link to nowhere": ({"link": "https://"}, "link: must be an http or https URL"),
    "a broken link": ({"link": "http://[::1"}, "link: Invalid IPv6 URL"),
    "another track": ({"track": "C"}, "track: Input should be 'A' or 'B', but is 'C'"),
    "the training split": ({"split": "train"}, "split: Input should be 'validation_seen', 'validation_unseen', "),
    "another data version": (
        {"data_version": "0.9.0"}, "data_version: must be 1.0.0, the version of this data set, but is '0.9.0'",
    ),
    "a version that is a number": ({"data_version": 1.0}, "data_version: Input should be a valid string, but is 1.0"),
    "negative seconds": ({"seconds": -1}, "seconds: Input should be greater than or equal to 0, but is -1"),
    "seconds that are none": ({"seconds": float("nan")}, "seconds: Input should be a finite number, but is nan"),
    "seconds as text": ({"seconds": "fast"}, "seconds: Input should be a valid number, but is 'fast'"),
    "seconds as a flag": ({"seconds": True}, "seconds: Input should be a valid number, but is True"),
    "an unknown field": ({"licence": "MIT"}, "licence: is not a field; legal fields are name, authors, link, track, "),
    "a field that is a terminal's": ({"\x1b[2J": 1}, "'\\x1b[2J': is not a field"),
    "a file elsewhere": (
        {"file": "../../etc/passwd"}, "file: must be the name of a file beside this one, without a folder",
    ),
    "a file that is not there": ({"file": "none.parquet"}, "none.parquet: no such file"),
    "a file that is a folder": ({"file": "sub"}, "sub: no such file"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN_FACTS)
def test_broken_facts_are_named(tmp_path, fault):
    change, line = BROKEN_FACTS[fault]
    (tmp_path / "sub").mkdir()
    lines = problems(write(tmp_path, **change))
    assert len(lines) == 1, lines
    found = lines[0]
    assert line in found
    assert found.isprintable()


BOMB = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]\n" for n in range(9))
BROKEN_YAML = {
    "a list": (b"- name: us\n", "must be a mapping of the fields name, authors, link"),
    "text": (b"hello", "must be a mapping of the fields"),
    "nothing": (b"", "must be a mapping of the fields"),
    "no YAML": (b"name: [", "not YAML: "),
    "a Python object": (b"name: !!python/object/apply:os.system ['exit 1']\n", "not YAML: could not determine"),
    "aliases": (BOMB.encode(), "aliases (*name) are not allowed"),
    "depths": (b"[" * 5000, "must not be nested deeper than 4 levels"),
    "two documents": (b"name: a\n---\nname: b\n", "not YAML: expected a single document"),
    "a field twice": (b"name: a\nname: b\n", "'name': must be given once, but is given 2 times"),
    "no UTF-8": (b"name: \xff\n", "not YAML: 'utf-8' codec can't decode byte 0xff"),
    "a control character": (b"name: \x00\n", "not YAML: unacceptable character"),
    "a 13th month": (b"name: 2024-13-01\n", "not YAML: month must be in 1..12"),
    "endless digits": (b"seconds: " + b"9" * 5000, "not YAML: Exceeds the limit"),
    "too much": (b"name: " + b"x" * 20_000, "must be at most 16384 bytes, but is larger"),
}


@pytest.mark.parametrize("fault", BROKEN_YAML)
def test_broken_yaml_is_one_line(tmp_path, fault):
    content, line = BROKEN_YAML[fault]
    path = write(tmp_path)
    path.write_bytes(content)
    (found,) = problems(path)
    assert found.startswith("idea.yaml: ")
    assert line in found


BROKEN_FILES = {
    "no Parquet": (lambda _: b"pair_id,g\n1,2\n", "not a whole Parquet file: "),
    "nothing": (lambda _: b"", "not a whole Parquet file: "),
    "cut short": (lambda whole: whole[:-20], "not a whole Parquet file: "),
    "its end alone": (lambda whole: whole[-200:], "not a whole Parquet file: "),
    "a pickle": (lambda _: b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.", "not a whole Parquet file: "),
    "huge": (lambda whole: whole + bytes(2**21), "must be at most 1052096 bytes, but is larger"),
}


@pytest.mark.parametrize("fault", BROKEN_FILES)
def test_broken_files_are_one_line(tmp_path, fault):
    spoil, line = BROKEN_FILES[fault]
    path = write(tmp_path)
    file = tmp_path / "idea.parquet"
    file.write_bytes(spoil(file.read_bytes()))
    (found,) = problems(path)
    assert found.startswith("idea.parquet: ")
    assert line in found


def test_a_file_that_unpacks_to_far_more_is_not_unpacked(tmp_path):
    """A list of a million zeros is a few kilobytes of Parquet."""
    bomb = pl.DataFrame({"pair_id": [IDS[0]], "g": [np.zeros(10**6)]})
    path = write(tmp_path)
    bomb.write_parquet(tmp_path / "idea.parquet", compression="zstd")
    assert (tmp_path / "idea.parquet").stat().st_size < 2**14
    assert problems(path) == [
        "idea.parquet: must hold 8 values of g for each of 4 pairs, but says it holds 10 times as many"
    ]


@pytest.mark.parametrize("what", [pl.String, pl.Binary])
def test_a_text_that_stands_for_a_million_is_not_unpacked(tmp_path, what):
    """25 kB of Parquet name one long text a million times: no size that the file states tells."""
    path = write(tmp_path)
    words = pl.Series(["x" * 2**16], dtype=pl.String).cast(what)
    bomb = rows().with_columns(words.gather([0] * len(IDS)).alias("note"))
    table = pl.concat([bomb] * 10).to_arrow()
    pyarrow.parquet.write_table(table, tmp_path / "idea.parquet", use_dictionary=["note"], compression="zstd")
    (found,) = problems(path)
    assert "'note': is not a column" in found


def test_a_file_that_ends_what_reads_it_is_one_line(tmp_path, monkeypatch):
    """As pyarrow does at some flipped bits of what it wrote."""
    (tmp_path / "reader.py").write_text("import os, sys; print('no\\nthanks', file=sys.stderr, flush=True); os.abort()")
    monkeypatch.setattr(submission_unpack, "__file__", str(tmp_path / "reader.py"))
    assert problems(write(tmp_path)) == [
        "idea.parquet: not a whole Parquet file: it ends the process that reads it, -6: 'thanks'"
    ]


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits_of_what_pyarrow_wrote_are_legal_or_reported(tmp_path, seed):
    path = write(tmp_path)
    buffer = BytesIO()
    pyarrow.parquet.write_table(rows().to_arrow(), buffer)
    content, chance = bytearray(buffer.getvalue()), random.Random(seed)
    content[chance.randrange(len(content) - 1500, len(content))] ^= 1 << chance.randrange(8)
    (tmp_path / "idea.parquet").write_bytes(content)
    found, lines = read_or_problems(path)
    assert (found is None) == bool(lines)


def test_a_pipe_is_no_file(tmp_path):
    path = write(tmp_path)
    (tmp_path / "idea.parquet").unlink()
    os.mkfifo(tmp_path / "idea.parquet")
    assert problems(path) == ["idea.parquet: no such file"]
    assert problems(tmp_path) == [f"{tmp_path.name}: no such file"]


def test_everything_is_said_at_once(tmp_path):
    """What is wrong with the facts, and with the rows, in one report."""
    frame = spoilt(rows(), 1, float("nan"))
    frame = pl.concat([frame[1:], frame[2:3]]).with_columns(omega=pl.lit(3.0))
    found = problems(write(tmp_path, frame, name=7, link="x", seconds=-1, colour="red", hardware=None))
    assert [line.partition(" must")[0].partition(" is ")[0] for line in found[:5]] == [
        "idea.yaml: name: Input should be a valid string, but", "idea.yaml: link:",
        "idea.yaml: seconds: Input should be greater than or equal to 0, but", "idea.yaml: hardware:",
        "idea.yaml: colour:",
    ]  # fmt: skip
    assert [line.split(":")[1].strip() for line in found[5:]] == ["pair_id", "pair_id", "g", "omega"]


def test_of_many_pairs_the_first_are_named(tmp_path):
    others = [rows()[:1].with_columns(pair_id=pl.lit(number, pl.Int32)) for number in range(100, 110)]
    (found,) = problems(write(tmp_path, pl.concat([rows(), *others])))
    assert found.endswith("but names 10 pairs: 100, 101, 102, 103, 104, 105, 106, 107, …")


NAMES = [
    "<script>alert(1)</script>",
    "=1+1",
    "../../etc/passwd",
    "a|b",
    "Ünï çødé",
    "數學",
    "'; DROP TABLE",
    "{name}",
    "%s",
]


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_are_legal_and_kept_as_typed(tmp_path, name):
    assert submitted.read(write(tmp_path, name=name)).said.name == name


def test_any_change_of_either_file_is_another_version(tmp_path):
    one = submitted.read(write(tmp_path)).version
    assert submitted.read(write(tmp_path)).version == one
    others = [
        submitted.read(write(tmp_path, seconds=0.003)).version,
        submitted.read(write(tmp_path, rows().reverse())).version,
        submitted.read(write(tmp_path, spoilt(rows(), 0, 0.1))).version,
    ]
    assert len({one, *others}) == 4


def test_a_submission_is_judged_as_the_class_it_came_from(tmp_path):
    from paletteot import warmstarts

    found = submitted.read(write(tmp_path))
    schedule = warmstarts.create("epsilon_schedule_10")
    for track in ("A", "B"):
        judged = submitted.judge(found, track)
        theirs = evaluate.judge(schedule, pairs(), evaluate.Stop(), tracks=(track,))[track]
        seconds = [name for name in theirs.columns if name.endswith("seconds")]
        assert judged[track].drop(seconds).equals(theirs.drop(seconds))
        if track == "B":
            assert judged["plain"]["pair_id"].to_list() == IDS


def test_an_absurd_start_is_legal_and_a_failure(tmp_path):
    found = submitted.read(write(tmp_path, spoilt(rows(), 1, 1e9)))
    assert submitted.judge(found, "A")["A"]["fallback"].to_list() == [False, True, False, False]


CORRUPTIONS = ["drop", "repeat", "shuffle", "dtype", "cut", "flip", "rename", "garbage"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("in_this_process")
@given(what=st.lists(st.sampled_from(CORRUPTIONS), min_size=1, max_size=3, unique=True), seed=st.integers(0, 10**6))
def test_a_corrupted_file_is_legal_or_reported(tmp_path, what, seed):
    chance = random.Random(seed)
    frame = rows().with_columns(omega=pl.lit(1.2))
    for one in what:
        if one == "drop":
            frame = frame[: chance.randrange(len(frame) + 1)]
        elif one == "repeat" and len(frame):
            frame = pl.concat([frame, frame[chance.randrange(len(frame)) :]])
        elif one == "shuffle":
            frame = frame.sample(fraction=1, shuffle=True, seed=seed)
        elif one == "dtype":
            name = chance.choice(frame.columns)
            lists = isinstance(frame[name].dtype, pl.List)
            to = pl.List(pl.Float32) if lists else chance.choice([pl.Int16, pl.Float32, pl.String, pl.Boolean])
            frame = frame.with_columns(pl.col(name).cast(to))
        elif one == "rename":
            frame = frame.rename({chance.choice(frame.columns): chance.choice(string.ascii_uppercase)})
    path = write(tmp_path, frame)
    file = tmp_path / "idea.parquet"
    content = bytearray(file.read_bytes())
    if "cut" in what:
        del content[chance.randrange(len(content)) :]
    if "flip" in what and content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    if "garbage" in what:
        content += chance.randbytes(chance.randrange(1, 50))
    file.write_bytes(content)
    found, lines = read_or_problems(path)
    assert all(line.startswith("idea.parquet: ") for line in lines)
    assert (found is None) == bool(lines)
    if found:
        assert found.frame["pair_id"].to_list() == IDS
    if set(what) == {"shuffle"}:
        np.testing.assert_array_equal(found.frame["g"].to_numpy(), np.array(rows()["g"].to_list()))


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=200), st.text("[]{}&*!-:,'\"|>%@`a1 \n#?", max_size=60).map(str.encode)))
def test_any_bytes_for_yaml_are_a_mapping_or_reported(content):
    mapping, found = submission_facts.parse(content)
    if not found:
        facts, complaints = submission_facts.check(mapping, ("cold",), "1.0.0")
        assert facts is None
        assert complaints


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from([*submitted.FACTS, "other"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=90), lambda s: st.lists(s, max_size=3)
)))  # fmt: skip
def test_any_values_of_the_fields_are_legal_or_reported(change):
    text = yaml.safe_dump({**submitted.FACTS, **change}, allow_unicode=True).encode()
    mapping, found = submission_facts.parse(text)
    facts, complaints = submission_facts.check(mapping, ("cold",), "1.0.0") if not found else (None, found)
    assert (facts is None) == bool(complaints)


def test_yaml_is_read_as_it_was_written(tmp_path):
    path = write_yaml(tmp_path, submitted.FACTS)
    mapping, found = submission_facts.parse(path.read_bytes())
    assert (mapping, found) == (submitted.FACTS, [])
