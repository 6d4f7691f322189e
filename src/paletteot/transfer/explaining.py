"""A transfer in one picture: A, B and the result, both palettes, and between them as ribbons where the mass went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from paletteot.errors import ParamsError
from paletteot.files import write_bytes
from paletteot.lab import Array
from paletteot.palettes import Palette
from paletteot.transfer import ribbons
from paletteot.transfer.layers import in_eight_bits
from paletteot.transfer.lettering import font, shortened, wrapped

if TYPE_CHECKING:
    from paletteot.transfer.matching import Match
    from paletteot.transfer.options import Options
    from paletteot.transfer.photo import Photo
    from paletteot.transfer.run import Transfer

FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {"optimize": True}),
    ".jpg": ("JPEG", {"quality": 92, "subsampling": "4:4:4", "optimize": True}),
    ".jpeg": ("JPEG", {"quality": 92, "subsampling": "4:4:4", "optimize": True}),
}
"""Suffix -> Pillow's name of the format, and how it is written."""

WIDTH, MARGIN = 1600, 48
PAPER, INK, FAINT, PANEL = (250, 249, 246), (34, 34, 38), (120, 119, 124), (239, 237, 232)
"""Colours of the ground, of text, of what is less important, and behind ribbons and very wide or high pictures."""
TITLE, NUMBER, LABEL, SIGN = 36, 30, 17, 44
"""Sizes of letters."""
TALLEST, FLATTEST = 460, 3.0
"""Height of the pictures at most, and how often it goes into their width at most, or their width into it."""
BETWEEN = 64
"""Between pictures at least, where the signs + and = stand."""
BAR, FLOW, GAP = 58, 400, 5
"""Heights of a palette and of the ribbons, and what is between them."""
ROUND, FINER = 7, 4
"""Radius of corners, and how much finer they are drawn than shown."""


class Shown(NamedTuple):
    """A picture (h, w, 3) uint8 and what is said of it."""

    pixels: NDArray[np.uint8]
    name: str


class Fact(NamedTuple):
    """A number and what it is."""

    value: str
    what: str


@dataclass(frozen=True)
class Story:
    """What is drawn.

    a, b, result: the pictures. source, target: palettes of A and B. plan: (k, l) mass from each atom of the one to each
    of the other. facts: in order of importance; as many are shown as there is room for, which is seven.
    """

    a: Shown
    b: Shown
    result: Shown
    source: Palette
    target: Palette
    plan: Array
    facts: Sequence[Fact]


def check(path: Path) -> None:
    """Raise ParamsError where a suffix is none that the picture can be written as."""
    if path.suffix.lower() not in FORMATS:
        raise ParamsError(f"--explain must end in one of {', '.join(FORMATS)}, but is {path}")


def write(path: Path, a: Photo, b: Photo, made: Transfer, options: Options) -> None:
    """Draw a transfer to a file, whole or not at all; raises as `check` does."""
    check(path)
    name, settings = FORMATS[path.suffix.lower()]
    buffer = BytesIO()
    explain(a, b, made, options).save(buffer, format=name, **settings)
    write_bytes(path, buffer.getvalue())


def explain(a: Photo, b: Photo, made: Transfer, options: Options) -> Image.Image:
    """Return a picture of WIDTH pixels that explains a transfer of b's colours onto a."""
    ours, theirs, result = (Shown(_eight_bits(one.pixels), one.name) for one in (a, b, made.photo))
    shift = np.linalg.norm(made.map(made.source.centroids) - made.source.centroids, axis=1)
    moved = float(np.average(shift, weights=made.source.weights))
    told = facts(made.match, options, moved)
    return draw(Story(ours, theirs, result, made.source, made.target, made.match.plan, told))


def facts(match: Match, options: Options, moved: float) -> list[Fact]:
    """Return what is said of a match below the ribbons; moved: mean Delta E between a colour of A and its new one."""
    rows, columns = (int((match.plan.sum(axis=axis) > 0).sum()) for axis in (1, 0))
    found = [
        Fact(f"{rows} : {columns}", "colours of A and of B"),
        Fact(f"{moved:.1f}", "Delta E a colour of A moves on average"),
        Fact(f"{options.eps:g}", "epsilon, the blur of the transport, LAB units"),
    ]
    if (counts := match.counts) is not None:
        found += [
            Fact(f"{counts.iterations:,}", f"iterations from the start {counts.start}"),
            Fact(f"{counts.cold_iterations:,}", "iterations from cold"),
        ]
    found.append(Fact(f"{1000 * match.seconds:.1f} ms", "for the transport"))
    if match.kept >= 0.0005:
        found.append(Fact(f"{match.kept:.1%}", "of A kept: greys that B has too"))
    return found


def _eight_bits(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture with 8 bits; of one that is far larger than it is shown every so manieth pixel."""
    step = max(1, max(pixels.shape[:2]) // (4 * WIDTH))
    return in_eight_bits(pixels[::step, ::step])


def draw(story: Story) -> Image.Image:
    """Return the picture; its height depends on the pictures' shapes."""
    shown = [story.a, story.b, story.result]
    height, widths = _sizes([one.pixels.shape for one in shown])
    top = MARGIN + TITLE + 34
    flow = top + height + 3 * LABEL + 48
    bottom = flow + 2 * (BAR + GAP) + FLOW
    page = Image.new("RGB", (WIDTH, bottom + 2 * LABEL + NUMBER + 3 * LABEL + 34 + MARGIN), PAPER)
    pen = ImageDraw.Draw(page)
    half = (WIDTH - 2 * MARGIN - font(TITLE).getlength(" in the colours of ")) / 2
    names = [shortened(one.name, TITLE, half) or letter for one, letter in zip(shown, "AB", strict=False)]
    title = " in the colours of ".join(names)
    pen.text((MARGIN, MARGIN + 30), title, INK, font(TITLE), anchor="ls")
    between = (WIDTH - 2 * MARGIN - sum(widths)) / 2
    lefts = (MARGIN, round(MARGIN + widths[0] + between), WIDTH - MARGIN - widths[2])
    labels = (f"A: {story.a.name}", f"B: {story.b.name}", "Result")
    for one, left, width, label in zip(shown, lefts, widths, labels, strict=True):
        _paste(page, _framed(one.pixels, width, height), left, top)
        pen.text((left, top + height + 28), shortened(label, LABEL, width), FAINT, font(LABEL), anchor="ls")
    for sign, left, width in zip("+=", lefts, widths, strict=False):
        pen.text((left + width + between / 2, top + height / 2), sign, FAINT, font(SIGN), anchor="mm")
    _label(pen, flow - 12, "The palette of A", "a ribbon begins as wide as the share of the pixels that it moves")
    _paste(page, _flow(story), MARGIN, flow)
    _label(pen, bottom + 26, "The palette of B", "")
    _facts(pen, story.facts, bottom + 2 * LABEL + 40)
    return page


def _sizes(shapes: Sequence[tuple[int, ...]]) -> tuple[int, list[int]]:
    """Return the height that the pictures share, and the width of each."""
    aspects = [min(max(width / height, 1 / FLATTEST), FLATTEST) for height, width, _ in shapes]
    room = WIDTH - 2 * MARGIN - 2 * BETWEEN
    height = min(TALLEST, int(room / sum(aspects)))
    return height, [max(1, int(height * aspect)) for aspect in aspects]


def _framed(pixels: NDArray[np.uint8], width: int, height: int) -> Image.Image:
    """Return a picture as large as it fits into a frame, on a panel where its shape is another."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    scale = min(width / image.width, height / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if abs(size[0] - width) <= 2 and abs(size[1] - height) <= 2:
        size = (width, height)
    panel = Image.new("RGB", (width, height), PANEL)
    panel.paste(
        image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0),
        ((width - size[0]) // 2, (height - size[1]) // 2),
    )
    return panel


def _flow(story: Story) -> Image.Image:
    """Return both palettes and the ribbons between them."""
    x, y = story.source, story.target
    first, second = ribbons.bars(story.plan, x.centroids, x.weights, y.centroids, y.weights)
    canvas = np.empty((2 * (BAR + GAP) + FLOW, WIDTH - 2 * MARGIN, 3))
    canvas[:] = PAPER
    canvas[BAR + GAP : -BAR - GAP] = PANEL
    ribbons.paint_bar(canvas[:BAR], first, x.centroids)
    ribbons.paint(canvas[BAR + GAP : -BAR - GAP], ribbons.ribbons(story.plan, first, second), first, second)
    ribbons.paint_bar(canvas[-BAR:], second, y.centroids)
    return Image.fromarray(np.rint(canvas).astype(np.uint8))


def _paste(page: Image.Image, image: Image.Image, left: int, top: int) -> None:
    """Paste an image with round corners."""
    large = Image.new("L", (image.width * FINER, image.height * FINER))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), ROUND * FINER, fill=255)
    page.paste(image, (left, top), large.resize(image.size, Image.Resampling.BOX))


def _label(pen: ImageDraw.ImageDraw, base: int, left: str, right: str) -> None:
    pen.text((MARGIN, base), left, INK, font(LABEL), anchor="ls")
    pen.text((WIDTH - MARGIN, base), right, FAINT, font(LABEL), anchor="rs")


def _facts(pen: ImageDraw.ImageDraw, told: Sequence[Fact], top: int) -> None:
    """Write facts side by side, each value above what it is."""
    told = told[:7]
    across = (WIDTH - 2 * MARGIN) / max(len(told), 5)
    for place, one in enumerate(told):
        left, width = MARGIN + place * across, across - 24
        pen.text((left, top + 24), shortened(one.value, NUMBER, width), INK, font(NUMBER), anchor="ls")
        below = (left, top + NUMBER + 10)
        pen.text(below, wrapped(one.what, LABEL, width, 2), FAINT, font(LABEL), spacing=5)
