"""Files that visitors send: pictures, and what only looks like them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms


def pixels(height: int = 60, width: int = 80, seed: int = 0) -> np.ndarray:
    """Return a picture of smooth colours, none like another."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    base = np.stack([rows, columns, (1 - rows) * columns], axis=-1) @ rng.uniform(0.1, 0.6, (3, 3))
    return (255 * np.clip(base, 0, 1)).astype(np.uint8)


def _encoded(form: str, image: Image.Image | None = None, **settings: object) -> bytes:
    buffer = BytesIO()
    (image or Image.fromarray(pixels())).save(buffer, form, **settings)
    return buffer.getvalue()


def _animation() -> bytes:
    frames = [Image.fromarray(pixels(seed=seed)) for seed in range(3)]
    return _encoded("GIF", frames[0], save_all=True, append_images=frames[1:], duration=50)


def _bomb() -> bytes:
    """Return a PNG whose header promises 50 000 x 50 000 pixels, in 2 kB."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(1 << 20))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def _corrupt() -> bytes:
    whole = bytearray(_encoded("PNG"))
    middle = len(whole) // 2
    whole[middle : middle + 40] = bytes(40)
    return bytes(whole)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "text.jpg": (lambda: b"this is no picture\n" * 40, "cannot be read as a picture"),
    "truncated.jpg": (lambda: _encoded("JPEG")[:900], "cannot be read as a picture"),
    "animation.gif": (_animation, "an animation of 3 pictures"),
    "bomb.png": (_bomb, "at most 40 megapixels"),
    "large.png": (lambda: _encoded("PNG", Image.new("1", (8000, 5001))), "at most 40 megapixels, but is 8000 x 5001"),
    "empty.png": (lambda: b"", "an empty file"),
    "drawing.svg": (lambda: SVG, "cannot be read as a picture"),
    "corrupt.png": (_corrupt, "cannot be read as a picture"),
    "heavy.bmp": (lambda: bytes((40 << 20) + 1), "at most 40 MB"),
}
"""What is refused, and words of the line that says why."""

TAKEN: dict[str, Callable[[], bytes]] = {
    "dot.png": lambda: _encoded("PNG", Image.new("RGB", (1, 1), "teal")),
    "plain.png": lambda: _encoded("PNG", Image.new("RGB", (40, 30), "orange")),
    "line.png": lambda: _encoded("PNG", Image.fromarray(pixels(1, 3000))),
    "print.jpg": lambda: _encoded(
        "JPEG",
        Image.fromarray(pixels()).convert("CMYK"),
        icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),  # of another colour model
    ),
    "grey.png": lambda: _encoded("PNG", Image.fromarray(pixels()).convert("L")),
    "clear.png": lambda: _encoded("PNG", Image.fromarray(np.dstack([pixels(), pixels()[..., 0]]))),
}
"""What is odd, but a picture."""


def written(folder: Path, name: str) -> Path:
    """Write one of them, or a plain picture by another name, and return the file."""
    make = REFUSED[name][0] if name in REFUSED else TAKEN.get(name, lambda: _encoded("PNG"))
    file = folder / name
    file.write_bytes(make())
    return file
