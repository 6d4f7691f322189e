"""Pictures in and out: nothing of them is lost, and what is none is one clear line."""

from __future__ import annotations

import builtins
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from paletteot.errors import DataError, ParamsError
from paletteot.extras import MissingPackageError
from paletteot.transfer import saving
from paletteot.transfer.layers import BAND, bands, in_eight_bits, joined, levels_of_grey, split
from paletteot.transfer.photo import Photo

SUFFIXES = tuple(saving.FORMATS)
LOSSLESS = (".png", ".tif", ".tiff")


def noise(*shape: int, dtype: type = np.uint8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def smooth(h: int = 60, w: int = 80) -> np.ndarray:
    """Colours without edges, which JPEG and WebP keep well."""
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([x * 255 // w, y * 255 // h, (x + y) * 255 // (w + h)], axis=2).astype(np.uint8)


def same(a: Photo, b: Photo) -> bool:
    alphas = (a.alpha is None) == (b.alpha is None) and (a.alpha is None or np.array_equal(a.alpha, b.alpha))
    return np.array_equal(a.pixels, b.pixels) and a.pixels.dtype == b.pixels.dtype and alphas and a.grey == b.grey


@pytest.fixture
def deep():
    """Skips where the extra is not installed."""
    return pytest.importorskip("imagecodecs")


# What is opened


def test_a_path_an_image_an_array_and_a_photo_are_the_same_picture(tmp_path):
    pixels = noise(5, 7, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    first = Photo.of(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        others = [Photo.of(str(tmp_path / "a.png")), Photo.of(image), Photo.of(pixels), Photo.of(first)]
    assert np.array_equal(first.pixels, pixels)
    assert all(same(first, other) for other in others)
    assert [other.name for other in others] == ["a.png", "a.png", "picture", "a.png"]
    assert Photo.of(first, "named").name == Photo.of(pixels, "named").name == "named"


def test_arrays_of_bytes_are_shared_not_copied():
    pixels = noise(5, 7, 3)
    assert np.shares_memory(Photo.of(pixels).pixels, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_arrays_with_alpha_and_of_grey(dtype):
    rgba, grey = noise(4, 6, 4, dtype=dtype), noise(4, 6, dtype=dtype)
    opened = Photo.of(rgba)
    assert np.array_equal(opened.pixels, rgba[..., :3])
    assert np.array_equal(opened.alpha, rgba[..., 3])
    assert not opened.grey
    opened = Photo.of(grey.astype(grey.dtype.newbyteorder(">")))
    assert opened.grey
    assert opened.alpha is None
    assert opened.pixels.dtype == dtype
    assert (opened.pixels == grey[..., None]).all()


def test_floats_are_rounded_to_bytes():
    floats = np.array([[[0.0, 0.5, 1.0], [1 / 255, 0.9999, 0.0019]]])
    assert Photo.of(floats).pixels.tolist() == [[[0, 128, 255], [1, 255, 0]]]
    assert Photo.of(floats.astype(np.float32)).pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (np.zeros((4, 4, 2), np.uint8), "picture: must have shape (height, width), or that and 3 or 4 channels"),
        (np.zeros(4, np.uint8), "but is a 4 array"),
        (np.zeros((0, 4, 3), np.uint8), "but is a 0 x 4 x 3 array"),
        (np.zeros((4, 4), np.int64), "must hold uint8, uint16, or floats from 0 to 1, but holds int64"),
        (np.full((4, 4), 255.0), "floats must be from 0 to 1, but some are not"),
        (np.full((4, 4), np.nan), "floats must be from 0 to 1, but some are not"),
        (Image.new("F", (3, 3)), "grey of 32 bits or signed"),
        ([[1, 2], [3, 4]], "a picture must be a path, a PIL image, an array or a Photo, but is list"),
        (None, "but is NoneType"),
    ],
)
def test_what_is_no_picture_is_one_clear_line(thing, words):
    with pytest.raises(DataError) as caught:
        Photo.of(thing)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_photo_of_other_arrays_is_refused():
    with pytest.raises(DataError, match="pixels must be"):
        Photo(np.zeros((2, 2, 4), np.uint8))
    with pytest.raises(DataError, match="alpha must be"):
        Photo(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.uint16))


def animation(path: Path) -> None:
    frames = [Image.fromarray(noise(8, 8, 3, seed=seed)) for seed in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)


BAD = {
    "missing.jpg": (lambda _: None, "cannot be read: No such file"),
    "folder.png": (lambda path: path.mkdir(), "must be a picture, but is a folder"),
    "text.jpg": (lambda path: path.write_text("no picture"), "cannot be read as a picture: none of the formats"),
    "empty.png": (lambda path: path.write_bytes(b""), "cannot be read as a picture"),
    "film.gif": (animation, "an animation of 3 pictures, but one is legal"),
    "film.png": (animation, "an animation of 3 pictures, but one is legal"),
    "film.webp": (animation, "an animation of 3 pictures, but one is legal"),
    "pages.tif": (animation, "it holds 3 pictures, but one is legal"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_clear_line(tmp_path, name):
    make, words = BAD[name]
    make(tmp_path / name)
    with pytest.raises(DataError) as caught:
        Photo.of(tmp_path / name)
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("left", [0.2, 0.5, 0.8])
def test_a_truncated_file_is_one_clear_line(tmp_path, suffix, left):
    Photo.of(noise(40, 40, 3)).save(tmp_path / f"a{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"a{suffix}").write_bytes(content[: int(len(content) * left)])
    with pytest.raises(DataError, match=r"^\S+: ") as caught:
        Photo.of(tmp_path / f"a{suffix}")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_truncated_deep_file_is_one_clear_line(tmp_path, suffix):
    Photo.of(noise(40, 40, 3, dtype=np.uint16)).save(tmp_path / f"a{suffix}")
    content = (tmp_path / f"a{suffix}").read_bytes()
    for stop in (20, len(content) // 2, len(content) - 200):
        (tmp_path / f"a{suffix}").write_bytes(content[:stop])
        with pytest.raises(DataError) as caught:
            Photo.of(tmp_path / f"a{suffix}")
        assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from([*SUFFIXES, "16.png", "16.tif"]))
def test_a_damaged_file_is_a_picture_or_one_clear_line(tmp_path, data, suffix):
    pytest.importorskip("imagecodecs")
    file = tmp_path / f"a{suffix}"
    Photo.of(noise(6, 9, 3, dtype=np.uint16 if "16" in suffix else np.uint8)).save(file)
    content = bytearray(file.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        assert Photo.of(file).pixels.size
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_a_picture_of_one_pixel(tmp_path):
    for suffix in SUFFIXES:
        one = Photo.of(np.full((1, 1, 3), 119, np.uint8))
        one.save(tmp_path / f"one{suffix}")
        assert Photo.of(tmp_path / f"one{suffix}").pixels.tolist() == [[[119, 119, 119]]]


def test_a_thumbnail_beside_a_tiff_is_no_second_picture(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    pixels = noise(20, 30, 3)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(pixels, photometric="rgb", metadata=None)
        file.write(pixels[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
    assert np.array_equal(Photo.of(tmp_path / "a.tif").pixels, pixels)


def test_the_frame_in_hand_of_an_open_animation_is_taken(tmp_path):
    animation(tmp_path / "film.png")
    with Image.open(tmp_path / "film.png") as image:
        image.seek(2)
        assert np.array_equal(Photo.of(image).pixels, noise(8, 8, 3, seed=2))


# Orientation


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "tif", "16.png", "16.tif", "rgba.png", "webp", "image"])
def test_exif_turns(tmp_path, orientation, kind, request):
    """Against Pillow's own way upright, of the same pixels."""
    if "16" in kind:
        request.getfixturevalue("deep")
    pixels = noise(4, 6, 4 if "rgba" in kind else 3)
    file = tmp_path / f"a.{kind}"
    exif = oriented(orientation)
    if kind == "16.png":
        Photo.of(pixels.astype(np.uint16) * 257).save(file)
        content = file.read_bytes()
        body = exif.tobytes().removeprefix(b"Exif\0\0")
        chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
        at = len(content) - 12 if orientation % 2 else 33  # in front of IEND, or behind IHDR
        file.write_bytes(content[:at] + chunk + content[at:])
    elif kind == "16.tif":
        import tifffile

        deep_pixels = pixels.astype(np.uint16) * 257
        tags = [(274, "H", 1, orientation, True)]
        tifffile.imwrite(file, deep_pixels, photometric="rgb", metadata=None, extratags=tags)
    else:
        more = {"lossless": True} if kind == "webp" else {}
        Image.fromarray(pixels).save(file if kind != "image" else tmp_path / "a.image.png", exif=exif, **more)
    from PIL import ImageOps

    flat = Image.fromarray(pixels)
    flat.getexif()[ExifTags.Base.Orientation] = orientation
    expected = np.asarray(ImageOps.exif_transpose(flat))
    if kind == "image":
        with Image.open(tmp_path / "a.image.png") as image:
            opened = Photo.of(image)
    else:
        opened = Photo.of(file)
    assert np.array_equal(in_eight_bits(opened.pixels), expected[..., :3])
    assert opened.pixels.dtype == (np.uint16 if "16" in kind else np.uint8)
    assert opened.pixels.flags.c_contiguous
    if "rgba" in kind:
        assert np.array_equal(opened.alpha, expected[..., 3])
    opened.save(tmp_path / "again.png")
    assert same(Photo.of(tmp_path / "again.png"), opened)  # what is written is upright, and turned by nobody again


# Colours


def profile(deep, primaries: list[float], gamma: float) -> bytes:
    return bytes(deep.cms_profile("rgb", whitepoint=[0.3127, 0.3290, 1.0], primaries=primaries, gamma=gamma))


ADOBE = [0.64, 0.33, 1.0, 0.21, 0.71, 1.0, 0.15, 0.06, 1.0]


def from_adobe(levels: np.ndarray) -> np.ndarray:
    """sRGB of Adobe RGB (1998), by its published matrix to XYZ, 0..1."""
    linear = levels**2.19921875
    to_xyz = np.array(
        [[0.5767309, 0.1855540, 0.1881852], [0.2973769, 0.6273491, 0.0752741], [0.0270343, 0.0706872, 0.9911085]]
    )
    to_srgb = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
    )
    found = np.clip(linear @ (to_srgb @ to_xyz).T, 0, 1)
    return np.where(found <= 0.0031308, 12.92 * found, 1.055 * found ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp", "16.png", "16.tif", "image"])
def test_a_profile_is_followed(tmp_path, deep, kind):
    adobe = profile(deep, ADOBE, 2.19921875)
    pixels = smooth() // 4 + 96  # inside of both gamuts
    file = tmp_path / f"a.{'png' if kind == 'image' else kind}"
    if kind == "16.png":
        from paletteot.transfer import deep as ours

        ours.write_png(file, pixels.astype(np.uint16) * 257, adobe)
    elif kind == "16.tif":
        import tifffile

        tifffile.imwrite(file, pixels.astype(np.uint16) * 257, photometric="rgb", metadata=None, iccprofile=adobe)
    else:
        more = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True}}
        Image.fromarray(pixels).save(file, icc_profile=adobe, **more.get(kind, {}))
        with Image.open(file) as image:
            pixels = np.asarray(image)
    expected = from_adobe(pixels / 255) * 255
    if kind == "image":
        with Image.open(file) as image:
            opened = Photo.of(image)
    else:
        opened = Photo.of(file)
    found = opened.pixels / (257 if "16" in kind else 1)
    assert np.abs(found - expected).max() <= (0.6 if "16" in kind else 1.6)
    assert np.abs(pixels - expected).max() > 8
    opened.save(tmp_path / "out.png")
    assert same(Photo.of(tmp_path / "out.png"), opened)  # sRGB by then, and not converted again


def test_a_profile_of_greys_is_followed_in_8_and_16_bits(tmp_path, deep):
    linear = bytes(deep.cms_profile("gray", whitepoint=[0.3457, 0.3585, 1.0], gamma=1.0))
    levels = np.arange(40, 256, dtype=np.uint8)[None].repeat(2, axis=0)
    expected = (1.055 * (levels / 255) ** (1 / 2.4) - 0.055) * 255
    Image.fromarray(levels).save(tmp_path / "a.png", icc_profile=linear)
    Image.fromarray(levels.astype(np.uint16) * 257).save(tmp_path / "b.png", icc_profile=linear)
    eight, sixteen = Photo.of(tmp_path / "a.png"), Photo.of(tmp_path / "b.png")
    assert (eight.grey, sixteen.grey, sixteen.pixels.dtype) == (True, True, np.uint16)
    assert np.abs(eight.pixels - expected[..., None]).max() <= 1.6
    assert np.abs(sixteen.pixels / 257 - expected[..., None]).max() <= 0.6


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_srgb_is_embedded_and_the_file_is_the_same_whenever_it_is_written(tmp_path, suffix, monkeypatch):
    file = tmp_path / f"a{suffix}"
    Photo.of(smooth()).save(file)
    with Image.open(file) as image:
        embedded = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(embedded)
    before = file.read_bytes()
    saving.srgb.cache_clear()
    real = ImageCms.ImageCmsProfile.tobytes
    later = lambda made: (lambda raw: raw[:24] + b"\x07\xff\0\x01\0\x02\0\0\0\0\0\0" + raw[36:])(real(made))  # noqa: E731
    monkeypatch.setattr(ImageCms.ImageCmsProfile, "tobytes", later)
    Photo.of(smooth()).save(file)
    saving.srgb.cache_clear()
    assert file.read_bytes() == before


def test_cmyk_and_palettes_and_bilevel_are_opened(tmp_path):
    Image.new("CMYK", (3, 2), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")
    assert Photo.of(tmp_path / "cmyk.jpg").pixels[0, 0, 0] > 200
    Image.fromarray(noise(9, 9, 3) // 64 * 64).quantize(16).save(tmp_path / "p.png", transparency=3)
    with Image.open(tmp_path / "p.png") as image:
        expected = np.asarray(image.convert("RGBA"))
    opened = Photo.of(tmp_path / "p.png")
    assert np.array_equal(np.dstack([opened.pixels, opened.alpha]), expected)
    Image.fromarray(noise(5, 9) > 99).save(tmp_path / "bits.png")
    opened = Photo.of(tmp_path / "bits.png")
    assert opened.grey
    assert set(opened.pixels.flat) == {0, 255}


def test_colours_are_those_of_the_data_set(tmp_path):
    """Of every format and mode without alpha: `images.decode` is what makes palettes' pictures."""
    from paletteot.images.decode import decode

    for kind in (
        "RGB.jpg",
        "L.jpg",
        "CMYK.jpg",
        "P.gif",
        "RGB.webp",
        "RGB.bmp",
        "CMYK.tif",
        "LAB.tif",
        "1.tif",
        "RGB.avif",
    ):
        file, mode = tmp_path / kind, kind.partition(".")[0]
        image = Image.fromarray(smooth()) if mode != "LAB" else Image.frombytes("LAB", (80, 60), smooth().tobytes())
        image.convert(mode).save(file)
        assert np.array_equal(Photo.of(file).pixels, decode(file.read_bytes(), kind)), kind


def test_photographs_of_telephones_keep_their_alpha(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    rgba = np.dstack([smooth(), smooth()[::-1, :, 0]])
    Image.fromarray(rgba).save(tmp_path / "a.heic", quality=-1, chroma=444, matrix_coefficients=0)
    opened = Photo.of(tmp_path / "a.heic")
    with Image.open(tmp_path / "a.heic") as image:
        expected = np.asarray(image.convert("RGBA"))
    assert np.array_equal(np.dstack([opened.pixels, opened.alpha]), expected)
    assert np.abs(opened.pixels.astype(int) - rgba[..., :3]).max() <= 3


# Alpha, grey and depth, in and out


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 2**32), st.integers(1, 9), st.integers(1, 9), st.sampled_from(LOSSLESS),
    st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_what_is_written_without_loss_is_read_as_it_was(tmp_path, seed, h, w, suffix, alpha, grey, is_deep):
    if is_deep and (alpha or not grey):
        pytest.importorskip("imagecodecs")
    samples = noise(h, w, 1 + (0 if grey else 2) + alpha, dtype=np.uint16 if is_deep else np.uint8, seed=seed)
    photo = Photo(*split(samples), "a")
    if grey and alpha and not is_deep and suffix != ".png":
        suffix = ".png"  # TIFF of grey and alpha in 8 bits: below
    photo.save(tmp_path / f"a{suffix}")
    assert same(Photo.of(tmp_path / f"a{suffix}"), photo)
    assert not [one for one in tmp_path.iterdir() if one.name.endswith(".tmp")]


@pytest.mark.parametrize("suffix", [".tif", ".webp"])
def test_grey_with_alpha_elsewhere(tmp_path, suffix):
    level = smooth()[..., 0]
    photo = Photo(*split(np.dstack([level, level.T.copy().reshape(level.shape)])), "a")
    photo.save(tmp_path / f"a{suffix}")
    opened = Photo.of(tmp_path / f"a{suffix}")
    assert np.array_equal(opened.alpha, photo.alpha)
    seen = photo.alpha > 0
    assert np.abs(opened.pixels[seen].astype(int) - photo.pixels[seen]).mean() < 6


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_formats_with_loss_and_8_bits_are_close(tmp_path, suffix, dtype):
    pixels = smooth().astype(dtype) * (257 if dtype == np.uint16 else 1)
    Photo.of(pixels).save(tmp_path / f"a{suffix}")
    opened = Photo.of(tmp_path / f"a{suffix}")
    assert opened.pixels.dtype == np.uint8
    assert np.abs(opened.pixels.astype(int) - smooth()).mean() < 2


def test_jpeg_keeps_the_resolution_of_colours_and_greys_have_one_channel(tmp_path):
    Photo.of(smooth()).save(tmp_path / "a.jpg")
    Photo.of(smooth()[..., 0]).save(tmp_path / "grey.jpg")
    with Image.open(tmp_path / "a.jpg") as image, Image.open(tmp_path / "grey.jpg") as grey:
        assert {layer[1:3] for layer in image.layer} == {(1, 1)}
        assert (grey.mode, grey.info.get("icc_profile")) == ("L", None)
    assert Photo.of(tmp_path / "grey.jpg").grey


def test_jpeg_has_no_transparency(tmp_path):
    rgba = np.dstack([smooth(), np.full((60, 80), 255, np.uint8)])
    Photo.of(rgba).save(tmp_path / "opaque.jpg")  # nothing of which is lost
    rgba[3, 4, 3] = 254
    photo = Photo.of(rgba, "glass.png")
    for act in (saving.check, saving.save):
        with pytest.raises(ParamsError, match=r"a\.jpg: JPEG has no transparency, which glass\.png has; write \.png$"):
            act(tmp_path / "a.jpg", photo)
    assert [one.name for one in tmp_path.iterdir()] == ["opaque.jpg"]


@pytest.mark.parametrize("path", ["a", "a.bmp", "a.gif", "a.png.txt"])
def test_other_suffixes_are_refused_before_anything_is_read(path):
    with pytest.raises(ParamsError, match=r"must end in one of \.png, \.jpg, \.jpeg, \.webp, \.tif, \.tiff$"):
        saving.check(Path(path))


def test_capitals_are_suffixes_too(tmp_path):
    Photo.of(smooth()).save(tmp_path / "A.PNG")
    assert np.array_equal(Photo.of(tmp_path / "A.PNG").pixels, smooth())


def test_sides_that_a_format_has_not(tmp_path):
    long = Photo.of(np.zeros((1, 16_384, 3), np.uint8))
    with pytest.raises(ParamsError, match="WEBP has at most 16383 pixels a side, but 16384 x 1 are to be written"):
        saving.check(tmp_path / "a.webp", long)
    long.save(tmp_path / "a.jpg")
    assert Photo.of(tmp_path / "a.jpg").pixels.shape == (1, 16_384, 3)


def test_a_save_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "a.png"
    file.write_text("before")

    def half(_image, fresh, *_, **__):
        Path(fresh).write_bytes(b"half")
        raise RuntimeError

    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(RuntimeError):
        Photo.of(smooth()).save(file)
    assert file.read_text() == "before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.usefixtures("deep")
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_sixteen_bit_tiffs_as_others_write_them(tmp_path, compression, planar):
    import tifffile

    pixels = noise(9, 13, 4, dtype=np.uint16)
    data = pixels if planar == "contig" else np.moveaxis(pixels, 2, 0)
    for byteorder in "<>":
        tifffile.imwrite(
            tmp_path / "a.tif", data, photometric="rgb", planarconfig=planar, compression=compression,
            extrasamples=["unassalpha"], byteorder=byteorder, metadata=None,
        )  # fmt: skip
        opened = Photo.of(tmp_path / "a.tif")
        assert np.array_equal(np.dstack([opened.pixels, opened.alpha]), pixels)


@pytest.mark.usefixtures("deep")
def test_sixteen_bit_tiffs_with_white_as_zero_and_premultiplied_alpha(tmp_path):
    import tifffile

    levels = noise(9, 13, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="miniswhite", metadata=None)
    opened = Photo.of(tmp_path / "a.tif")
    assert opened.grey
    assert np.array_equal(opened.pixels[..., 0], 65535 - levels)
    rgb, alpha = noise(9, 13, 3, dtype=np.uint16), noise(9, 13, dtype=np.uint16) | 0x8000
    multiplied = np.rint(rgb * (alpha[..., None] / 65535)).astype(np.uint16)
    data = np.dstack([multiplied, alpha])
    tifffile.imwrite(tmp_path / "b.tif", data, photometric="rgb", extrasamples=["assocalpha"], metadata=None)
    opened = Photo.of(tmp_path / "b.tif")
    assert np.abs(opened.pixels.astype(int) - rgb).max() <= 2
    assert np.array_equal(opened.alpha, alpha)


@pytest.mark.usefixtures("deep")
def test_a_sixteen_bit_tiff_without_all_of_its_strips_is_one_clear_line(tmp_path):
    import tifffile

    pixels = noise(64, 13, 3, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", rowsperstrip=16, compression="zlib", metadata=None)
    assert np.array_equal(Photo.of(tmp_path / "a.tif").pixels, pixels)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages[0].tags["ImageLength"].overwrite(6400)
    with pytest.raises(DataError, match=r"a\.tif: cannot be read as a picture: parts of it are missing$"):
        Photo.of(tmp_path / "a.tif")


@pytest.mark.usefixtures("deep")
def test_a_transparent_colour_of_16_bits(tmp_path):
    pixels = np.full((2, 2, 3), 1000, np.uint16)
    pixels[0, 0] = 1001
    Photo.of(pixels).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    body = struct.pack(">3H", 1000, 1000, 1000)
    chunk = struct.pack(">I", 6) + b"tRNS" + body + struct.pack(">I", zlib.crc32(b"tRNS" + body))
    at = content.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:at] + chunk + content[at:])
    opened = Photo.of(tmp_path / "a.png")
    assert np.array_equal(opened.pixels, pixels)
    assert opened.alpha.tolist() == [[65535, 0], [0, 0]]


@pytest.mark.usefixtures("deep")
def test_without_the_extra_one_line_names_it(tmp_path, monkeypatch):
    colours, grey = Photo.of(noise(4, 5, 3, dtype=np.uint16)), Photo.of(noise(4, 5, dtype=np.uint16))
    for suffix in ("png", "tif"):
        colours.save(tmp_path / f"colours.{suffix}")
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name == "imagecodecs":
            raise ModuleNotFoundError("No module named 'imagecodecs'", name=name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    said = r"^pictures of 16 bits need imagecodecs: pip install 'paletteot\[deep\]'$"
    for suffix in ("png", "tif"):
        with pytest.raises(MissingPackageError, match=said):
            Photo.of(tmp_path / f"colours.{suffix}")
        with pytest.raises(MissingPackageError, match=said):
            saving.check(tmp_path / f"new.{suffix}", colours)
        grey.save(tmp_path / f"grey.{suffix}")
        assert same(Photo.of(tmp_path / f"grey.{suffix}"), grey)
    colours.save(tmp_path / "colours.jpg")
    assert not (tmp_path / "new.png").exists()


# Arithmetic


def test_sixteen_bits_are_rounded_to_eight():
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(in_eight_bits(levels), np.rint(levels / 257))


@given(st.integers(0, 2**32), st.sampled_from([np.uint8, np.uint16]))
def test_the_luma_of_a_grey_is_its_level_and_of_a_colour_pillows(seed, dtype):
    levels = noise(3, 4, dtype=dtype, seed=seed)
    assert np.array_equal(levels_of_grey(np.repeat(levels[..., None], 3, axis=2)), levels)
    pixels = noise(3, 4, 3, seed=seed)
    assert np.array_equal(levels_of_grey(pixels), np.asarray(Image.fromarray(pixels).convert("L")))


@given(st.integers(1, 3000), st.integers(1, 20_000), st.integers(1, 40))
def test_bands_cover_every_row_once(height, width, multiple):
    found = list(bands(height, width, multiple))
    assert [row for band in found for row in range(height)[band]] == list(range(height))
    assert all((band.stop - band.start) % multiple == 0 for band in found[:-1])
    assert all((band.stop - band.start) * width <= max(BAND, width * multiple) for band in found)


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_samples_are_split_and_joined(seed, channels):
    samples = noise(3, 4, channels, seed=seed)
    assert np.array_equal(joined(*split(samples)).reshape(samples.shape), samples)
