from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import paletteot.lab as cielab
from paletteot.errors import DataError
from paletteot.transfer import cube
from paletteot.transfer.cube import Cube, read, sampled, write

GOOD = "LUT_3D_SIZE 2\n" + "0 0 0\n1 0 0\n0 1 0\n1 1 0\n0 0 1\n1 0 1\n0 1 1\n1 1 1\n"
TABLES = st.integers(2, 5).flatmap(lambda n: arrays(np.float64, (n, n, n, 3), elements=st.floats(-2, 3, width=16)))


def random(n: int, seed: int = 0, **domain: tuple[float, float, float]) -> Cube:
    return Cube(np.random.default_rng(seed).random((n, n, n, 3)), "random", **domain)


def identity(n: int) -> Cube:
    axis = np.linspace(0, 1, n)
    return Cube(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1))


def pixels(dtype: type, shape: tuple[int, int] = (40, 50), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (*shape, 3), dtype, endpoint=True)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "look.cube"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("n", [2, 17, 33, 65])
def test_the_identity_changes_no_pixel(n, dtype, tmp_path):
    given = pixels(dtype, (200, 200))
    np.testing.assert_array_equal(identity(n).apply(given), given)
    write(tmp_path / "same.cube", identity(n))
    np.testing.assert_array_equal(read(tmp_path / "same.cube").apply(given), given)


@pytest.mark.parametrize("n", cube.SIZES)
def test_the_map_that_moves_nothing_is_the_identity_to_16_bits(n):
    table = sampled(lambda lab: lab, n).table
    assert np.abs(table - identity(n).table).max() <= 1 / 65535
    given = pixels(np.uint8)
    np.testing.assert_array_equal(sampled(lambda lab: lab, n).apply(given), given)


def test_a_table_holds_the_map():
    def paler(lab):
        return lab * [0.8, 0.6, 0.6] + [4, 3, -3]

    corners = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)[None]
    expected = cielab.to_srgb(paler(cielab.from_srgb(corners)))
    np.testing.assert_array_equal(sampled(paler, 17).apply(corners), expected)
    inner = pixels(np.uint8) // 2 + 64
    moved = cielab.to_srgb(paler(cielab.from_srgb(inner)))
    assert np.abs(sampled(paler, 65).apply(inner).astype(int) - moved).max() <= 1


@pytest.mark.parametrize("domain", [{}, {"low": (-0.5, 0.0, 0.25), "high": (1.5, 0.75, 1.0)}])
@pytest.mark.parametrize("n", [2, 5, 17])
def test_colour_science_reads_what_is_written(n, domain, tmp_path):
    colour = pytest.importorskip("colour")
    ours = random(n, **domain)
    write(tmp_path / "ours.cube", ours)
    theirs = colour.read_LUT(str(tmp_path / "ours.cube"))
    np.testing.assert_allclose(theirs.table, ours.table, atol=5.1e-7)
    np.testing.assert_array_equal(theirs.domain, [ours.low, ours.high])
    assert theirs.name == "random"


@pytest.mark.parametrize("domain", [[[0, 0, 0], [1, 1, 1]], [[-0.5, 0, 0.25], [1.5, 0.75, 1]]])
def test_what_colour_science_writes_is_read(domain, tmp_path):
    colour = pytest.importorskip("colour")
    theirs = colour.LUT3D(random(5).table, "theirs", np.array(domain), comments=["made elsewhere"])
    colour.write_LUT(theirs, str(tmp_path / "theirs.cube"))
    ours = read(tmp_path / "theirs.cube")
    np.testing.assert_allclose(ours.table, theirs.table, atol=5.1e-8)
    np.testing.assert_allclose([ours.low, ours.high], domain)
    assert ours.title == "theirs"


@pytest.mark.parametrize("domain", [{}, {"low": (-0.5, 0.0, 0.25), "high": (1.5, 0.75, 1.0)}])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_interpolation_is_colour_sciences(dtype, domain):
    colour = pytest.importorskip("colour")
    ours = random(9, 1, **domain)
    given = pixels(dtype, (100, 100))
    given[0, :3] = [[0] * 3, [np.iinfo(dtype).max] * 3, [100, 100, 7]]
    theirs = colour.LUT3D(ours.table, "", np.array([ours.low, ours.high]))
    share = np.clip(given / np.iinfo(dtype).max, ours.low, ours.high)  # theirs extrapolates beyond the domain
    expected = theirs.apply(share, interpolator=colour.algebra.table_interpolation_tetrahedral)
    error = np.abs(ours.apply(given) - expected * np.iinfo(dtype).max)
    assert error.max() <= 0.5 + 1e-6 * np.iinfo(dtype).max


@given(TABLES)
@settings(max_examples=40)
def test_a_table_comes_back(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("cube") / "x.cube"
    write(path, Cube(table, "round trip"))
    np.testing.assert_allclose(read(path).table, table, atol=5.1e-7)
    assert read(path).title == "round trip"


@given(st.text(max_size=300))
@settings(max_examples=50)
def test_any_title_stays_on_one_legal_line(tmp_path_factory, title):
    path = tmp_path_factory.mktemp("cube") / "x.cube"
    write(path, Cube(identity(2).table, title))
    line = path.read_bytes().splitlines()[0]
    assert len(line) < 250
    assert line.isascii()
    assert line.count(b'"') == 2
    assert read(path).table.shape == (2, 2, 2, 3)


@given(arrays(np.uint8, (3, 5, 3)))
def test_colours_stay_between_those_of_the_table(given):
    ours = random(4)
    found = ours.apply(given)
    assert found.min() >= np.floor(255 * ours.table.min())
    assert found.max() <= np.ceil(255 * ours.table.max())


def test_greys_stay_grey_where_the_table_keeps_them():
    table = random(5).table
    steps = np.arange(5)
    table[steps, steps, steps] = np.linspace(0.1, 0.9, 5)[:, None]
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.ptp(Cube(table).apply(grey), axis=2).max() == 0


def test_what_leaves_srgb_is_clipped_and_any_strides_are_taken():
    ours = Cube(np.where(identity(2).table > 0.5, 1.7, -0.7))
    found = ours.apply(pixels(np.uint8))
    assert (found.min(), found.max()) == (0, 255)
    given = pixels(np.uint16, (31, 17))
    given.flags.writeable = False
    turned = given.transpose(1, 0, 2)[::-2, :, ::-1]
    np.testing.assert_array_equal(random(3).apply(turned), random(3).apply(turned.copy()))


@pytest.mark.parametrize("shape", [(0, 4, 3), (1, 1, 3)])
def test_small_pictures(shape):
    assert identity(2).apply(np.zeros(shape, np.uint8)).shape == shape


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        "\ufeff# a comment\n\n" + GOOD.replace("1 1 0\n", "  1\t1   0   # yellow\n\n# between\n"),
        'TITLE "x # y"\nDOMAIN_MIN 0 0 0\n' + GOOD + "\n\n",
        GOOD.rstrip(),
        "LUT_3D_INPUT_RANGE 0.0 1.0\n" + GOOD.replace("0 0 0", "0.000000e+00 +0 -0.0"),
    ],
)
def test_what_other_programs_write_is_read(text, tmp_path):
    found = read(written(tmp_path, text))
    np.testing.assert_array_equal(found.table, identity(2).table)
    assert (found.low, found.high) == ((0, 0, 0), (1, 1, 1))
    assert found.title == ("x # y" if "TITLE" in text else "")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("LUT_1D_SIZE 4\n0 0 0\n", 1, "a 3D table, LUT_3D_SIZE, is needed, but this is a 1D one"),
        ("LUT_3D_SIZE 1\n", 1, "LUT_3D_SIZE must be a whole number from 2 to 256, but is '1'"),
        ("LUT_3D_SIZE 257\n", 1, "from 2 to 256, but is '257'"),
        ("LUT_3D_SIZE 2.5\n", 1, "from 2 to 256, but is '2.5'"),
        ("LUT_3D_SIZE ٣\n", 1, "from 2 to 256"),
        ("LUT_3D_SIZE " + 9000 * "9", 1, "from 2 to 256"),
        ("LUT_3D_SIZE\n", 1, "from 2 to 256, but is ''"),
        ("LUT_3D_SIZE 2\nLUT_3D_SIZE 2\n", 2, "must stand once"),
        ("0 0 0\n" + GOOD, 1, "LUT_3D_SIZE must stand before the colours"),
        (GOOD + "1 1 1\n", 10, "must be the end after 8 colours, but more follow"),
        (GOOD.replace("1 1 0", "1 1 x"), 5, "a colour must be 3 finite numbers, but is '1 1 x'"),
        (GOOD.replace("1 1 0", "1 1"), 5, "3 finite numbers, but is '1 1'"),
        (GOOD.replace("1 1 0", "1 1 0 0"), 5, "3 finite numbers"),
        (GOOD.replace("1 1 0", "nan 1 0"), 5, "3 finite numbers, but is 'nan 1 0'"),
        (GOOD.replace("1 1 0", "1 -inf 0"), 5, "3 finite numbers"),
        (GOOD.replace("1 1 0", "1e999 1 0"), 5, "3 finite numbers"),
        (GOOD.replace("1 1 0", "1_0 1 0"), 5, "3 finite numbers"),
        (GOOD.replace("1 1 0", "1,1 1 0"), 5, "3 finite numbers"),
        ("DOMAIN_MIN 0 0\n" + GOOD, 1, "DOMAIN_MIN must be 3 finite numbers, but is '0 0'"),
        ("LUT_3D_INPUT_RANGE 0\n" + GOOD, 1, "LUT_3D_INPUT_RANGE must be 2 finite numbers"),
        ("SIZE 2\n" + GOOD, 1, "must be three numbers or one of TITLE, LUT_3D_SIZE"),
        ("<html>\n", 1, "LUT_3D_SIZE must stand before the colours"),
    ],
)
def test_what_is_no_table_gives_one_line_with_file_line_and_what_is_legal(text, line, said, tmp_path):
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must hold LUT_3D_SIZE and its colours, but ends after 0 in line 0"),
        (GOOD.removesuffix("1 1 1\n"), "must hold 8 colours after LUT_3D_SIZE 2, but ends after 7 in line 8"),
        ("DOMAIN_MAX 1 0 1\n" + GOOD, "each minimum must be below its maximum"),
        ("LUT_3D_INPUT_RANGE -1e308 1e308\n" + GOOD, "each minimum must be below its maximum"),
        (bytes(range(256)) * 20, "must"),
    ],
)
def test_what_ends_too_soon_or_has_no_domain_names_the_file(text, said, tmp_path):
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_no_bytes_raise_anything_else(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("cube") / "x.cube"
    path.write_bytes(GOOD[:30].encode() + content)
    with suppress(DataError):
        read(path)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (np.zeros((2, 2, 3)), "must have shape"),
        (np.zeros((1, 1, 1, 3)), "must have shape"),
        (np.zeros((2, 3, 2, 3)), "must have shape"),
        (np.full((2, 2, 2, 3), np.nan), "must be finite"),
    ],
)
def test_arrays_that_are_no_table_are_refused(table, said):
    with pytest.raises(DataError, match=said):
        Cube(table)


@pytest.mark.parametrize("size", [0, 2, 16, 34, 256])
def test_other_sizes_are_not_made(size):
    with pytest.raises(DataError, match=f"size: must be one of 17, 33, 65, but is {size}"):
        sampled(lambda lab: lab, size)


def test_a_map_that_gives_nan_writes_nothing():
    with pytest.raises(DataError, match="must give finite colours"):
        sampled(lambda lab: lab * np.nan, 17)


@pytest.mark.parametrize("given", [np.zeros((4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_what_is_no_picture_is_refused(given):
    with pytest.raises(DataError, match="pixels: must be"):
        identity(2).apply(given)


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = written(tmp_path, GOOD)
    monkeypatch.setattr(cube, "write_text", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        write(path, random(3))
    assert path.read_text() == GOOD
