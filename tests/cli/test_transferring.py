from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from paletteot.cli import app
from paletteot.transfer import cube
from tests.transfer.test_run import RED, THING, YELLOW

runner = CliRunner()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, picture in (("a", YELLOW), ("b", RED), ("mask", np.where(THING, 255, 0).astype(np.uint8))):
        Image.fromarray(picture).save(f"{name}.png")
    return tmp_path


def run(*arguments: str) -> str:
    result = runner.invoke(app, ["transfer", *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    before = {file: file.read_bytes() for file in _files()}
    result = runner.invoke(app, ["transfer", *arguments])
    assert result.exit_code == 1
    assert {file: file.read_bytes() for file in _files()} == before  # nothing half-written, nothing lost
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def _files():
    return sorted(file for file in Path().rglob("*") if file.is_file())


def opened(name):
    with Image.open(name) as image:
        return np.asarray(image)


def test_a_picture_a_lut_and_what_explains_them(here):
    said = run("a.png", "b.png", "--out", "made.png", "--out", "look.cube", "--explain", "why.png")
    assert said.startswith("made.png, look.cube, why.png: a.png in the colours of b.png\ntransport: ")
    assert opened("made.png").shape == YELLOW.shape
    assert opened("why.png").shape[1] == 1600
    run("a.png", "--lut", "look.cube", "--out", "again.png")
    apart = np.abs(opened("again.png").astype(int) - opened("made.png"))
    assert np.quantile(apart, 0.99) <= 6  # a table of 33 nodes a side, between which it is linear
    assert cube.read(here / "look.cube").size == 33


@pytest.mark.parametrize("size", ["17", "65"])
def test_luts_of_other_sizes(here, size):
    run("a.png", "b.png", "--out", "look.cube", "--lut-size", size)
    assert f"LUT_3D_SIZE {size}" in (here / "look.cube").read_text()


@pytest.mark.parametrize("flag", ["--network-only", "--use-as-warm-start"])
def test_the_network_alone_and_as_a_warm_start_say_what_they_took(flag):
    pytest.importorskip("torch")
    said = run("a.png", "b.png", "--out", "made.png", flag, "--neutrals", "0")
    counts = [int(one.replace(",", "")) for one in re.findall(r"([\d,]+) iterations", said)]
    assert len(counts) == 2  # warm and cold
    assert min(counts) > 0
    assert ("of dual alone: 5 passes" in said) == (flag == "--network-only")


def test_a_start_that_learned_nothing_is_counted_too():
    assert "from gaussian: " in run("a.png", "b.png", "--out", "made.png", "--start", "gaussian")


def test_choices_change_what_is_made():
    run("a.png", "b.png", "--out", "plain.png")
    for number, choice in enumerate(
        (
            ["--method", "hard"], ["--sigma", "1"], ["--strength", "0.3"], ["--keep-luminance"], ["--neutrals", "0"],
            ["--k", "4"], ["--mask-a", "mask.png"], ["--mask-b", "mask.png"],
        )
    ):  # fmt: skip
        run(
            "a.png",
            "b.png",
            "--out",
            f"{number}.png",
            *([*choice] if choice[0] != "--mask-b" else ["--mask-b", "mask.png"]),
        )
        assert (opened(f"{number}.png") != opened("plain.png")).any() or choice[0].startswith("--mask"), choice


def test_what_the_mask_leaves_out_keeps_its_bytes():
    run("a.png", "b.png", "--out", "made.png", "--mask-a", "mask.png", "--neutrals", "0")
    np.testing.assert_array_equal(opened("made.png")[~THING], YELLOW[~THING])


@pytest.fixture
def frames(here):
    (here / "film").mkdir()
    for number in range(3):
        Image.fromarray(np.roll(YELLOW, 8 * number, axis=1)).save(here / "film" / f"{number}.png")
    return here / "film"


def test_a_folder_has_a_map_for_each_or_one_for_all(here, frames):
    Image.fromarray(RED[:, :20]).save(frames / "3.png")
    said = run("film", "b.png", "--out", "each")
    assert said == "each: 4 pictures in the colours of b.png\n"
    run("film", "b.png", "--out", "all", "--out", "film.cube", "--one-map")
    for folder in ("each", "all"):
        assert [file.name for file in sorted((here / folder).iterdir())] == ["0.png", "1.png", "2.png", "3.png"]
    # No flicker: the same colour goes to the same place in every frame.
    np.testing.assert_array_equal(np.roll(opened("all/0.png"), 16, axis=1), opened("all/2.png"))
    assert (opened("all/3.png") != opened("each/3.png")).any()
    run("film", "--lut", "film.cube", "--out", "through")
    run("film", "b.png", "--out", "alone.cube", "--one-map")
    assert (here / "alone.cube").read_bytes() == (here / "film.cube").read_bytes()
    assert np.quantile(np.abs(opened("through/0.png").astype(int) - opened("all/0.png")), 0.99) <= 6


def test_a_picture_of_a_folder_that_cannot_be_read_is_named_and_the_others_are_written(here, frames):
    (frames / "1.png").write_bytes(b"no picture")
    result = runner.invoke(app, ["transfer", "film", "b.png", "--out", "each"])
    assert result.exit_code == 1
    assert "film/1.png: cannot be read as a picture" in result.stderr
    assert "error: 1 of 3 pictures could not be moved" in result.stderr
    assert [file.name for file in sorted((here / "each").iterdir())] == ["0.png", "2.png"]


@pytest.mark.usefixtures("frames")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.png", "b.png"], "--out must name a file to write, or --explain one"),
        (["a.png", "--out", "c.png"], "B, a picture, or --lut, a .cube, must be given, and not both"),
        (["a.png", "b.png", "--lut", "x.cube", "--out", "c.png"], "and not both"),
        (["none.png", "b.png", "--out", "c.png"], "none.png: no such file or folder"),
        (["a.png", "text.jpg", "--out", "c.png"], "text.jpg: cannot be read as a picture"),
        (["short.png", "b.png", "--out", "c.png"], "short.png: cannot be read as a picture"),
        (["moving.gif", "b.png", "--out", "c.png"], "moving.gif: "),
        (["a.png", "b.png", "--out", "c.gif"], "--out must end in one of .png, .jpg, .jpeg, .webp, .tif, .tiff, .cube"),
        (["a.png", "b.png", "--out", "a.png"], "--out must not be a.png, which is read"),
        (["a.png", "b.png", "--out", "b.png"], "--out must not be b.png, which is read"),
        (["a.png", "b.png", "--mask-a", "mask.png", "--out", "mask.png"], "--out must not be mask.png, which is read"),
        (["a.png", "b.png", "--explain", "a.png"], "--explain must not be a.png, which is read"),
        (["a.png", "b.png", "--explain", "c.gif"], "--explain must end in one of .png, .jpg, .jpeg"),
        (["a.png", "b.png", "--out", "d.png"], "--out must be a file, but d.png is a folder"),
        (["a.png", "b.png", "--out", "c.png", "--mask-a", "small.png"], "small.png: a mask must be as large as"),
        (["a.png", "b.png", "--out", "c.png", "--mask-b", "black.png"], "black.png: a mask must be white somewhere"),
        (["a.png", "b.png", "--out", "c.cube", "--lut-size", "9"], "--lut-size must be one of 17, 33, 65, but is 9"),
        (["a.png", "--lut", "text.jpg", "--out", "c.png"], "text.jpg"),
        (["a.png", "b.png", "--out", "c.png", "--one-map"], "--one-map is for a folder of pictures, but A is a.png"),
        (["film", "b.png", "--out", "film"], "--out must not be the folder that is read"),
        (["film", "b.png", "--out", "c.cube"], "--out must name one folder for the pictures of film"),
        (["film", "b.png", "--out", "c", "--out", "c.cube"], "--out of a .cube needs --one-map"),
        (["film", "b.png", "--out", "file"], "--out must be a folder, as film is, but file is a file"),
        (["film", "b.png", "--out", "c", "--mask-a", "mask.png"], "--mask-a is for one picture"),
        (["empty", "b.png", "--out", "c"], "empty: no picture there"),
        (["gone", "b.png", "--out", "c", "--one-map"], "gone: no such file or folder"),
        (["film", "b.png", "--out", "c.png"], "--out must name a folder for the pictures of film, but is c.png"),
        (["film", "film", "--out", "c"], "film: must be a picture, but is a folder"),
        (["a.png", "b.png", "--out", "c.png", "--start", "warm"], "--start must be one of none, dual, "),
        (["a.png", "b.png", "--out", "c.png", "--network-only", "--use-as-warm-start"], "give one of them"),
        (["clear.png", "b.png", "--out", "c.jpg"], "c.jpg: JPEG has no transparency"),
        (["a.png", "b.png", "--out", "c.png", "--k", "1"], "k must be from 2 to 1024, but is 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line_and_writes_nothing(here, arguments, said):
    (here / "text.jpg").write_text("no picture")
    (here / "short.png").write_bytes((here / "a.png").read_bytes()[:200])
    (here / "empty").mkdir()
    (here / "d.png").mkdir()
    (here / "file").write_text("no folder")
    Image.fromarray(YELLOW).save("moving.gif", save_all=True, append_images=[Image.fromarray(RED)])
    Image.new("L", (2, 2), 255).save("small.png")
    Image.new("L", RED.shape[1::-1], 0).save("black.png")
    Image.new("RGBA", (8, 8), (10, 200, 30, 0)).save("clear.png")
    clear = np.dstack([YELLOW, np.where(THING, 255, 0).astype(np.uint8)])
    Image.fromarray(clear).save("clear.png")
    assert said in refused(*arguments)
