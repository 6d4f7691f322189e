"""What happens on the page: functions that its events call, with what they are given from it."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from paletteot.app import scratch, studio
from paletteot.app.pairs import Pair
from paletteot.app.strips import strip
from paletteot.errors import PaletteOTError
from paletteot.extras import needed
from paletteot.transfer import layers
from paletteot.transfer.options import Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.words import facts


def options(
    k: float, eps: float, sigma: float, strength: float, neutrals: float, method: Any, keep: bool, start: str
) -> Options:
    """Return what the controls say, in their order; raises ParamsError."""
    return Options(int(k), eps, method, sigma, strength, keep, neutrals, start)


@contextmanager
def _in_the_page() -> Iterator[None]:
    """Say an error of ours as one line in the page."""
    try:
        with needed():
            yield
    except PaletteOTError as error:
        raise gr.Error(html.escape(str(error)), print_exception=False) from error


def take(sent: Any) -> tuple[Any, Path | None]:
    """Open what a visitor has sent, and return how it is shown and its file; nothing where it was taken away."""
    if sent is None:
        return None, None
    file = Path(sent["path"])
    with _in_the_page():
        return _image(studio.picture(file).shown), file


def back(sent: Any, file: Path | None) -> Any:
    """Remove what was refused, and show the picture that was there before."""
    if sent is not None:
        scratch.forget(Path(sent["path"]))
    with _in_the_page():
        return None if file is None else _image(studio.picture(file).shown)


def chooser(pair: Pair) -> Callable[[], list[Any]]:
    """Return what takes two pictures that ship."""

    def choose() -> list[Any]:
        with _in_the_page():
            return [one for file in pair.files for one in (_image(studio.picture(file).shown), file)]

    return choose


def show(a: Path | None, b: Path | None, *chosen: Any) -> list[Any]:
    """Return the result, both palettes, the plan and what it took; what is there stays where a picture is missing."""
    if a is None or b is None:
        return [gr.skip()] * 5
    with _in_the_page():
        asked = options(*chosen)
        done = studio.preview(a, b, asked)
        return [
            _image(done.photo), strip(done.source, a.name), strip(done.target, b.name), studio.flow(a, b, asked),
            "<br>".join(facts(done.match, asked)),
        ]  # fmt: skip


def writer(write: Callable[[Path, Path, Options], Path]) -> Callable[..., str]:
    """Return what writes a file of `downloads`."""

    def written(a: Path | None, b: Path | None, *chosen: Any) -> str:
        if a is None or b is None:
            raise gr.Error("choose two pictures first", print_exception=False)
        with _in_the_page():
            return str(write(a, b, options(*chosen)))

    return written


def _image(photo: Photo) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(layers.joined(photo.pixels, photo.alpha, grey=False)))
