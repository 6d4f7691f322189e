from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from paletteot.errors import ParamsError
from paletteot.ot import exact, sinkhorn
from paletteot.ot.problem import Problem
from paletteot.palettes import Palette, palette
from paletteot.transfer import explaining
from paletteot.transfer.explaining import Fact, Shown, Story, draw
from paletteot.transfer.options import Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.run import transfer

SEVEN = [Fact(f"{n},000", "thousands of something that is counted here") for n in range(7)]


def pixels(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8, endpoint=False)


def one_colour(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), (200, 60, 50), np.uint8)


def story(
    a: np.ndarray, b: np.ndarray, names: tuple[str, str] = ("a.jpg", "b.png"), told: list[Fact] = SEVEN, k: int = 12
) -> Story:
    x, y = (palette(one, k=k, sample=200, refinements=1, seed=0) for one in (a, b))
    problem = Problem(x.centroids, x.weights, y.centroids, y.weights, 1.0)
    plan = sinkhorn.plan(problem, exact.solve(problem).g)
    return Story(Shown(a, names[0]), Shown(b, names[1]), Shown(255 - a, ""), x, y, plan, told)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[float, float, float, float], str]]:
    """Where text was written, and which."""
    found, write = [], ImageDraw.ImageDraw.text

    def text(self, xy, text, fill, font, anchor=None, spacing=4):
        found.append((self.textbbox(xy, text, font, anchor=anchor, spacing=spacing), text))
        write(self, xy, text, fill, font, anchor, spacing)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return found


SHAPES = [
    ((30, 40), (40, 30)),
    ((1, 1), (10, 4000)),
    ((4000, 10), (1, 1)),
    ((20, 20), (20, 20)),
    ((900, 30), (900, 30)),
]
NAMES = [
    ("", ""), ("beach.jpg", "volcano.jpg"), ("写真\u202e\n\x00.jpg", "\udcff\U0001f600"), ("W" * 300, "i" * 300),
    ("a b " * 60, "é" * 200),
]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("names", NAMES, ids=["none", "plain", "odd", "long", "many words"])
def test_all_text_fits_and_nothing_is_written_over(shapes, names, written):
    image = draw(story(pixels(*shapes[0]), pixels(*shapes[1]), names))
    assert image.width == explaining.WIDTH
    assert image.height < 1500
    boxes = [box for box, text in written if text.strip()]
    assert len(boxes) >= 2 + 3 + 2 + 3 + 7
    for left, top, right, bottom in boxes:
        assert left >= explaining.MARGIN - 6
        assert right <= image.width - explaining.MARGIN + 6
        assert 0 < top < bottom < image.height
    for place, one in enumerate(boxes):
        for other in boxes[:place]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (one, other)


@pytest.mark.parametrize("shapes", [*SHAPES, ((3, 1), (1, 3))], ids=str)
def test_pictures_are_equally_high_and_reach_from_margin_to_margin(shapes):
    first, second = ((height, width, 3) for height, width in shapes)
    height, widths = explaining._sizes([first, second, first])
    assert 1 <= height <= explaining.TALLEST
    assert sum(widths) + 2 * explaining.BETWEEN <= explaining.WIDTH - 2 * explaining.MARGIN
    assert widths[0] == widths[2]
    assert all(height / explaining.FLATTEST - 1 <= width <= height * explaining.FLATTEST for width in widths)


def test_the_pictures_stand_where_they_should():
    made = story(one_colour(20, 30), np.full((20, 30, 3), (10, 20, 200), np.uint8))
    image = np.asarray(draw(made)).astype(int)
    row = image[explaining.MARGIN + explaining.TITLE + 34 + 50]
    for colour in ((200, 60, 50), (10, 20, 200), (55, 195, 205)):
        found = np.flatnonzero((row == colour).all(axis=1))
        assert len(found) > 300
        assert np.ptp(found) == len(found) - 1
    assert (row[: explaining.MARGIN] == explaining.PAPER).all()
    edges = np.flatnonzero((row != explaining.PAPER).any(axis=1))
    assert (edges[0], edges[-1]) == (explaining.MARGIN, explaining.WIDTH - explaining.MARGIN - 1)


def test_a_picture_in_a_frame_of_its_shape_fills_it_and_another_stands_in_the_middle_of_a_panel():
    assert (np.asarray(explaining._framed(one_colour(20, 40), 401, 200)) == (200, 60, 50)).all()
    framed = np.asarray(explaining._framed(one_colour(40, 40), 400, 200))
    assert (framed[:, 110:290] == (200, 60, 50)).all()
    assert (framed[:, :90] == explaining.PANEL).all()
    assert (framed[:, 310:] == explaining.PANEL).all()


def test_one_colour_each_and_colours_without_weight():
    assert draw(story(one_colour(5, 5), one_colour(9, 9))).width == explaining.WIDTH
    made = story(one_colour(5, 5), pixels(30, 30))
    assert (made.source.weights == 0).sum() == 11
    assert draw(made).width == explaining.WIDTH


def test_both_palettes_are_there_as_wide_as_their_weights():
    points = np.array([[20.0, 0, 0], [60, 40, 20], [90, -20, 40]])
    weights = np.array([0.2, 0.3, 0.5])
    made = Palette(points, weights, 0.0, 3)
    shown = Shown(one_colour(10, 10), "x")
    flow = np.asarray(explaining._flow(Story(shown, shown, shown, made, made, np.diag(weights), SEVEN)))
    for row in (explaining.BAR // 2, len(flow) - explaining.BAR // 2):
        _, counts = np.unique(flow[row], axis=0, return_counts=True)
        np.testing.assert_allclose(np.sort(counts[counts > 2]) / flow.shape[1], weights, atol=2 / flow.shape[1])


def test_no_facts_and_more_than_there_is_room_for(written):
    draw(story(pixels(9, 9), pixels(9, 9), told=[]))
    none = len(written)
    written.clear()
    draw(story(pixels(9, 9), pixels(9, 9), told=[*SEVEN, Fact("eighth", "too many")]))
    assert len(written) == none + 2 * 7
    assert "eighth" not in {text for _, text in written}


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_large_picture_is_thinned_out_and_16_bits_become_8(depth):
    top = np.iinfo(depth).max
    large = np.broadcast_to(np.array([top, top // 2, 0], depth), (20_000, 30, 3))
    found = explaining._eight_bits(large)
    assert found.dtype == np.uint8
    assert found.shape[0] < 4 * explaining.WIDTH + 2000
    assert found[0, 0].tolist() == [255, 127, 0]


@pytest.fixture(scope="module")
def pair() -> tuple[Photo, Photo]:
    rng = np.random.default_rng(0)
    a = np.clip(rng.normal((60, 120, 60), 40, (40, 60, 3)), 0, 255).astype(np.uint8)
    b = np.clip(rng.normal((200, 100, 40), 40, (50, 50, 3)), 0, 255).astype(np.uint8)
    return Photo(a, name="green.jpg"), Photo(b, name="orange.jpg")


def test_the_facts_are_those_of_the_match(pair):
    options = Options(k=16, start="cold", neutrals=0.0)
    made = transfer(*pair, options)
    told = {one.what: one.value for one in explaining.facts(made.match, options, 12.345)}
    counts = made.match.counts
    assert told["colours of A and of B"] == "16 : 16"
    assert told["Delta E a colour of A moves on average"] == "12.3"
    assert told["epsilon, the blur of the transport, LAB units"] == "0.1"
    assert told["iterations from the start cold"] == told["iterations from cold"] == f"{counts.iterations:,}"
    plain = explaining.facts(transfer(*pair, k=16).match, Options(k=16), 1.0)
    assert not [one for one in plain if "iterations" in one.what]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_a_transfer_is_written_as_its_suffix_says(pair, suffix, tmp_path):
    options = Options(k=16)
    made = transfer(*pair, options)
    path = tmp_path / f"why{suffix}"
    explaining.write(path, *pair, made, options)
    with Image.open(path) as image:
        assert image.format == ("PNG" if suffix == ".png" else "JPEG")
        assert image.width == explaining.WIDTH
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["why.gif", "why", "why.cube"])
def test_another_suffix_is_refused_before_anything_is_drawn(pair, name):
    with pytest.raises(ParamsError, match=r"--explain must end in one of \.png, \.jpg, \.jpeg, but is .*why"):
        explaining.write(Path(name), *pair, None, Options())
