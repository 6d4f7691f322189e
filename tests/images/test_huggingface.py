from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import shutil
import subprocess
import sys
import tarfile
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import fsspec
import numpy as np
import pytest
from PIL import Image

from paletteot.errors import DataError
from paletteot.images import addresses, hf_stream
from paletteot.images.grading import IDENTITY
from paletteot.images.huggingface import HuggingFace
from paletteot.images.source import Picture
from tests.images import misbehaving
from tests.integration import hub as server

ROOT = Path(__file__).parent.parent.parent
ROWS = 60
WHO = ["ann", "bob", "cy"]


def photograph(row: int) -> bytes:
    """Return a PNG whose first pixel says which row it is of."""
    pixels = np.random.default_rng(row).integers(0, 256, (3, 4, 3)).astype(np.uint8)
    pixels[0, 0] = (row, 7, 9)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def table(rows: range = range(ROWS), **columns: list[Any]) -> datasets.Dataset:
    images = [{"bytes": photograph(row), "path": None} for row in rows]
    made = datasets.Dataset.from_dict({"image": images, "who": [row % 3 for row in rows], **columns})
    return made.cast_column("image", datasets.Image()).cast_column("who", datasets.ClassLabel(names=WHO))


def written(made: datasets.Dataset, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    made.to_parquet(str(file), batch_size=1000)  # of rows; without it datasets opens what the rows name
    return file


@pytest.fixture(scope="module")
def parquet(tmp_path_factory) -> Path:
    """A folder of one split in two files, 60 rows."""
    root = tmp_path_factory.mktemp("parquet")
    for number in range(2):
        written(table(range(30 * number, 30 * number + 30)), root / f"train-{number:05d}-of-00002.parquet")
    return root


@pytest.fixture
def source(tmp_path) -> Callable[..., HuggingFace]:
    def make(location: object, cache: str = "cache", **given: str) -> HuggingFace:
        made = {"group_by": None, "split": None, "licence": None, **given}
        return HuggingFace(str(location), cache=tmp_path / cache, **made)

    return make


def numbers(pictures: list[Picture]) -> list[int]:
    return [int(picture.place.removeprefix("row ")) for picture in pictures]


def found(source: HuggingFace, count: int = 20, *, seed: int = 0, grading: float = 0) -> list[Picture]:
    return source.pictures(count, grading=grading, seed=seed)


def shown(source: HuggingFace) -> dict[int, int]:
    """Return what the pictures of the sample say which row they are of, by row; fetch them first."""
    pictures = found(source)
    assert source.fetch(pictures) == {}
    return {row: int(source.open(one).pixels[0, 0, 0]) for one, row in zip(pictures, numbers(pictures), strict=True)}


def kept(source: HuggingFace) -> list[str]:
    return sorted(file.name for file in source.sample.iterdir() if file.name != "sample.json")


def refusal(source: HuggingFace) -> str:
    with pytest.raises(DataError) as caught:
        found(source)
    message = str(caught.value)
    assert message.startswith(f"{source.location}: ")
    assert "\n" not in message
    return message.removeprefix(f"{source.location}: ")


def streaming(monkeypatch, rows: Callable[[], Iterator[dict[str, Any]]]) -> None:
    """Have every source stream these rows, of the columns image and who."""
    monkeypatch.setattr(hf_stream, "rows", lambda *_: (rows(), "image", None))


def plain(count: int, content: Callable[[int], bytes] = photograph) -> Iterator[dict[str, Any]]:
    for row in range(count):
        yield {"image": {"bytes": content(row), "path": None}, "who": f"{row % 5}"}


# The sample.


def test_the_wanted_rows_and_some_substitutes_are_drawn(source, parquet):
    drawn = source(parquet)
    pictures = found(drawn, 20)
    assert len(set(numbers(pictures))) == len(pictures) == 20 + 2 + 10
    assert set(numbers(pictures)) < set(range(ROWS))
    assert kept(drawn) == sorted(picture.image_id for picture in pictures)


@pytest.mark.parametrize("name", ["*.parquet", "train-?????-of-00002.parquet"])
def test_a_folder_with_glob_characters_is_a_folder_of_that_name(source, parquet, tmp_path, name):
    place = tmp_path / "[v1] all*"
    shutil.copytree(parquet, place)
    assert sorted(numbers(found(source(place / name), 500))) == list(range(ROWS))
    shutil.copy(next(parquet.iterdir()), place / "one[1]*.parquet")
    assert len(found(source(place / "one[1]*.parquet", "other"), 500)) == 30


def test_a_small_data_set_is_taken_whole(source, parquet):
    assert sorted(numbers(found(source(parquet), 500))) == list(range(ROWS))


def test_a_picture_holds_the_pixels_of_its_row(source, parquet):
    drawn = source(parquet)
    pictures = found(drawn)
    assert drawn.fetch(pictures) == {}
    for one in (drawn, pickle.loads(pickle.dumps(drawn))):
        for picture, row in zip(pictures, numbers(pictures), strict=True):
            original = one.open(picture)
            assert original.pixels[0, 0].tolist() == [row, 7, 9]
            assert original.sha256 == hashlib.sha256(photograph(row)).hexdigest()


def test_a_picture_says_where_it_came_from(source, parquet):
    pictures = found(source(parquet, split="train"))
    for picture, row in zip(pictures, numbers(pictures), strict=True):
        assert picture.image_id == f"hf-{row:09d}" == picture.group
        assert (picture.source, picture.licence) == ("huggingface", "not stated")
        assert picture.attribution == f"{parquet}, train, row {row}"
        assert picture.crop is None
    assert {one.licence for one in found(source(parquet, licence="CC0-1.0"))} == {"CC0-1.0"}


def test_the_same_seed_draws_the_same_sample(source, parquet):
    assert found(source(parquet, "one"), grading=1) == found(source(parquet, "two"), grading=1)
    assert numbers(found(source(parquet), seed=1)) != numbers(found(source(parquet), seed=2))


def test_the_order_is_one_and_the_same_everywhere(source, parquet):
    ranks = sorted(range(ROWS), key=lambda row: int(hashlib.sha256(f"5:{row}".encode()).hexdigest()[:16], 16))
    assert numbers(found(source(parquet), 20, seed=5)) == ranks[:32]


def test_a_picture_depends_on_the_seed_and_itself_alone(source, parquet):
    few, many = found(source(parquet), 2, grading=1), found(source(parquet), 20, grading=1)
    assert few == many[: len(few)]
    assert len({tuple(picture.grading.values()) for picture in many}) == len(many)
    assert all(picture.grading == IDENTITY for picture in found(source(parquet)))


def test_every_row_has_the_same_chance(source, monkeypatch):
    streaming(monkeypatch, lambda: plain(44, lambda row: b"%d" % row))
    drawn = Counter[int]()
    trials = 80
    for seed in range(trials):
        drawn.update(numbers(found(source("ORG/NAME"), 1, seed=seed)))
    share = 11 / 44
    deviation = (trials * share * (1 - share)) ** 0.5
    assert set(drawn) == set(range(44))
    assert max(abs(number - trials * share) for number in drawn.values()) < 4 * deviation


def test_memory_does_not_grow_with_the_data(source, monkeypatch):
    streaming(monkeypatch, lambda: plain(3000, lambda row: b"%08d" % row * 12_500))
    drawn = source("ORG/NAME")
    tracemalloc.start()
    try:
        pictures = found(drawn, 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3e6  # of 300 MB that streamed by, and 3.2 MB that are kept
    assert len(kept(drawn)) == len(pictures) == 32
    assert all((drawn.sample / name).stat().st_size == 100_000 for name in kept(drawn))


# Where the rows are.


def test_a_file_or_several_will_do(source, parquet):
    shards = sorted(parquet.glob("*.parquet"))
    assert sorted(numbers(found(source(shards[0]), 99))) == list(range(30))
    assert found(source(f"{parquet}/*.parquet"), 99)[0].image_id == found(source(parquet), 99)[0].image_id


def test_a_folder_of_pictures_will_do(source, tmp_path):
    for row in range(6):
        file = tmp_path / "tree" / WHO[row % 3] / f"{row}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photograph(row))
    drawn = source(tmp_path / "tree", group_by="label")
    groups = {one.place: one.group for one in found(drawn)}
    assert {number: groups[f"row {row}"] for row, number in shown(drawn).items()} == {
        row: WHO[row % 3] for row in range(6)
    }


def test_a_web_dataset_will_do(source, tmp_path):
    with tarfile.open(tmp_path / "some.tar", "w") as archive:
        for row in range(6):
            member = tarfile.TarInfo(f"{row:03d}.png")
            member.size = len(photograph(row))
            archive.addfile(member, io.BytesIO(photograph(row)))
    drawn = source(tmp_path / "some.tar")
    assert shown(drawn) == {row: row for row in range(6)}


def test_files_that_lie_beside_the_table_are_read(source, tmp_path):
    for row in range(3):
        (tmp_path / f"{row}.png").write_bytes(photograph(row))
    paths = [str(tmp_path / f"{row}.png") for row in range(3)]
    made = datasets.Dataset.from_dict({"image": paths}).cast_column("image", datasets.Image())
    drawn = source(written(made, tmp_path / "a.parquet"))
    assert shown(drawn) == {0: 0, 1: 1, 2: 2}


@pytest.fixture
def splits(tmp_path) -> Path:
    """Two configurations, one of two splits."""
    root = tmp_path / "splits"
    for name, rows in (("big/train", range(9)), ("big/test", range(9, 12)), ("small/train", range(12, 17))):
        written(table(rows), root / f"{name}.parquet")
    (root / "README.md").write_text(
        "---\nconfigs:\n- config_name: big\n  data_files:\n  - split: train\n    path: big/train.parquet\n"
        "  - split: test\n    path: big/test.parquet\n- config_name: small\n  data_files: small/*.parquet\n---\n"
    )
    return root


@pytest.mark.parametrize(
    ("split", "rows"), [("big/train", range(9)), ("big/test", range(9, 12)), ("small/train", range(12, 17))]
)
def test_a_split_and_its_configuration_are_chosen(source, splits, split, rows):
    assert shown(source(splits, split=split)) == dict(enumerate(rows))


@pytest.mark.parametrize(
    ("split", "words"),
    [
        ("big/nope", "split must be one of train, test, but is nope"), ("big/", "train, test, but is not given"),
        ("train", "small"), ("nope/train", "nope"), (None, "small"),
    ],
)  # fmt: skip
def test_a_split_that_is_not_there_is_named_with_those_that_are(source, splits, split, words):
    assert words in refusal(source(splits, split=split))


def test_the_only_split_need_not_be_named(source, tmp_path):
    written(table(range(5)), tmp_path / "only" / "validation.parquet")
    assert len(found(source(tmp_path / "only"))) == 5


# Columns.


def test_groups_are_the_names_of_classes(source, parquet):
    pictures = found(source(parquet, group_by="who"))
    assert all(one.group == WHO[row % 3] for one, row in zip(pictures, numbers(pictures), strict=True))


@pytest.mark.parametrize("values", [["x", "y", "z"], [10, 20, 30]])
def test_groups_are_the_values_of_any_column(source, tmp_path, values):
    file = written(table(range(3), of=values), tmp_path / "a.parquet")
    pictures = found(source(file, group_by="of"))
    assert {row: one.group for one, row in zip(pictures, numbers(pictures), strict=True)} == {
        row: str(value) for row, value in enumerate(values)
    }


def test_a_row_without_a_group_is_reported(source, tmp_path):
    drawn = source(written(table(range(3), of=["x", None, ""]), tmp_path / "a.parquet"), group_by="of")
    assert numbers(found(drawn)) == [0]
    assert drawn.skipped == {"row 1": "no group in column of", "row 2": "no group in column of"}


def test_a_row_without_a_class_is_reported(source, tmp_path):
    made = table(range(3)).map(lambda row: {"who": -1 if row["who"] == 1 else row["who"]})
    drawn = source(written(made, tmp_path / "a.parquet"), group_by="who")
    assert {one.place: one.group for one in found(drawn)} == {"row 0": "ann", "row 2": "cy"}
    assert drawn.skipped == {"row 1": "no group in column who"}


def test_a_column_that_is_not_there_is_named_with_those_that_are(source, parquet):
    assert (
        refusal(source(parquet, group_by="author"))
        == "no column author; there are image (PIL.Image.Image), who (int64)"
    )
    assert refusal(source(parquet, column="picture")).startswith("no column picture; there are image")


def test_a_data_set_without_images_is_refused(source, tmp_path):
    file = written(datasets.Dataset.from_dict({"n": [1], "text": ["a"]}), tmp_path / "a.parquet")
    assert refusal(source(file)) == "0 columns of images, where one is wanted; there are n (int64), text (string)"


def test_of_several_columns_of_images_one_is_named(source, tmp_path):
    broken = [{"bytes": b"no picture", "path": None}] * 3
    made = table(range(3), mask=broken).cast_column("mask", datasets.Image())
    file = written(made, tmp_path / "a.parquet")
    assert refusal(source(file)).startswith("2 columns of images, where one is wanted; there are image")
    drawn = source(file, column="image")
    assert shown(drawn) == {0: 0, 1: 1, 2: 2}


def test_a_column_of_paths_is_taken_when_named(source, tmp_path):
    (tmp_path / "0.png").write_bytes(photograph(0))
    file = written(datasets.Dataset.from_dict({"file": [str(tmp_path / "0.png")]}), tmp_path / "a.parquet")
    assert shown(source(file, column="file")) == {0: 0}


# What cannot be had.


def named(*paths: object) -> datasets.Dataset:
    """Return a table whose first row holds a picture, and the others where one is."""
    images = [{"bytes": photograph(0), "path": None}, *({"bytes": None, "path": path} for path in paths)]
    return datasets.Dataset.from_dict({"image": images}).cast_column("image", datasets.Image())


def embedded(count: int) -> datasets.Dataset:
    images = [{"bytes": photograph(number), "path": None} for number in range(count)]
    return datasets.Dataset.from_dict({"image": images}).cast_column("image", datasets.Image())


@pytest.mark.parametrize("name", ["[v1]", "a?c", "all*"])
def test_a_name_that_looks_like_a_pattern_is_a_name(source, tmp_path, name):
    for other in ("v", "abc", "allthat"):
        (tmp_path / other).mkdir()
        written(embedded(5), tmp_path / f"{other}.parquet")
        written(embedded(5), tmp_path / other / "data.parquet")
    (tmp_path / name).mkdir()
    for file in (tmp_path / f"{name}.parquet", tmp_path / name / "data.parquet"):
        written(embedded(2), file)
        assert numbers(found(source(file))) == [0, 1]
    assert "takes *, ? and [ in the name of a folder for a pattern" in refusal(source(tmp_path / name))


@pytest.fixture
def web(monkeypatch) -> Iterator[misbehaving.Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with misbehaving.serving() as running:
        yield running


def test_files_on_the_web_are_fetched_as_photographs_are(source, tmp_path, monkeypatch, web):
    monkeypatch.setenv(addresses.ALLOW, "1")
    web.plan = {
        "/a": [misbehaving.status(500), misbehaving.of(kind="application/octet-stream")],
        "/b": [misbehaving.status(404)], "/c": [misbehaving.of(b"x", Content_Length=10**15)],
    }  # fmt: skip
    drawn = source(written(named(*(f"{web.url}/{name}" for name in "abc")), tmp_path / "a.parquet"))
    pictures = found(drawn)
    lost = {"hf-000000002": "status 404 Told To", "hf-000000003": "larger than 33554432 bytes"}
    assert drawn.fetch(pictures) == lost
    assert (drawn.sample / "hf-000000001").read_bytes() == misbehaving.photograph("/a")


def test_a_row_cannot_make_this_machine_ask_its_neighbours(source, tmp_path, monkeypatch, web):
    monkeypatch.delenv(addresses.ALLOW, raising=False)
    paths = (f"{web.url}/secret", f"zip://a.png::{web.url}/secret.zip")
    drawn = source(written(named(*paths), tmp_path / "a.parquet"))
    lost = drawn.fetch(found(drawn))
    assert sorted(lost) == ["hf-000000001", "hf-000000002"]
    assert all("127.0.0.1 is not of the public internet" in why for why in lost.values())
    assert web.log == []


def test_rows_without_a_picture_are_reported(source, tmp_path):
    images = [{"bytes": photograph(0), "path": None}, None, {"bytes": None, "path": ""}]
    made = datasets.Dataset.from_dict({"image": images}).cast_column("image", datasets.Image(decode=False))
    file = written(made, tmp_path / "a.parquet")
    for _ in range(2):  # drawn, and remembered
        drawn = source(file)
        assert numbers(found(drawn)) == [0]
        assert drawn.skipped == {"row 1": "no picture in column image", "row 2": "no picture in column image"}


def test_files_that_cannot_be_had_are_reported_when_they_are_fetched(source, tmp_path):
    drawn = source(written(named("gone.png", str(tmp_path)), tmp_path / "a.parquet"))
    pictures = found(drawn)
    lost = drawn.fetch(pictures)
    assert sorted(lost) == ["hf-000000001", "hf-000000002"]
    assert all(reason.startswith("its file cannot be read: ") and "\n" not in reason for reason in lost.values())
    assert kept(drawn) == ["hf-000000000"]


def test_a_row_that_is_no_picture_is_named_when_it_is_opened(source, tmp_path):
    images = [{"bytes": photograph(0)[:40], "path": None}]
    made = datasets.Dataset.from_dict({"image": images}).cast_column("image", datasets.Image(decode=False))
    drawn = source(written(made, tmp_path / "a.parquet"))
    with pytest.raises(DataError, match=re.escape(f"{tmp_path}/a.parquet, row 0: cannot be read as a picture")):
        drawn.open(found(drawn)[0])


def test_a_file_gone_from_the_cache_is_named_when_it_is_opened(source, parquet):
    drawn = source(parquet)
    picture = found(drawn)[0]
    (drawn.sample / picture.image_id).unlink()
    with pytest.raises(DataError, match=f"{picture.image_id} cannot be read: No such file"):
        drawn.open(picture)


def test_a_folder_that_is_empty_or_damaged_is_refused(source, tmp_path):
    (tmp_path / "empty").mkdir()
    assert refusal(source(tmp_path / "empty")).startswith("cannot be read: ")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/train.parquet").write_bytes(b"PAR1 no more PAR1")
    assert refusal(source(tmp_path / "damaged")).startswith("cannot be read: ")
    for name in ("none", "none.parquet"):
        assert refusal(source(tmp_path / name)).startswith("cannot be read: ")


def test_a_data_set_without_rows_is_refused(source, monkeypatch):
    streaming(monkeypatch, lambda: plain(0))
    assert refusal(source("ORG/NAME")) == "no row there"


def test_a_stream_that_breaks_is_refused_with_the_row(source, monkeypatch):
    def breaking() -> Iterator[dict[str, Any]]:
        yield from plain(5)
        raise ConnectionError("the hub\nis gone")

    streaming(monkeypatch, breaking)
    assert refusal(source("ORG/NAME")) == "cannot be read after row 4: the hub is gone"


# The hub.


@pytest.fixture
def hub(monkeypatch, tmp_path) -> list[dict[str, Any]]:
    """Stand in for the hub: a data set with an image of its own, one on the hub, and one that names a local file."""
    asked: list[dict[str, Any]] = []
    (tmp_path / "secret.png").write_bytes(photograph(1))
    paths = str(tmp_path / "secret.png"), f"zip://0.png::{tmp_path}/secret.zip", "hf://datasets/ORG/NAME@main/3.png"
    file = written(named(*paths), tmp_path / "hub.parquet")
    load = datasets.load_dataset

    def fake(path: str, **given: Any) -> object:
        asked.append({"path": path, **given})
        splits = load("parquet", data_files=str(file), streaming=True)
        return {name: split.decode(num_threads=2) for name, split in splits.items()}  # as it does for the hub

    monkeypatch.setattr(datasets, "load_dataset", fake)
    return asked


@pytest.fixture
def remote(monkeypatch) -> list[str]:
    """Answer for files of the hub, and note which were asked for."""
    opened: list[str] = []
    real = fsspec.open

    def fake(path: str, *arguments: Any, **given: Any) -> object:
        if not path.startswith("hf://"):
            return real(path, *arguments, **given)
        opened.append(path)
        return io.BytesIO(photograph(3))

    monkeypatch.setattr(fsspec, "open", fake)
    return opened


@pytest.mark.parametrize(
    ("location", "split", "expected"),
    [
        ("ORG/NAME", None, {"path": "ORG/NAME", "revision": None, "name": None}),
        ("ORG/NAME@v1.0", "train", {"path": "ORG/NAME", "revision": "v1.0", "name": None}),
        ("NAME@refs/pr/1", "big/train", {"path": "NAME", "revision": "refs/pr/1", "name": "big"}),
    ],
)
@pytest.mark.usefixtures("remote")
def test_the_hub_is_asked_for_a_revision_and_a_configuration(source, hub, location, split, expected):
    found(source(location, split=split))
    assert hub == [{**expected, "streaming": True}]


@pytest.mark.usefixtures("hub")
def test_what_was_fetched_is_not_fetched_again(source, remote):
    for _ in range(2):
        shown(source("ORG/NAME"))
    assert len(remote) == 1


@pytest.mark.usefixtures("hub", "remote")
def test_a_hub_that_falls_silent_ends_the_fetching_and_spoils_nothing(source, monkeypatch):
    drawn = source("ORG/NAME")
    pictures = found(drawn)
    with monkeypatch.context() as patch:

        def silent(*_: Any, **__: Any) -> object:
            raise ConnectionError("no answer\nfrom the hub")

        patch.setattr(fsspec, "open", silent)
        with pytest.raises(
            DataError,
            match=r"^ORG/NAME, row 3: hf://.*3\.png cannot be had now: no answer from the hub; run again to go on$",
        ):
            drawn.fetch(pictures)
    assert kept(drawn) == ["hf-000000000"]
    assert shown(source("ORG/NAME")) == {0: 0, 3: 3}


@pytest.mark.usefixtures("hub")
def test_a_data_set_of_the_hub_may_not_name_files_of_this_machine(source, remote):
    drawn = source("ORG/NAME")
    assert shown(drawn) == {0: 0, 3: 3}
    assert remote == ["hf://datasets/ORG/NAME@main/3.png"]
    assert all("the machine where the data set was made" in reason for reason in drawn.skipped.values())


def test_a_hub_that_cannot_be_reached_is_one_clear_line(source, monkeypatch):
    def unreachable(path: str, **_: Any) -> object:
        raise ConnectionError(f"Couldn't reach '{path}' on the Hub\n(ConnectError)")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    assert refusal(source("ORG/NAME@v1")) == "cannot be read: Couldn't reach 'ORG/NAME' on the Hub (ConnectError)"


def test_a_real_hub_serves_a_folder_and_a_table(tmp_path):
    if reason := server.missing():
        pytest.skip(reason)
    for row in range(6):
        file = tmp_path / "folder" / f"{row}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(photograph(row))
    written(table(range(6)), tmp_path / "table" / "train.parquet")
    for name in ("folder", "table"):
        (tmp_path / name / "README.md").write_text("# A data set\n")  # olah denies one without
        server.publish(tmp_path, f"paletteot/{name}", tmp_path / name, "v1")
    code = (
        "import pathlib, sys; from paletteot.images.huggingface import HuggingFace; from tests.images import "
        "test_huggingface as t; print([sorted(t.shown(HuggingFace(f'paletteot/{name}@v1', None, None, None, "
        "pathlib.Path(sys.argv[1]) / name)).values()) for name in ('folder', 'table')])"
    )
    with server.hub(tmp_path) as url:
        surroundings = {**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "cache")], env=surroundings, cwd=ROOT, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{[list(range(6))] * 2}\n"


# Going on.


def test_a_finished_pass_is_not_made_again(source, parquet, monkeypatch):
    first = found(source(parquet), seed=3)
    monkeypatch.setattr(hf_stream, "rows", lambda *_: pytest.fail("streamed again"))
    assert found(source(parquet), seed=3) == first


def test_an_interrupted_pass_starts_over(source, parquet, monkeypatch):
    def killed() -> Iterator[dict[str, Any]]:
        yield from plain(ROWS - 10, lambda _row: b"of another day")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        streaming(patch, killed)
        with pytest.raises(KeyboardInterrupt):
            found(source(parquet))
    drawn, fresh = source(parquet), source(parquet, "fresh")
    assert found(drawn) == found(fresh)
    assert kept(drawn) == kept(fresh)
    assert all((drawn.sample / name).read_bytes() == (fresh.sample / name).read_bytes() for name in kept(fresh))


@pytest.mark.parametrize("harm", ["lost", "damaged", "cut short", "of another shape"])
def test_a_cache_that_is_not_whole_is_made_again(source, parquet, harm):
    drawn = source(parquet)
    first = found(drawn)
    note = drawn.sample / "sample.json"
    if harm == "lost":
        (drawn.sample / first[0].image_id).unlink()
    else:
        note.write_text({"damaged": "no JSON", "cut short": note.read_text()[:100], "of another shape": "[]"}[harm])
    assert found(source(parquet)) == first
    assert drawn.open(first[0]).pixels.shape == (3, 4, 3)


def test_another_seed_count_group_or_split_draws_anew_and_leaves_nothing(source, parquet):
    for given, ask in (
        ({}, {}), ({}, {"seed": 1}), ({}, {"count": 5}), ({"group_by": "who"}, {}), ({"split": "train"}, {}),
    ):  # fmt: skip
        drawn = source(parquet, **given)
        pictures = found(drawn, **ask)
        assert pictures == found(source(parquet, "fresh", **given), **ask)
        assert kept(drawn) == sorted(picture.image_id for picture in pictures)


def test_a_change_of_local_files_draws_anew(source, tmp_path):
    file = written(table(range(5)), tmp_path / "data" / "train.parquet")
    assert len(found(source(tmp_path / "data"))) == len(found(source(file))) == 5
    for location in (tmp_path / "data", file):
        written(table(range(5)), file)
        before = found(source(location))
        written(table(range(7)), file)
        os.utime(file, (0, 0))
        assert len(found(source(location))) == 7 != len(before)


def test_opening_does_not_wait_for_the_library_that_drew_the_sample():
    code = "import sys, paletteot.images.huggingface; sys.exit('datasets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
