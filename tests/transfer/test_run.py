from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.color import deltaE_ciede2000

import paletteot
import paletteot.lab as cielab
from paletteot.errors import DataError, ParamsError
from paletteot.transfer.options import Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.reduction import LONG_SIDE
from paletteot.transfer.run import Look, Side, Transfer, transfer


def scene(colour, share, *, size=96, white=255, seed=0):
    """Return a thing of one colour, light and shadow in it, that fills a share of a white picture."""
    rng = np.random.default_rng(seed)
    picture = np.full((size, size, 3), white, dtype=np.uint8)
    side = round(size * share**0.5)
    light = np.linspace(0.3, 1, side)[:, None, None] * np.array(colour)
    picture[:side, :side] = np.clip(light + rng.normal(0, 4, (side, side, 3)), 0, 255)
    return picture


YELLOW, RED = scene([240, 200, 30], 0.12), scene([210, 20, 30], 0.4, seed=1)
THING = (YELLOW != 255).any(axis=2)


def moved_by(before, after):
    """Return CIEDE2000 between two pictures, (h, w)."""
    return deltaE_ciede2000(cielab.from_srgb(before), cielab.from_srgb(after))


@pytest.mark.parametrize("method", ["smooth", "hard"])
@pytest.mark.parametrize("white", [255, 245])
def test_a_white_background_stays_white(method, white):
    a, b = scene([240, 200, 30], 0.12, white=white), scene([210, 20, 30], 0.4, seed=1)
    made = transfer(a, b, method=method)
    background = (a == white).all(axis=2)
    assert moved_by(a, made.pixels)[background].max() <= 3
    red, green = made.pixels[~background][:, 0].mean(), made.pixels[~background][:, 1].mean()
    assert red > 2 * green  # the car is red all the same


def test_without_protection_it_does_not():
    """The fault that keeping neutrals mends is there without them."""
    made = transfer(YELLOW, RED, neutrals=0)
    assert moved_by(YELLOW, made.pixels)[~THING].max() > 10


def test_the_cars_of_the_seed(seed_dir, tmp_path):
    import zipfile

    with zipfile.ZipFile(seed_dir / "sample_images.zip") as archive:
        archive.extractall(tmp_path)
    a = Photo.of(tmp_path / "yellowCar.jpg")
    made = transfer(a, tmp_path / "redCar.jpg")
    background = (a.pixels >= 253).all(axis=2)
    assert background.mean() > 0.5
    assert np.quantile(moved_by(a.pixels, made.pixels)[background], 0.999) <= 3
    assert made.match.kept > 0.8


def test_a_picture_onto_itself_comes_back():
    from skimage import data

    picture = data.astronaut()[::4, ::4]
    made = transfer(picture, picture)
    assert np.median(moved_by(picture, made.pixels)) < 1
    np.testing.assert_allclose(made.match.plan.sum(), 1, atol=1e-6)


def test_the_palette_of_the_result_is_nearer_to_b():
    from skimage import data

    a, b = data.astronaut()[::4, ::4], data.coffee()[::4, ::4]
    made = transfer(a, b)
    options = Options()
    of_a, of_b, of_it = (Side.of(Photo.of(one), options).palette for one in (a, b, made.pixels))

    def apart(one, other):
        problem = paletteot.Problem(one.centroids, one.weights, other.centroids, other.weights, 0.1)
        return float((paletteot.plan(problem, paletteot.solve(problem).g) * problem.cost).sum())

    assert apart(of_it, of_b) < 0.6 * apart(of_a, of_b)


def test_strength_zero_gives_every_byte_back():
    np.testing.assert_array_equal(transfer(YELLOW, RED, strength=0).pixels, YELLOW)


def test_luminance_is_kept_where_that_is_asked():
    from skimage import data

    a, b = data.astronaut()[::4, ::4], data.coffee()[::4, ::4]
    made = transfer(a, b, keep_luminance=True)
    assert np.abs(cielab.from_srgb(made.pixels)[..., 0] - cielab.from_srgb(a)[..., 0]).mean() < 0.5


def test_masks_say_what_is_moved_and_whose_colours_are_taken():
    left = np.zeros(YELLOW.shape[:2], dtype=bool)
    left[:, :48] = True
    made = transfer(YELLOW, RED, mask_a=left)
    np.testing.assert_array_equal(made.pixels[~left], YELLOW[~left])
    only_red = transfer(YELLOW, RED, mask_b=(RED != 255).any(axis=2))
    assert only_red.target.centroids[only_red.target.weights > 0, 0].max() < 70  # no white in it
    with pytest.raises(DataError, match="a mask must be as large as its picture, 96 x 96, but is 2 x 2"):
        transfer(YELLOW, RED, mask_a=np.ones((2, 2), dtype=bool))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_depth_alpha_and_size_are_kept(depth):
    a = YELLOW.astype(depth) * (257 if depth == np.uint16 else 1)
    alpha = np.full(a.shape[:2], np.iinfo(depth).max, dtype=depth)
    alpha[:10] = 0
    made = transfer(Photo(a, alpha), RED)
    assert made.photo.pixels.dtype == depth
    assert made.photo.pixels.shape == a.shape
    np.testing.assert_array_equal(made.photo.alpha, alpha)


def test_sixteen_bits_go_where_eight_do():
    deep = transfer(YELLOW.astype(np.uint16) * 257, RED).pixels
    flat = transfer(YELLOW, RED).pixels
    assert np.abs(deep / 257 - flat).max() <= 0.51


def test_a_colourless_reference_leaves_no_colour():
    from skimage import data

    made = transfer(data.coffee()[::4, ::4], data.camera()[::4, ::4])
    chroma = np.hypot(*np.moveaxis(cielab.from_srgb(made.pixels)[..., 1:], 2, 0))
    assert chroma.max() < 1
    half = transfer(data.coffee()[::4, ::4], data.camera()[::4, ::4], strength=0.5)
    assert np.hypot(*np.moveaxis(cielab.from_srgb(half.pixels)[..., 1:], 2, 0)).max() > 5


def test_a_grey_picture_takes_the_lightness_of_colours_too():
    from skimage import data

    grey, colours = data.camera()[::4, ::4], data.rocket()[::4, ::4]
    made = transfer(grey, colours)
    assert made.match.kept == 0
    wanted = np.median(cielab.from_srgb(colours)[..., 0])
    assert abs(np.median(cielab.from_srgb(made.pixels)[..., 0]) - wanted) < 5


def test_a_grey_picture_stays_grey_and_takes_the_lightness():
    grey = np.linspace(0, 120, 64 * 64).reshape(64, 64).astype(np.uint8)
    made = transfer(grey, RED)
    assert made.photo.grey
    chroma = np.hypot(*np.moveaxis(cielab.from_srgb(made.pixels)[..., 1:], 2, 0))
    assert chroma.max() < 0.1
    assert made.pixels.max() > 200


@pytest.mark.parametrize(("a", "b"), [((1, 1), (1, 1)), ((1, 1), (40, 30)), ((40, 30), (1, 1)), ((3, 500), (500, 3))])
def test_pictures_of_any_shape(a, b):
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in (a, b))
    assert transfer(one, other).pixels.shape == one.shape


@pytest.mark.parametrize("method", ["smooth", "hard"])
def test_one_colour_becomes_one_colour(method):
    blue, green = (np.full((20, 20, 3), colour, dtype=np.uint8) for colour in ([20, 30, 200], [30, 160, 40]))
    made = transfer(blue, green, method=method)
    np.testing.assert_array_equal(made.pixels, green)


def test_fewer_colours_than_k_are_enough():
    assert transfer(YELLOW[:2, :2], RED, k=1024).pixels.shape == (2, 2, 3)


def test_paths_images_and_arrays_give_the_same(tmp_path):
    for name, picture in (("a", YELLOW), ("b", RED)):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    by_path = transfer(tmp_path / "a.png", str(tmp_path / "b.png"))
    by_image = transfer(Image.fromarray(YELLOW), Image.fromarray(RED))
    by_array = transfer(YELLOW, RED)
    np.testing.assert_array_equal(by_path.pixels, by_array.pixels)
    np.testing.assert_array_equal(by_image.pixels, by_array.pixels)


def test_several_pictures_are_taken_as_one():
    options = Options()
    side = Side.of_all((Photo.of(picture) for picture in (YELLOW, RED)), 2, options)
    assert len(side.small) == 2 * YELLOW.shape[0] ** 2
    look = Look.between(side, Side.of(Photo.of(YELLOW), options), options)
    assert Transfer(look.on(Photo.of(RED)), look).pixels.shape == RED.shape
    many = Side.of_all((Photo.of(np.zeros((800, 800, 3), dtype=np.uint8)) for _ in range(32)), 32, options)
    assert len(many.small) <= 8 * LONG_SIDE**2


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"k": 1}, "k must be from 2 to 1024, but is 1"),
        ({"k": 2.5}, "k must be a whole number, but is 2.5"),
        ({"eps": 0}, "eps must be from 0.001 to 1000 LAB units, but is 0"),
        ({"sigma": float("nan")}, "sigma must be from 0.1 to 1000 LAB units, but is nan"),
        ({"strength": 1.5}, "strength must be from 0 to 1, but is 1.5"),
        ({"neutrals": -1}, "neutrals must be from 0 to 1, but is -1"),
        ({"method": "soft"}, "method must be one of smooth, hard, but is 'soft'"),
        ({"start": "warm"}, "start must be one of none, dual, "),
        ({"network_only": True}, "network_only must come with a start"),
        ({"sigmas": 3}, "an option must be one of k, eps, .*, but is 'sigmas'"),
        ({"strength": "1"}, "strength must be a number from 0 to 1, but is '1'"),
    ],
)
def test_what_is_no_choice_is_said_with_what_is(choice, said):
    with pytest.raises(ParamsError, match=said):
        transfer(YELLOW, RED, **choice)
