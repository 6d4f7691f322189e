from __future__ import annotations

import re
import struct
import warnings
import zlib
from importlib.resources import files
from io import BytesIO

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from paletteot.errors import DataError
from paletteot.images import decode as module
from paletteot.images.decode import decode

D50_TO_SRGB = np.array([
    [3.1338561, -1.6168667, -0.4906146],
    [-0.9787684, 1.9161415, 0.0334540],
    [0.0719453, -0.2289914, 1.4052427],
])  # fmt: skip
"""XYZ relative to D50 -> linear sRGB, Bradford adaptation (brucelindbloom.com)."""
D50 = np.array([0.96422, 1.0, 0.82521])
ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.1571], [0.2412, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
"""RGB -> XYZ relative to D50, as such profiles hold them."""
CURVES = {"adobe": 563 / 256, "p3": 2.0}
PROFILES = {"adobe": ADOBE_RGB, "p3": DISPLAY_P3}
LOSSLESS = [
    ("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True}), ("BMP", {}),
]  # fmt: skip
SIDES = {
    1: ("top", "left"), 2: ("top", "right"), 3: ("bottom", "right"), 4: ("bottom", "left"),
    5: ("left", "top"), 6: ("right", "top"), 7: ("right", "bottom"), 8: ("left", "bottom"),
}  # fmt: skip
"""EXIF orientation -> the side of the upright picture that the first row, and the first column, of the file show."""


def smooth(height: int = 30, width: int = 42) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([6 * x, 8 * y, 255 - 3 * x - 4 * y], axis=2).clip(0, 255).astype(np.uint8)


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def srgb(linear: np.ndarray) -> np.ndarray:
    """Encode linear light as levels, 0 to 255, by IEC 61966-2-1."""
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def icc(space: bytes, device: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Return an ICC profile, version 2, of some tags."""
    body, table, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s24sI3i", offset + len(body), b"", 0x02400000, device, space, pcs, bytes(12), b"acsp", b"", 0,
        *(round(65536 * value) for value in D50),
    )  # fmt: skip
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in values))


def curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * gamma))


def rgb_profile(name: str) -> bytes:
    tags = {b"wtpt": xyz(D50)}
    for channel, colorant in zip(b"rgb", PROFILES[name].T, strict=True):
        tags[bytes([channel]) + b"XYZ"] = xyz(colorant)
        tags[bytes([channel]) + b"TRC"] = curve(CURVES[name])
    return icc(b"RGB ", b"mntr", b"XYZ ", tags)


def expected_of(name: str, pixels: np.ndarray) -> np.ndarray:
    return srgb((pixels / 255) ** CURVES[name] @ PROFILES[name].T @ D50_TO_SRGB.T)


def grey_profile(gamma: float) -> bytes:
    return icc(b"GRAY", b"mntr", b"XYZ ", {b"wtpt": xyz(D50), b"kTRC": curve(gamma)})


def ink_profile() -> bytes:
    """Return the profile of a printer whose four inks are all grey: what is printed has no hue."""
    ramp = bytes(range(256))
    light = [
        round(255 * (1 - k) * (1 - (c + m + y) / 3)) for c in (0, 1) for m in (0, 1) for y in (0, 1) for k in (0, 1)
    ]
    table = b"".join(bytes([level, 128, 128]) for level in light)
    lut = struct.pack(">4s4xBBBx9i", b"mft1", 4, 3, 2, *(65536 * value for value in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    return icc(b"CMYK", b"prtr", b"Lab ", {b"wtpt": xyz(D50), b"A2B0": lut + 4 * ramp + table + 3 * ramp})


def png(values: np.ndarray, colour: int, *, width: int | None = None, height: int | None = None) -> bytes:
    """Return a PNG of (h, w) or (h, w, c) values, 8 or 16 bits as they are, that claims any size."""
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    size = (values.shape[1] if width is None else width, values.shape[0] if height is None else height)
    header = struct.pack(">IIBBBBB", *size, 8 * values.itemsize, colour, 0, 0, 0)
    made = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        made += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return made


def tiff(data: bytes, width: int, height: int, *, bits: int, photometric: int, order: str = "<") -> bytes:
    """Return a TIFF of one uncompressed strip; photometric: 0 white is zero, 1 black is zero, 2 RGB."""
    samples = 3 if photometric == 2 else 1
    tags = [
        (256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 1), (262, 3, photometric), (273, 4, 8),
        (277, 3, samples), (278, 4, height), (279, 4, len(data)),
    ]  # fmt: skip
    data += bytes(len(data) % 2)
    entries = b"".join(
        struct.pack(f"{order}HHI", tag, kind, 1)
        + (struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value))
        for tag, kind, value in tags
    )
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8 + len(data))
    return head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4)


def stored(upright: np.ndarray, row: str, column: str) -> np.ndarray:
    """Return the pixels whose first row and column show these sides of an upright picture."""
    if row in ("left", "right"):
        upright, row, column = upright.swapaxes(0, 1), {"left": "top"}.get(row, "bottom"), {"top": "left"}.get(column)
    return upright[:: 1 if row == "top" else -1, :: 1 if column == "left" else -1]


def assert_close(found: np.ndarray, expected: np.ndarray, within: float) -> None:
    assert found.dtype == np.uint8
    assert found.shape == expected.shape
    assert np.abs(found - expected.astype(float)).max() <= within


def refusal(content: bytes) -> str:
    """Return the reason why something is refused, and check that it is one line that starts with the name."""
    with pytest.raises(DataError) as caught:
        decode(content, "a.jpg")
    message = str(caught.value)
    assert message.startswith("a.jpg: ")
    assert message == " ".join(message.split())
    return message.removeprefix("a.jpg: ")


# Formats and modes.


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_colours_come_back_as_they_were(kind, options):
    np.testing.assert_array_equal(decode(encoded(smooth(), kind, **options), "a"), smooth())


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {"quality": 95}), ("JPEG", {"progressive": True}), ("AVIF", {})]
)
def test_colours_come_back_nearly_as_they_were_where_the_format_loses_some(kind, options):
    found = decode(encoded(smooth(), kind, **options), "a")
    assert np.abs(found.astype(int) - smooth()).mean() < 4
    assert found.shape == smooth().shape


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_has_three_equal_channels(kind, mode):
    grey = Image.fromarray(smooth()).convert(mode)
    expected = np.repeat(np.asarray(grey.convert("L"))[..., None], 3, axis=2)
    np.testing.assert_array_equal(decode(encoded(grey, kind), "a"), expected)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_a_palette_is_looked_up(kind):
    colours = np.array([[250, 10, 20], [0, 128, 255], [3, 200, 90]], dtype=np.uint8)
    which = np.arange(12).reshape(3, 4) % 3
    image = Image.fromarray(which.astype(np.uint8), mode="P")
    image.putpalette(colours.tobytes())
    np.testing.assert_array_equal(decode(encoded(image, kind), "a"), colours[which])


def test_what_pillow_calls_ycbcr_is_converted():
    found = decode(encoded(Image.fromarray(smooth()).convert("YCbCr"), "TIFF"), "a")
    assert_close(found, smooth(), 3)


def test_lab_is_converted_from_d50():
    lab = np.array([[[100, 0, 0], [50, 0, 0], [0, 0, 0], [60, 30, 20], [40, -20, 25], [70, 5, -30]]], dtype=float)
    levels = np.rint(lab * [2.55, 1, 1] + [0, 128, 128]).astype(np.uint8)
    image = Image.merge("LAB", [Image.fromarray(levels[..., channel]) for channel in range(3)])
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    light = D50 * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    assert_close(decode(encoded(image, "TIFF"), "a"), srgb(light @ D50_TO_SRGB.T), 2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1)])
def test_any_shape_will_do(shape):
    assert decode(encoded(smooth(*shape)), "a").shape == (*shape, 3)


# Depth.

GREYS = np.linspace(0, 65535, 240).astype(np.uint16).reshape(4, 60)


@pytest.mark.parametrize(
    "content",
    [
        encoded(GREYS), encoded(GREYS, "TIFF"), encoded(GREYS, "TIFF", compression="tiff_lzw"), png(GREYS, 0),
        tiff(GREYS.astype("<u2").tobytes(), 60, 4, bits=16, photometric=1),
        tiff(GREYS.astype(">u2").tobytes(), 60, 4, bits=16, photometric=1, order=">"),
        tiff((65535 - GREYS).astype("<u2").tobytes(), 60, 4, bits=16, photometric=0),
    ],
    ids=["png", "tiff", "tiff lzw", "handmade png", "little-endian", "big-endian", "white is zero"],
)  # fmt: skip
def test_grey_of_16_bits_is_scaled_and_rounded(content):
    assert_close(decode(content, "a"), np.repeat(GREYS[..., None] / 257, 3, axis=2), 0.5)


def test_grey_of_12_bits_is_scaled_and_rounded():
    values = np.linspace(0, 4095, 120).astype(int).reshape(2, 60)
    even, odd = values[:, ::2], values[:, 1::2]
    packed = np.stack([even >> 4, (even & 15) << 4 | odd >> 8, odd & 255], axis=-1).astype(np.uint8)
    found = decode(tiff(packed.tobytes(), 60, 2, bits=12, photometric=1), "a")
    assert_close(found, np.repeat(values[..., None] * 255 / 4095, 3, axis=2), 0.5)


COLOURS = np.random.default_rng(0).integers(0, 65536, (5, 7, 3)).astype(np.uint16)


@pytest.mark.parametrize(
    "content",
    [
        png(COLOURS, 2), tiff(COLOURS.astype("<u2").tobytes(), 7, 5, bits=16, photometric=2),
        tiff(COLOURS.astype(">u2").tobytes(), 7, 5, bits=16, photometric=2, order=">"),
    ],
    ids=["png", "little-endian", "big-endian"],
)  # fmt: skip
def test_colours_of_16_bits_keep_their_scale(content):
    assert_close(decode(content, "a"), COLOURS / 257, 1)


@pytest.mark.parametrize(("colour", "channels"), [(4, 2), (6, 4)])
def test_16_bits_with_alpha_are_laid_on_white(colour, channels):
    values = np.random.default_rng(1).integers(0, 65536, (5, 7, channels)).astype(np.uint16)
    alpha = values[..., -1:] / 65535
    expected = np.broadcast_to(255 * (1 - alpha) + alpha * values[..., :-1] / 257, (5, 7, 3))
    assert_close(decode(png(values, colour), "a"), expected, 2)


@pytest.mark.parametrize(("mode", "dtype"), [("I", np.int32), ("F", np.float32)])
def test_grey_without_a_white_is_refused_with_the_reason(mode, dtype):
    image = Image.fromarray(np.arange(12, dtype=dtype).reshape(3, 4))
    assert image.mode == mode
    assert "grey of 32 bits" in refusal(encoded(image, "TIFF"))


# Alpha.


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("TIFF", "RGBA"), ("TIFF", "LA"), ("WEBP", "RGBA")]
)
def test_alpha_is_laid_on_white(kind, mode):
    image = Image.fromarray(smooth()).convert(mode)
    alpha = np.arange(30 * 42).reshape(30, 42) % 256
    image.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    colours = np.asarray(image)[..., :-1].astype(float)
    share = alpha[..., None] / 255
    expected = np.broadcast_to(share * colours + (1 - share) * 255, (30, 42, 3))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert_close(decode(encoded(image, kind, **options), "a"), expected, 1)


@pytest.mark.parametrize("key", [0, bytes([0, 255, 128])])
def test_transparent_entries_of_a_palette_are_laid_on_white(key):
    image = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), mode="P")
    image.putpalette(bytes([200, 10, 0, 0, 100, 50, 40, 40, 40]))
    last = [40, 40, 40] if key == 0 else [147, 147, 147]
    assert_close(decode(encoded(image, transparency=key), "a"), np.array([[[255] * 3, [0, 100, 50], last]]), 1)


def test_a_palette_with_alpha_of_its_own_is_laid_on_white():
    image = Image.fromarray(np.array([[0, 1]], dtype=np.uint8), mode="P")
    image.putpalette(bytes([200, 10, 0, 0, 100, 50]))
    image = image.convert("PA")
    image.putalpha(Image.fromarray(np.array([[0, 255]], dtype=np.uint8)))
    np.testing.assert_array_equal(decode(encoded(image, "TIFF"), "a"), [[[255, 255, 255], [0, 100, 50]]])


@pytest.mark.parametrize(("mode", "key"), [("RGB", (9, 8, 7)), ("L", 9)])
def test_a_transparent_colour_is_laid_on_white(mode, key):
    image = Image.new(mode, (2, 1), key)
    image.putpixel((1, 0), 90 if mode == "L" else (90, 91, 92))
    found = decode(encoded(image, transparency=key), "a")
    np.testing.assert_array_equal(found, [[[255] * 3, [90] * 3 if mode == "L" else [90, 91, 92]]])


def keyed(values: np.ndarray, depth: int, key: tuple[int, ...], *, extra: int = 0) -> bytes:
    """Return a PNG of one row, grey (w,) or colours (w, 3), of any depth, with a transparent colour (tRNS)."""
    bits = "".join(format(value, f"0{depth}b") for value in values.ravel())
    row = bytes(int(bits[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(bits), 8))
    header = struct.pack(">IIBBBBB", len(values), 1, depth, 0 if values.ndim == 1 else 2, 0, 0, 0)
    key_ = struct.pack(f">{len(key)}H", *(level | extra for level in key))
    return chunks((b"IHDR", header), (b"tRNS", key_), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b""))


def chunks(*parts: tuple[bytes, bytes]) -> bytes:
    framed = (struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@given(data=st.data(), depth=st.sampled_from([1, 2, 4, 8, 16]), channels=st.sampled_from([1, 3]))
def test_the_transparent_colour_of_a_png_is_laid_on_white_at_every_depth(data, depth, channels):
    depth = max(depth, 8) if channels == 3 else depth
    top = 2**depth - 1
    level = st.sampled_from(
        sorted({0, 1, top // 3, top // 2, top - 1, top, *({256, 257, 40000} if depth == 16 else ())})
    )
    colour = st.tuples(*[level] * channels)
    colours = data.draw(st.lists(colour, min_size=1, max_size=9))
    key = data.draw(st.sampled_from(colours) | colour)
    extra = data.draw(st.sampled_from([0, 0x4000])) if depth in (2, 4, 8) else 0
    values = np.array(colours)
    plain = values >> 8 if depth == 16 and channels == 3 else np.rint(values * 255 / top).astype(int)
    expected = np.broadcast_to(plain, (len(values), 3)).copy()
    expected[(values == key).all(axis=1)] = 255
    content = keyed(values if channels == 3 else values[:, 0], depth, key, extra=extra)
    np.testing.assert_array_equal(decode(content, "a"), [expected])


def bmp(header: int, pixels: np.ndarray) -> bytes:
    """Return a BMP of (h, w, 4) BGRA pixels, from the bottom up, whose header names a mask for alpha."""
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    size = (header, pixels.shape[1], pixels.shape[0], 1, 32, 3, pixels.size, 2835, 2835, 0, 0)
    info = struct.pack("<IiiHHIIiiII", *size) + masks + bytes(header - 56)
    start = 14 + len(info)
    return b"BM" + struct.pack("<IHHI", start + pixels.size, 0, 0, start) + info + pixels[::-1].tobytes()


@pytest.mark.parametrize("header", [56, 108, 124])
def test_a_bmp_whose_alpha_is_0_everywhere_is_opaque(header):
    pixels = np.dstack([smooth()[..., ::-1], np.zeros(smooth().shape[:2], np.uint8)])
    np.testing.assert_array_equal(decode(bmp(header, pixels), "a"), smooth())
    pixels[0, 0, 3] = 255  # now alpha means something
    found = decode(bmp(header, pixels), "a")
    np.testing.assert_array_equal(found[0, 0], smooth()[0, 0])
    assert (found.reshape(-1, 3)[1:] == 255).all()


# Profiles.


@pytest.mark.parametrize("name", PROFILES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=8)
def test_a_profile_is_followed(name, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 9, 3)).astype(np.uint8)
    found = decode(encoded(pixels, icc_profile=rgb_profile(name)), "a")
    assert_close(found, expected_of(name, pixels), 2)
    assert np.abs(found.astype(int) - pixels).max() > 5


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "WEBP", "AVIF"])
def test_a_profile_is_found_in_every_format_that_holds_one(kind):
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "AVIF" else {}
    plain, profiled = (
        decode(encoded(smooth(), kind, **options, icc_profile=profile), "a") for profile in (None, rgb_profile("adobe"))
    )
    assert_close(profiled, expected_of("adobe", plain), 2)


def test_a_photograph_in_adobe_rgb_is_converted():
    content = files("skimage.data").joinpath("rocket.jpg").read_bytes()
    with Image.open(BytesIO(content)) as image:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        pixels = np.asarray(image)
    assert "Adobe RGB" in ImageCms.getProfileDescription(profile)
    assert_close(decode(content, "a"), expected_of("adobe", pixels), 2)


def test_colours_are_converted_before_they_are_laid_on_white():
    pixels = smooth()
    alpha = np.full((30, 42, 1), 100, dtype=np.uint8)
    found = decode(encoded(np.concatenate([pixels, alpha], axis=2), icc_profile=rgb_profile("p3")), "a")
    assert_close(found, 100 / 255 * expected_of("p3", pixels) + 155, 2)


def test_the_profile_of_srgb_itself_changes_no_pixel():
    pixels = np.random.default_rng(2).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(decode(encoded(pixels, icc_profile=profile), "a"), pixels)


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_the_profile_of_a_grey_picture_is_followed(gamma):
    ramp = np.arange(256, dtype=np.uint8)[None]
    found = decode(encoded(ramp, icc_profile=grey_profile(gamma)), "a")
    assert_close(found, np.repeat(srgb((ramp / 255) ** gamma)[..., None], 3, axis=2), 2)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile_is_light_that_its_inks_leave(kind):
    inks = np.zeros((4, 32, 48), dtype=np.uint8)
    inks[0, :, :16], inks[1, :, 16:32], inks[3, :16] = 200, 120, 90
    image = Image.merge("CMYK", [Image.fromarray(ink) for ink in inks])
    left = 255 - inks.astype(float)
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    assert_close(decode(encoded(image, kind, **options), "a"), np.moveaxis(left[:3] * left[3] / 255, 0, -1), 4)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_with_a_profile_follows_it(kind):
    inks = np.zeros((4, 16, 64), dtype=np.uint8)
    inks[0, :, 16:32] = inks[:2, :, 32:48] = inks[3, :, 48:] = 255
    image = Image.merge("CMYK", [Image.fromarray(ink) for ink in inks])
    fy = (np.repeat([100, 200 / 3, 100 / 3, 0], 16) + 16) / 116
    light = np.where(fy > 6 / 29, fy**3, 3 * (6 / 29) ** 2 * (fy - 4 / 29))
    expected = np.broadcast_to(srgb(light)[None, :, None], (16, 64, 3))
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    assert_close(decode(encoded(image, kind, icc_profile=ink_profile(), **options), "a"), expected, 4)


WHOLE = rgb_profile("adobe")


@pytest.mark.parametrize(
    "profile",
    [b"", b"nonsense", bytes(500), *(WHOLE[:size] for size in (100, 128, 200, len(WHOLE) - 12)), grey_profile(1.0),
     ink_profile(), WHOLE.replace(b"rXYZ", b"sXYZ"), WHOLE.replace(b"acsp", b"bcsp")],
)  # fmt: skip
def test_a_profile_that_is_damaged_or_of_another_colour_model_is_ignored(profile):
    np.testing.assert_array_equal(decode(encoded(smooth(), "TIFF", icc_profile=profile), "a"), smooth())


def test_a_colour_profile_on_a_grey_picture_is_ignored():
    grey = smooth()[..., 0]
    np.testing.assert_array_equal(decode(encoded(grey, icc_profile=WHOLE), "a")[..., 1], grey)


# Which way is up, and which frame.


@pytest.mark.parametrize("orientation", SIDES)
@pytest.mark.parametrize(
    ("kind", "options"), [*LOSSLESS[:-1], ("JPEG", {"quality": 98}), ("AVIF", {"subsampling": "4:4:4"})]
)
def test_a_picture_is_turned_upright(kind, options, orientation):
    upright = np.zeros((32, 48, 3), dtype=np.uint8)
    upright[:16, :16], upright[16:, 16:] = (250, 120, 10), (40, 60, 220)
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = np.ascontiguousarray(stored(upright, *SIDES[orientation]))
    found = decode(encoded(turned, kind, exif=exif.tobytes(), **options), "a")
    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).mean() < 2


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0nonsense", b"Exif\0\0II*\0", b"Exif\0\0" + bytes(40),
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(20),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_turns_nothing(kind, exif):
    assert decode(encoded(smooth(), kind, exif=exif), "a").shape == smooth().shape


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode(encoded(smooth(), exif=exif.tobytes()), "a"), smooth())


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_of_several_frames_the_first_is_taken(kind):
    first, second = (Image.new("RGB", (16, 24), colour) for colour in ((200, 40, 10), (0, 0, 255)))
    found = decode(encoded(first, kind, save_all=True, append_images=[second]), "a")
    assert_close(found, np.broadcast_to([200, 40, 10], (24, 16, 3)), 8)


# What is refused.


def test_a_bomb_is_refused():
    assert "10000000000" in refusal(png(smooth(), 2, width=100_000, height=100_000))


@pytest.mark.parametrize(
    "content",
    [
        tiff(b"12", 100_000, 100_000, bits=8, photometric=1),
        b"GIF89a\xff\xff\xff\xff" + encoded(smooth(), "GIF")[10:],
        encoded(smooth(), "BMP")[:18] + struct.pack("<ii", 100_000, 100_000) + encoded(smooth(), "BMP")[26:],
        encoded(smooth(), "JPEG").replace(struct.pack(">HH", 30, 42), b"\xff\xff\xff\xff", 1),
    ],
    ids=["tiff", "gif", "bmp", "jpeg"],
)
def test_a_bomb_is_refused_in_every_format(content):
    assert "pixels" in refusal(content)


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _self: pytest.fail("decoded"))
    assert "13000 x 13462 pixels" in refusal(png(smooth(), 2, width=13_000, height=13_462))


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_picture_without_pixels_is_refused(size):
    assert refusal(png(smooth(), 2, width=size[0], height=size[1]))


def test_the_limit_is_below_pillows_own():
    assert module.MOST_PIXELS <= 2 * Image.MAX_IMAGE_PIXELS


WHOLE_FILES = {
    "png": encoded(smooth()), "jpeg": encoded(smooth(), "JPEG"), "gif": encoded(smooth(), "GIF"),
    "progressive jpeg": encoded(smooth(), "JPEG", progressive=True), "webp": encoded(smooth(), "WEBP"),
    "tiff": encoded(smooth(), "TIFF"), "tiff lzw": encoded(smooth(), "TIFF", compression="tiff_lzw"),
    "bmp": encoded(smooth(), "BMP"), "avif": encoded(smooth(), "AVIF"), "16 bits": encoded(GREYS),
}  # fmt: skip
END = 22
"""Bytes of which all but the first hold no pixel of a PNG: the sums that end its pixels, and the last chunk."""


@pytest.mark.parametrize("kind", WHOLE_FILES)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 1])
def test_a_truncated_picture_is_refused(kind, share):
    content = WHOLE_FILES[kind][:-END]
    assert refusal(content[: int(share * len(content))]).startswith("cannot be read as a picture: ")


@given(kind=st.sampled_from(sorted(WHOLE_FILES)), lost=st.integers(1, 3000))
@settings(max_examples=60)
def test_a_truncated_picture_is_refused_or_has_every_pixel(kind, lost):
    content = WHOLE_FILES[kind]
    assume(lost <= len(content))
    try:
        found = decode(content[:-lost], "a.jpg")
    except DataError:
        return
    assert lost < END
    np.testing.assert_array_equal(found, decode(content, "a.jpg"))


@given(kind=st.sampled_from(sorted(WHOLE_FILES)), at=st.floats(0, 1), new=st.binary(min_size=1, max_size=6))
@settings(max_examples=80)
def test_a_damaged_picture_is_pixels_or_one_clear_line(kind, at, new):
    content = bytearray(WHOLE_FILES[kind])
    start = int(at * (len(content) - len(new)))
    content[start : start + len(new)] = new
    try:
        found = decode(bytes(content), "a.jpg")
    except DataError:
        assert refusal(bytes(content))
    else:
        assert found.dtype == np.uint8
        assert found.ndim == 3
        assert found.shape[2] == 3


@given(content=st.binary(max_size=200))
@settings(max_examples=30)
def test_any_bytes_are_refused_with_one_clear_line(content):
    assert refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"%PDF-1.4\n", b"<svg/>",
        b"P3 1 1 255 1 2 3",
    ],
)  # fmt: skip
def test_what_is_no_photograph_is_refused_without_asking_other_programs(content):
    assert "none of the formats JPEG, PNG, WEBP, TIFF" in refusal(content)


@pytest.mark.parametrize("error", [AssertionError(), ValueError(""), OSError(" \n"), KeyError(), MemoryError()])
def test_a_refusal_says_why_where_the_reader_does_not(monkeypatch, error):
    def failing(_image: Image.Image) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", failing)
    assert refusal(encoded(smooth(), "BMP")) == f"cannot be read as a picture: {type(error).__name__}"


def test_a_palette_png_without_a_palette_says_why_it_is_refused():
    header = struct.pack(">IIBBBBB", 4, 1, 8, 3, 0, 0, 0)
    content = chunks((b"IHDR", header), (b"IDAT", zlib.compress(b"\0\0\1\2\3")), (b"IEND", b""))
    assert re.fullmatch(r"cannot be read as a picture: \w.*", refusal(content))


def test_a_message_is_one_line_whatever_the_name_is():
    with pytest.raises(DataError, match=r"^a b\.jpg: cannot"):
        decode(b"", "a\nb.jpg")


# Manners.


def test_no_setting_of_pillows_is_changed_and_no_warning_leaks(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30 * 42 - 1)  # Pillow would warn
    before = ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        filters = list(warnings.filters)
        decode(encoded(smooth(), exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff"), "a")
        for broken in (b"", WHOLE_FILES["jpeg"][:300], WHOLE_FILES["tiff"][:300]):
            refusal(broken)
        assert warnings.filters == filters
    assert caught == []
    assert before == (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS)


# HEIC.


@pytest.fixture
def without_heif(monkeypatch):
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(module, "import_module", absent)
    module._formats.cache_clear()
    yield
    module._formats.cache_clear()


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"mif1", b"msf1"])
@pytest.mark.usefixtures("without_heif")
def test_heic_without_its_reader_says_what_to_install(brand):
    assert (
        refusal(struct.pack(">I4s4s", 24, b"ftyp", brand) + bytes(60)) == "HEIC needs `pip install 'paletteot[heic]'`"
    )


@pytest.mark.usefixtures("without_heif")
def test_avif_needs_no_other_reader():
    assert decode(WHOLE_FILES["avif"], "a").shape == smooth().shape


@pytest.mark.parametrize("orientation", SIDES)
def test_heic_is_read_where_its_reader_is_installed(orientation):
    pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = np.ascontiguousarray(stored(smooth(64, 96), *SIDES[orientation]))
    content = encoded(turned, "HEIF", quality=95, exif=exif.tobytes())
    found = decode(content, "a")
    assert found.shape == (64, 96, 3)
    assert np.abs(found.astype(int) - smooth(64, 96)).mean() < 4
    assert refusal(content[: len(content) // 2])
