"""The page: what stands where, and what happens when something of it is moved."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, NamedTuple

import gradio as gr

from paletteot.app import acting, downloads, studio
from paletteot.app.limits import MOST_MEGABYTES, MOST_MEGAPIXELS
from paletteot.app.pairs import PAIRS
from paletteot.app.strips import EMPTY
from paletteot.transfer.matching import starts
from paletteot.transfer.options import EXACT

TITLE = "PaletteOT: the colours of one picture on another"
DOCS = "https://github.com/paletteot/paletteot/blob/main/docs/transfer.md"
HEAD = f"""<div class="top"><h1>The colours of one picture on another</h1>
<p>PaletteOT makes a palette of each picture, finds the optimal transport between the two, and moves every colour of A
the way its palette goes. <a href="{DOCS}" target="_blank" rel="noopener">How it works</a></p></div>"""
NOTE = (
    f"Pictures may have {MOST_MEGABYTES} MB and {MOST_MEGAPIXELS} megapixels. They are removed after about an hour, or "
    "when the page is closed down."
)
TAKEN = {
    "Download picture": downloads.picture,
    "Download LUT": downloads.lut,
    "Download palettes": downloads.palettes,
}
AT_ONCE = 2
"""Visitors that are served at a time; the others wait in a queue."""
KEPT = "The result is still that of the last choices that could be followed."
QUEUE = 32
FONTS = ("system-ui", "sans-serif")
"""Of the visitor's own machine."""
EVERY, OLD = 600, 3600
"""Seconds between looks for old files, and how old they may become."""
TAKE_ALONG = """(file) => {
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  document.body.appendChild(link);
  link.click();
  link.remove();
}"""
"""Runs in the browser where a file is ready."""
CHOICES: dict[str, str] = {
    "k": "colours of either palette",
    "eps": "eps: how much the plan may blur, LAB units",
    "sigma": "sigma: how far colours move together, LAB units",
    "strength": "strength: share of the way",
    "neutrals": "protect greys, black and white that both have",
}


class Side(NamedTuple):
    """What the page has of a picture: where it is shown, its file, and its palette."""

    image: Any
    file: Any
    palette: Any


def page() -> Any:
    """Return the page, a `gradio.Blocks`; `launching` says how it is launched."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(EVERY, OLD)) as made:
        gr.HTML(HEAD)
        with gr.Row():
            tries = [gr.Button(pair.said, size="sm", min_width=220) for pair in PAIRS]
        with gr.Row(equal_height=False):
            a = _side("A: its colours are moved", "picture-a")
            b = _side("B: has the colours wanted", "picture-b")
            with gr.Column(min_width=300):
                moved = gr.Image(
                    label="Result", interactive=False, format="png", height=300, buttons=["fullscreen"],
                    elem_id="result", alt_text="A in the colours of B",
                )  # fmt: skip
                with gr.Row(elem_classes="takes"):
                    takes = {
                        write: gr.Button(text, size="sm", min_width=90, elem_id=f"take-{write.__name__}")
                        for text, write in TAKEN.items()
                    }
                said = gr.Markdown("", elem_classes="facts", elem_id="facts")
        with gr.Row(equal_height=False):
            with gr.Column(min_width=300):
                controls = _controls()
            with gr.Column(min_width=300):
                gr.HTML('<h2 class="over">From the palette of A, above, to that of B</h2>')
                plan = gr.Image(
                    show_label=False, interactive=False, format="png", buttons=["fullscreen"], elem_id="plan",
                    alt_text="Both palettes, and ribbons for what goes where",
                )  # fmt: skip
                gr.Markdown(NOTE, elem_classes="facts")
        asked = [a.file, b.file, *controls]
        shown = {
            "fn": acting.show, "inputs": asked, "outputs": [moved, a.palette, b.palette, plan, said],
            "show_progress_on": [said],  # what cannot be done then covers no result
        }  # fmt: skip
        runs = []
        for side in (a, b):
            both = [side.image, side.file]
            taken = side.image.upload(acting.take, [side.image], both, preprocess=False, **QUIET)
            taken.failure(acting.back, both, [side.image], preprocess=False, **QUIET)
            side.image.clear(lambda: (None, EMPTY), None, [side.file, side.palette], **QUIET)
            runs.append(taken.success(**shown, **QUIET))
        for button, pair in zip(tries, PAIRS, strict=True):
            chosen = button.click(acting.chooser(pair), None, [a.image, a.file, b.image, b.file], **QUIET)
            runs.append(chosen.success(**shown, **QUIET))
        runs.append(gr.on([one.change for one in controls], trigger_mode="always_last", **shown, **QUIET))
        for one in runs:
            one.failure(lambda: KEPT, None, [said], **QUIET)
        for write, button in takes.items():
            ready = gr.DownloadButton(visible="hidden")
            button.click(acting.writer(write), asked, [ready], **QUIET).success(
                None, [ready], None, js=TAKE_ALONG, **QUIET
            )
    return made.queue(max_size=QUEUE)


QUIET: dict[str, Any] = {"api_visibility": "private", "concurrency_id": "all", "concurrency_limit": AT_ONCE}
"""Of every event. None is for other programs: they have `paletteot.transfer`."""


def launching() -> dict[str, Any]:
    """Return what `Blocks.launch` is given wherever the page runs: its looks and limits, and nothing from elsewhere."""
    return {
        "theme": gr.themes.Default(primary_hue="blue", neutral_hue="slate", font=FONTS),
        "css": files("paletteot.app").joinpath("style.css").read_text(encoding="utf-8"),
        "max_file_size": f"{MOST_MEGABYTES}mb", "footer_links": [], "run_history": False, "ssr_mode": False,
        "share": False, "enable_monitoring": False, "mcp_server": False, "pwa": False, "quiet": True,
    }  # fmt: skip


def _side(label: str, name: str) -> Side:
    with gr.Column(min_width=300):
        image = gr.Image(
            label=label, sources=["upload", "clipboard"], type="filepath", image_mode=None, format="png", height=300,
            buttons=["fullscreen"], elem_id=name, alt_text=label,
        )  # fmt: skip
        return Side(image, gr.State(None), gr.HTML(EMPTY))


def _controls() -> list[Any]:
    """Return what is moved, in the order of `acting.options`."""
    sliders = [
        gr.Slider(2, 256, studio.PLAIN.k, step=1, label=CHOICES["k"], elem_id="k"),
        gr.Slider(0.05, 10, studio.PLAIN.eps, step=0.05, label=CHOICES["eps"], elem_id="eps"),
        gr.Slider(0.5, 20, studio.PLAIN.sigma, step=0.5, label=CHOICES["sigma"], elem_id="sigma"),
        gr.Slider(0, 1, studio.PLAIN.strength, step=0.05, label=CHOICES["strength"], elem_id="strength"),
        gr.Slider(0, 1, studio.PLAIN.neutrals, step=0.05, label=CHOICES["neutrals"], elem_id="neutrals"),
    ]
    ways = [
        ("smooth: a blend of the shifts of near colours", "smooth"),
        ("hard: one new colour for each of the palette", "hard"),
    ]
    method = gr.Radio(ways, value=studio.PLAIN.method, label="method", elem_id="method")
    keep = gr.Checkbox(studio.PLAIN.keep_luminance, label="keep the lightness of A", elem_id="keep-luminance")
    begun = [("the exact plan, nothing counted" if name == EXACT else name, name) for name in starts()]
    start = gr.Dropdown(begun, value=studio.PLAIN.start, label="start that Sinkhorn is counted from", elem_id="start")
    return [*sliders, method, keep, start]
