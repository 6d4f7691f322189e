"""Pictures that visitors send, and what is made of them."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from PIL import Image

import paletteot.transfer.run as run
from paletteot.app import downloads, scratch, studio
from paletteot.app.pairs import PAIRS
from paletteot.errors import DataError
from paletteot.swatches import FORMATS
from paletteot.transfer import clustering, cube
from paletteot.transfer.options import Options
from paletteot.transfer.photo import Photo
from tests.app import files


@pytest.fixture(autouse=True)
def _scratch(tmp_path_factory, monkeypatch) -> None:
    monkeypatch.setenv(scratch.VARIABLE, str(tmp_path_factory.mktemp("scratch")))


@pytest.mark.parametrize("name", files.REFUSED)
def test_what_is_no_picture_is_refused_in_one_line_that_names_it_and_no_folder(name, tmp_path):
    file = files.written(tmp_path, name)
    with pytest.raises(DataError) as caught:
        studio.picture(file)
    said = str(caught.value)
    assert said.startswith(f"{name}: ")
    assert files.REFUSED[name][1] in said
    assert "\n" not in said
    assert str(tmp_path) not in said
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_folder_and_a_file_that_is_gone_are_refused(tmp_path):
    with pytest.raises(DataError, match="must be a picture, but is a folder"):
        studio.picture(tmp_path)
    with pytest.raises(DataError, match=r"gone\.png: is no longer here; choose it again"):
        studio.picture(tmp_path / "gone.png")


@pytest.mark.parametrize("name", files.TAKEN)
def test_odd_pictures_are_moved(name, tmp_path):
    a, b = files.written(tmp_path, name), files.written(tmp_path, "other.png")
    for source, target in ((a, b), (b, a)):
        moved = studio.preview(source, target, Options(k=16)).photo
        shown = studio.picture(source).shown
        assert moved.pixels.shape == shown.pixels.shape
        assert studio.flow(source, target, Options(k=16)).mode == "RGBA"
    with Image.open(downloads.picture(a, b, Options(k=16))) as opened, Image.open(a) as sent:
        assert opened.size == sent.size


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"k": 32}, {"sigma": 9.0, "strength": 0.5}, {"method": "hard", "keep_luminance": True},
        {"eps": 2.0, "neutrals": 0.0, "start": "gaussian"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("names", [("rocket.jpg", "coffee.png"), ("clear.png", "plain.png"), ("grey.png", "a.png")])
def test_the_page_gives_what_the_library_gives(changes, names, tmp_path):
    pair = PAIRS[0].files if names[0] == "rocket.jpg" else tuple(files.written(tmp_path, name) for name in names)
    options = Options().but(**changes)
    moved = studio.result(*pair, options)
    wanted = run.transfer(*pair, options).photo
    np.testing.assert_array_equal(moved.pixels, wanted.pixels)
    assert (moved.alpha is None) == (wanted.alpha is None)
    assert moved.grey == wanted.grey


def test_sliders_of_the_map_make_no_palette_and_no_plan_again(monkeypatch, tmp_path):
    a, b = files.written(tmp_path, "a.png"), files.written(tmp_path, "b.png")
    studio.preview(a, b, Options(k=16))
    made = []
    monkeypatch.setattr(clustering.palettes, "palette", lambda *_, **__: made.append("palette"))
    monkeypatch.setattr(run, "match", lambda *_, **__: made.append("plan"))
    for sigma in (1.0, 5.0):
        studio.preview(a, b, Options(k=16, sigma=sigma, strength=0.5, method="hard", keep_luminance=True))
    assert made == []
    with pytest.raises(AttributeError):  # a new k does
        studio.preview(a, b, Options(k=17))
    assert made[0] == "palette"


def test_what_is_shown_is_small_and_what_is_downloaded_whole(tmp_path):
    file = tmp_path / "wide.png"
    Image.fromarray(files.pixels(300, 2400)).save(file)
    other = files.written(tmp_path, "other.png")
    assert studio.picture(file).shown.pixels.shape == (128, 1024, 3)
    assert studio.result(file, other, Options(k=8)).pixels.shape == (300, 2400, 3)


def test_the_lut_moves_a_picture_as_the_page_does():
    a, b = PAIRS[0].files
    table = cube.read(downloads.lut(a, b, Options()))
    moved = studio.result(a, b, Options()).pixels.astype(int)
    through = table.apply(Photo.of(a).pixels).astype(int)
    assert np.abs(moved - through).mean() < 1.5
    assert table.title == "rocket.jpg in the colours of coffee.png"


def test_both_palettes_come_in_every_format_and_the_same_bytes():
    a, b = PAIRS[0].files
    first, again = (downloads.palettes(a, b, Options(k=12)) for _ in range(2))
    assert first != again
    assert first.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == [f"{one}{suffix}" for one in ("A_rocket", "B_coffee") for suffix in FORMATS]
        assert archive.testzip() is None
        assert archive.read("A_rocket.json").count(b'"hex"') == 12


def test_the_scratch_folder_goes_with_all_that_is_in_it(monkeypatch):
    monkeypatch.setenv(scratch.VARIABLE, "before")
    with scratch.scratch() as folder:
        sent = scratch.fresh("sent.png")
        sent.write_bytes(b"1")
        assert folder in sent.parents
        assert scratch.fresh("sent.png") != sent
        scratch.forget(sent)
        assert not sent.exists()
        scratch.fresh("kept.png").write_bytes(b"1")
    assert not folder.exists()
    assert scratch.os.environ[scratch.VARIABLE] == "before"


def test_what_was_not_sent_is_not_removed(tmp_path):
    with scratch.scratch():
        mine = files.written(tmp_path, "mine.png")
        scratch.forget(mine)
        scratch.forget(PAIRS[0].files[0])
    assert mine.exists()
    assert PAIRS[0].files[0].exists()
