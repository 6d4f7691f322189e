from __future__ import annotations

import json
import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from paletteot import cli, palettes, swatches
from paletteot.palettes import Palette

RED, GREEN, BLUE = (200, 30, 40), (20, 180, 60), (10, 40, 220)


@pytest.fixture
def photo(tmp_path):
    """Half red, a quarter green, a quarter blue."""
    pixels = np.empty((40, 80, 3), np.uint8)
    pixels[:, :40], pixels[:20, 40:], pixels[20:, 40:] = RED, GREEN, BLUE
    Image.fromarray(pixels).save(tmp_path / "drei Farben.png")
    return tmp_path / "drei Farben.png"


@pytest.fixture
def three() -> list[swatches.Swatch]:
    pixels = np.array([[RED, RED, GREEN, BLUE]], np.uint8)
    return swatches.swatches(palettes.palette(pixels, k=8, sample=256, refinements=2, seed=0))


def run(*arguments: object, **options: object):
    return CliRunner().invoke(cli.app, ["palette", *map(str, arguments)], **options)


def test_swatches_are_the_colours_heaviest_first(three):
    assert three[0].rgb == RED
    assert {one.rgb for one in three} == {RED, GREEN, BLUE}
    assert [one.weight for one in three] == [0.5, 0.25, 0.25]
    assert three[0].hex == "#c81e28"


def test_colours_outside_of_srgb_are_clipped():
    made = Palette(np.array([[50.0, 120, -120], [0, 0, 0]]), np.array([1.0, 0.0]), 0.0, 1)
    (one,) = swatches.swatches(made)
    assert all(0 <= value <= 255 for value in one.rgb)


def test_the_png_has_bands_as_wide_as_the_shares(three):
    image = np.asarray(Image.open(BytesIO(swatches.as_png(three, "x", width=80, height=4))).convert("RGB"))
    assert image.shape == (4, 80, 3)
    assert (image[:, :40] == RED).all()
    assert {tuple(image[0, 45]), tuple(image[0, 75])} == {GREEN, BLUE}


def test_the_json_says_everything(three):
    said = json.loads(swatches.as_json(three, "p.jpg"))
    assert said["picture"] == "p.jpg"
    assert [one["hex"] for one in said["colours"]] == [one.hex for one in three]
    np.testing.assert_allclose([one["lab"] for one in said["colours"]], [one.lab for one in three])


def test_the_gimp_palette_lists_rgb(three):
    lines = swatches.as_gpl(three, "a\nb").decode().splitlines()
    assert lines[:4] == ["GIMP Palette", "Name: a b", "Columns: 8", "#"]
    assert [tuple(map(int, line.split("\t")[0].split())) for line in lines[4:]] == [one.rgb for one in three]


def test_the_ase_is_read_block_by_block(three):
    content = swatches.as_ase(three, "x")
    assert content[:4] == b"ASEF"
    assert struct.unpack(">HHI", content[4:12]) == (1, 0, 3)
    place, found = 12, []
    while place < len(content):
        kind, size = struct.unpack(">HI", content[place : place + 6])
        body = content[place + 6 : place + 6 + size]
        assert kind == 1
        (length,) = struct.unpack(">H", body[:2])
        label = body[2 : 2 + 2 * length].decode("utf-16-be")
        assert label.endswith("\0")
        assert body[2 + 2 * length :][:4] == b"RGB "
        *rgb, sort = struct.unpack(">3fH", body[6 + 2 * length :])
        assert sort == 2
        found.append((label[:7], tuple(round(255 * value) for value in rgb)))
        place += 6 + size
    assert found == [(one.hex, one.rgb) for one in three]


def test_the_command_prints_swatches_and_writes_files(photo, tmp_path):
    files = [tmp_path / f"out{suffix}" for suffix in swatches.FORMATS]
    done = run(photo, *(part for file in files for part in ("--out", file)))
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("#c81e28  ")
    assert "\x1b" not in done.stdout
    assert all(file.stat().st_size > 0 for file in files)


def test_in_a_terminal_swatches_have_their_colours(three):
    assert "\x1b[48;2;200;30;40m" in swatches.as_text(three, colour=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.jpg",), "error: nowhere.jpg: cannot be read: No such file or directory"),
        (("{photo}", "--out", "x.bmp"), "error: --out must end in one of .png, .json, .gpl, .ase, but is x.bmp"),
        (("{text}",), "text.jpg: cannot be read as a picture"),
    ],
)
def test_bad_input_is_one_clear_line(photo, tmp_path, arguments, words):
    (tmp_path / "text.jpg").write_text("no picture")
    done = run(*(one.format(photo=photo, text=tmp_path / "text.jpg") for one in arguments))
    assert done.exit_code == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_neither_a_folder_nor_the_photograph_is_ever_overwritten(photo, tmp_path):
    (tmp_path / "folder.png").mkdir()
    before = photo.read_bytes()
    for out in (tmp_path / "folder.png", photo):
        done = run(photo, "--out", out)
        assert done.exit_code == 1
        assert "--out must be a file other than the photograph" in done.stderr
    assert (tmp_path / "folder.png").is_dir()
    assert photo.read_bytes() == before
