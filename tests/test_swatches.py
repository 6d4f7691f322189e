from __future__ import annotations

import json
import struct
import warnings
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.GimpPaletteFile import GimpPaletteFile
from skimage.color import rgb2lab

from paletteot import palettes, swatches
from paletteot.palettes import Palette
from paletteot.swatches import Sheet, terminal
from paletteot.swatches.formats import as_ase, as_gpl, as_json
from paletteot.swatches.picture import SIZE, as_png, tiles

RED, GREEN, BLUE = (200, 30, 40), (20, 180, 60), (10, 40, 220)


def make(pixels: np.ndarray, k: int, name: str = "drei Farben.png") -> Sheet:
    return swatches.sheet(palettes.palette(pixels, k=k, sample=256, refinements=2, seed=0), name)


@pytest.fixture
def three() -> Sheet:
    """Half red, three tenths green, a fifth blue; k is 8."""
    return make(np.array([[RED] * 5 + [GREEN] * 3 + [BLUE] * 2], np.uint8), 8)


def blocks(content: bytes) -> list[tuple[int, bytes]]:
    """Return kind and body of every block of an ASE file, which must end with the last."""
    magic, major, minor, count = struct.unpack(">4sHHI", content[:12])
    assert (magic, major, minor) == (b"ASEF", 1, 0)
    found, place = [], 12
    for _ in range(count):
        kind, size = struct.unpack(">HI", content[place : place + 6])
        found.append((kind, content[place + 6 : place + 6 + size]))
        place += 6 + size
    assert place == len(content)
    return found


def name_of(body: bytes) -> tuple[str, bytes]:
    """Return the name at the start of a block's body, and the rest."""
    stop = 2 + 2 * struct.unpack(">H", body[:2])[0]
    name = body[2:stop].decode("utf-16-be")
    assert name[-1] == "\0"
    return name[:-1], body[stop:]


def test_swatches_are_the_colours_that_have_weight_heaviest_first(three):
    assert [one.rgb for one in three.colours] == [RED, GREEN, BLUE]
    assert [one.weight for one in three.colours] == pytest.approx([0.5, 0.3, 0.2])
    assert [one.hex for one in three.colours] == ["#c81e28", "#14b43c", "#0a28dc"]
    assert (three.k, three.name) == (8, "drei Farben.png")


def test_swatches_of_a_palette_in_another_order_are_sorted():
    made = Palette(np.array([[10.0, 0, 0], [0, 0, 0], [90, 0, 0]]), np.array([0.3, 0.0, 0.7]), 0.0, 2)
    assert [one.weight for one in swatches.sheet(made, "x").colours] == [0.7, 0.3]


def test_every_srgb_colour_comes_back_from_cielab():
    rgb = np.random.default_rng(0).integers(0, 256, (4000, 3)).astype(np.uint8)
    made = Palette(rgb2lab(rgb[None])[0], np.full(len(rgb), 1 / len(rgb)), 0.0, len(rgb))
    assert [one.rgb for one in swatches.sheet(made, "x").colours] == [tuple(one) for one in rgb.tolist()]


def test_colours_outside_of_srgb_are_clipped_without_a_warning():
    made = Palette(np.array([[50.0, 120, -120], [5, 0, 128]]), np.array([0.5, 0.5]), 0.0, 2)
    with warnings.catch_warnings(action="error"):
        colours = swatches.sheet(made, "x").colours
    assert all(0 <= value <= 255 for one in colours for value in one.rgb)


def test_a_name_is_one_line_of_legal_unicode(three):
    odd = Sheet(swatches.sheet(Palette(np.zeros((1, 3)), np.ones(1), 0.0, 1), "a\nb\udcff.jpg").name, 1, three.colours)
    assert odd.name == "a b?.jpg"
    for write in swatches.FORMATS.values():
        assert write(odd)


def test_without_colours_text_is_hex_and_share(three):
    assert swatches.as_text(three, colour=False, width=80) == "#c81e28  50.00%\n#14b43c  30.00%\n#0a28dc  20.00%"


def test_in_colour_a_band_as_wide_as_the_terminal_is_divided_by_the_shares(three):
    band = swatches.as_text(three, colour=True, width=40).splitlines()[0]
    parts = [("200;30;40", 20), ("20;180;60", 12), ("10;40;220", 8)]
    assert band == "".join(f"\x1b[48;2;{colour}m{' ' * columns}\x1b[0m" for colour, columns in parts)


@pytest.mark.parametrize(("width", "rows"), [(20, 3), (46, 3), (47, 2), (80, 1)])
def test_in_colour_blocks_stand_side_by_side_where_there_is_room(three, width, rows):
    text = swatches.as_text(three, colour=True, width=width)
    assert len(text.splitlines()) == terminal.BAND + 1 + rows
    assert "\x1b[48;2;20;180;60m      \x1b[0m #14b43c  30.00%" in text


@pytest.mark.parametrize(
    ("tty", "environment", "expected"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),  # as no-color.org has it
        (False, {}, False),
    ],
)
def test_colours_are_for_terminals_whose_users_want_them(monkeypatch, tty, environment, expected):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: tty)
    assert swatches.in_colour() is expected


def test_areas_of_the_png_are_the_shares(three):
    image = np.asarray(Image.open(BytesIO(as_png(three, (40, 10)))))  # too small for labels
    assert image.shape == (10, 40, 3)
    assert [(image == one.rgb).all(axis=2).sum() for one in three.colours] == [200, 120, 80]


def test_the_png_has_labels_where_there_is_room(three):
    image = np.asarray(Image.open(BytesIO(as_png(three))))
    assert image.shape == (800, 1200, 3)
    assert tuple(image[0, 0]) == RED
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 3


@settings(max_examples=50)
@given(st.lists(st.floats(1e-5, 1), min_size=1, max_size=200), st.integers(50, 1500), st.integers(50, 1500))
def test_tiles_fill_the_picture_with_the_shares(weights, width, height):
    weights = sorted(weights, reverse=True)
    covered = np.zeros((height, width), int)
    for weight, (left, top, right, bottom) in zip(weights, tiles(weights, width, height), strict=True):
        covered[top:bottom, left:right] += 1
        area = weight / sum(weights) * width * height
        # An edge moves by at most half a pixel, so a side by at most one.
        assert abs((right - left) * (bottom - top) - area) <= (right - left) + (bottom - top) + 1 + 1e-6
    assert (covered == 1).all()


def test_each_of_1024_colours_has_a_tile_even_where_one_is_a_single_pixel():
    counts = np.geomspace(1770, 1, 1024)  # 262 144 pixels, roughly
    boxes = tiles((counts / counts.sum()).tolist(), *SIZE)
    assert all(right > left and bottom > top for left, top, right, bottom in boxes)


def test_the_json_says_everything(three):
    said = json.loads(as_json(three))
    assert (said["picture"], said["k"]) == ("drei Farben.png", 8)
    assert [one["hex"] for one in said["colours"]] == [one.hex for one in three.colours]
    assert [tuple(one["rgb"]) for one in said["colours"]] == [RED, GREEN, BLUE]
    assert [tuple(one["lab"]) for one in said["colours"]] == [one.lab for one in three.colours]
    assert [one["weight"] for one in said["colours"]] == [one.weight for one in three.colours]


def test_the_gimp_palette_is_read_by_pillow(three):
    content = as_gpl(three)
    assert content.decode().splitlines()[:4] == ["GIMP Palette", "Name: drei Farben.png", "Columns: 8", "#"]
    read, mode = GimpPaletteFile(BytesIO(content)).getpalette()
    assert (mode, read[:9]) == ("RGB", bytes([*RED, *GREEN, *BLUE]))


def test_the_ase_is_one_group_of_rgb_colours(three):
    first, *colours, last = blocks(as_ase(three))
    assert (first[0], name_of(first[1])) == (0xC001, ("drei Farben.png", b""))
    assert last == (0xC002, b"")
    for (kind, body), one in zip(colours, three.colours, strict=True):
        name, value = name_of(body)
        model, *rgb, sort = struct.unpack(">4s3fH", value)
        assert (kind, name, model, sort) == (1, f"{one.hex} {one.share}", b"RGB ", 2)
        np.testing.assert_allclose(rgb, np.array(one.rgb) / 255, rtol=1e-7)


def test_names_in_the_ase_are_counted_in_utf_16_units(three):
    (_, body), *_ = blocks(as_ase(Sheet("\N{ARTIST PALETTE} Größe", 8, three.colours)))
    assert name_of(body) == ("\N{ARTIST PALETTE} Größe", b"")
    assert struct.unpack(">H", body[:2]) == (9,)  # the emoji takes two units; six characters and the null


def test_formats_hold_1024_colours():
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    many = make(pixels, 1024)
    assert len(many.colours) > 1000
    assert all(one.weight >= two.weight for one, two in pairwise(many.colours))
    assert len(blocks(as_ase(many))) == len(many.colours) + 2
    assert len(json.loads(as_json(many))["colours"]) == len(many.colours)
    assert len(as_gpl(many).splitlines()) == len(many.colours) + 4
