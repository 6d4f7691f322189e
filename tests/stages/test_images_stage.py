"""What the images stage does when photographs cannot be had, are no pictures, or are there twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from PIL import Image

from paletteot.config.params import Params
from paletteot.dataset import schema
from paletteot.errors import DataError
from paletteot.files import sha256
from paletteot.images import manifest, sources
from paletteot.images.folder import Folder
from paletteot.images.huggingface import HuggingFace
from paletteot.images.source import Original, Picture
from paletteot.stages import images as stage

ROOT = Path(__file__).parent.parent.parent


class Faulty:
    """Forty photographs: some gone, some torn, some the same file; remembers what was asked of it."""

    def __init__(
        self, gone: Sequence[int] = (), torn: Sequence[int] = (), same: Mapping[int, int] | None = None
    ) -> None:
        self.skipped = {"notes.txt": "not a picture"}
        self.state = None
        self.gone, self.torn, self.same = set(gone), set(torn), same or {}
        self.fetched: list[str] = []
        self.opened: list[str] = []

    def pictures(self, count: int, *, grading: float, seed: int) -> list[Picture]:  # noqa: ARG002
        return [
            Picture(f"p-{number}", f"g{number}", "faulty 1", "CC0-1.0", "nobody", f"place {number}")
            for number in range(40)
        ]

    def fetch(self, pictures: Sequence[Picture]) -> Mapping[str, str]:
        self.fetched += [picture.image_id for picture in pictures]
        return {f"p-{number}": "gone (404)" for number in self.gone if f"p-{number}" in {p.image_id for p in pictures}}

    def open(self, picture: Picture) -> Original:
        self.opened.append(picture.image_id)
        number = int(picture.image_id[2:])
        if number in self.torn:
            raise DataError(f"{picture.place}: not a whole picture")
        number = self.same.get(number, number)
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3)).astype(np.uint8)
        return Original(pixels, f"{number:064d}")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the stage on a faulty source; returns the manifest, and what there is no picture of and why."""
    monkeypatch.chdir(tmp_path)

    def made(source: Faulty, count: int = 10, **given: object) -> tuple[pl.DataFrame, dict[str, str]]:
        monkeypatch.setitem(sources.SOURCES, "bundled", lambda *_: source)
        raw = yaml.safe_load((ROOT / "params.yaml").read_text())
        raw["workers"] = 1
        raw["images"] |= {"source": "bundled", "count": count, "long_side": 24, "grading": 0} | given
        stage.stage(Params.model_validate(raw))
        rejected = pl.read_parquet("data/rejected.parquet")
        return manifest.read(Path("data/manifest.parquet"), Path("data/images")), dict(rejected.rows())

    return made


def test_every_photograph_that_cannot_be_had_has_a_substitute(run):
    frame, rejected = run(Faulty(gone=[1, 4, 11], torn=[2, 10]))
    assert frame["image_id"].to_list() == [f"p-{number}" for number in (0, 3, 5, 6, 7, 8, 9, 12, 13, 14)]
    assert rejected == {
        "notes.txt": "not a picture", "place 1": "gone (404)", "place 4": "gone (404)", "place 11": "gone (404)",
        "place 2": "place 2: not a whole picture", "place 10": "place 10: not a whole picture",
    }  # fmt: skip
    assert sorted(file.name for file in Path("data/images").glob("*.jpg")) == sorted(
        f"{name}.jpg" for name in frame["image_id"]
    )


def test_no_more_is_fetched_than_is_needed(run):
    source = Faulty(gone=[1])
    run(source)
    assert source.fetched == [f"p-{number}" for number in range(11)]


def test_the_same_file_is_kept_once(run):
    frame, rejected = run(Faulty(same={3: 0, 7: 0, 10: 5}))
    assert frame["image_id"].to_list() == [f"p-{number}" for number in (0, 1, 2, 4, 5, 6, 8, 9, 11, 12)]
    assert rejected["place 3"] == rejected["place 7"] == "the same file as place 0"
    assert rejected["place 10"] == "the same file as place 5"


def test_the_manifest_says_where_each_came_from(run):
    frame, _ = run(Faulty())
    row = frame.row(3, named=True)
    assert (row["place"], row["original_sha256"], row["crop"]) == ("place 3", f"{3:064d}", [0, 0, 30, 20])
    assert row["sha256"] == sha256(Path("data/images/p-3.jpg"))
    assert max(row["width"], row["height"]) == 24
    assert list(frame.columns) == list(schema.IMAGES)


def test_fewer_than_asked_for_is_an_error_that_spoils_nothing(run, capsys):
    run(Faulty(), count=6)
    before = {file: sha256(file) for file in Path("data/images").iterdir()}
    with pytest.raises(DataError, match=r"images\.count is 40, but only 38 pictures could be had"):
        run(Faulty(gone=[3], torn=[5]), count=40)
    assert {file: sha256(file) for file in Path("data/images").iterdir()} == before
    (listed,) = Path(".partial/images").rglob("rejected.parquet")
    assert pl.read_parquet(listed)["place"].to_list() == ["notes.txt", "place 3", "place 5"]
    said = capsys.readouterr().err
    assert "no picture of place 3: gone (404)\n" in said
    assert "no picture of place 5: not a whole picture\n" in said


def test_fewer_may_do_where_that_is_allowed(run):
    frame, rejected = run(Faulty(gone=[3], torn=[5]), count=40, allow_fewer=True)
    assert len(frame) == 38
    assert len(rejected) == 3
    with pytest.raises(DataError, match="only 0 pictures could be had"):
        run(Faulty(gone=range(40)), count=40, allow_fewer=True)


def test_what_a_killed_run_finished_is_not_made_again(run, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(stage, "write_parquet", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(Faulty(torn=[2]))
    assert not Path("data/images").exists()
    second = Faulty(torn=[2])
    frame, _ = run(second)
    assert second.opened == []
    assert len(frame) == 10
    assert not Path(".partial").exists()


@pytest.mark.parametrize("how", ["folder", "huggingface"])
def test_a_file_that_changed_since_a_kill_is_read_again(run, monkeypatch, tmp_path, how):
    """A kill after the chunks, and before the pictures are put in place; the new file has as many bytes as the old."""
    folder = tmp_path / "photographs"
    folder.mkdir()

    def put(number: int, red: int) -> None:
        pixels = np.full((24, 24, 3), (red, 20 * number, 9), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.bmp")

    for number in range(10):
        put(number, 0)
    here = str(folder) if how == "folder" else str(tmp_path / "set.parquet")
    rows = [{"bytes": None, "path": str(folder / f"{number}.bmp")} for number in range(10)]

    def made() -> object:
        if how == "folder":
            return Folder(here)
        frame = pl.DataFrame({"image": [row | {"bytes": Path(row["path"]).read_bytes()} for row in rows]})
        frame.write_parquet(here, compression="uncompressed")
        return HuggingFace(here, None, None, None, tmp_path / "cache", column="image")

    with monkeypatch.context() as patched:
        patched.setattr(stage, "write_parquet", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(made())
    put(3, 250)
    frame, _ = run(made())
    red = [manifest.load_pixels(Path("data/images"), row)[..., 0].max() for row in frame.iter_rows(named=True)]
    assert sum(level > 200 for level in red) == 1


def test_many_reasons_are_printed_in_short(run, capsys):
    run(Faulty(gone=range(25)))
    said = capsys.readouterr().err
    assert said.count("no picture of") == stage.SAID + 1
    assert "no picture of 6 more (data/rejected.parquet)" in said
