"""A report of evaluations that look like real ones, some of them by strangers with names that bite."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from paletteot.benchmark.records.evaluation import About, Evaluation, Origin
from paletteot.dataset.load import Palettes
from paletteot.demo import facts as demo
from paletteot.demo.facts import Fact
from paletteot.report.build import build
from paletteot.report.site.facts import SiteFacts, Transfers
from paletteot.warmstarts.contract import family
from tests.benchmark import fake
from tests.conftest import palette

SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("x")'
CLOSING = "</script><img src=x onerror=alert(1)> | {{ 7 * 7 }}"
STRANGERS = (SCRIPT, FORMULA, CLOSING)
LOSSES = {"train_loss": [2.0, 1.0] * 2, "validation_unseen_loss": [2.5, 1.5] * 2}
CURVES = {"net": pl.DataFrame({"seed": [5, 5, 6, 6], "epoch": [1, 2] * 2, **LOSSES})}
RUN = "0123456789abcdef"


def evaluations() -> dict[str, Evaluation]:
    """Return cold, half, twins that tie, a network of three seeds, and the strangers."""
    seeds = [fake.evaluation(f"net-{seed}", 0.4 + seed / 100, noise=0.3) for seed in (5, 6, 7)]
    twins = [fake.evaluation(name, 0.8) for name in ("one", "two")]
    strangers = [fake.evaluation(name, 0.9 + place / 50) for place, name in enumerate(STRANGERS)]
    made = [fake.evaluation("cold", 1), fake.evaluation("half", 0.5, init=10), *twins, *seeds, *strangers]
    return {one.method: replace(one, about=about(one.method), origin=origin(one.method)) for one in made}


def about(method: str) -> About:
    """Return what a method says of itself."""
    if method == CLOSING:
        return About(CLOSING, CLOSING, authors=CLOSING, link="javascript:alert(1)", learned=None, kernel_only=None)
    return About("what it does", "who found it", learned=family(method) == "net")


def origin(method: str) -> Origin:
    """Return where the rows of a method come from."""
    run = (RUN, f"https://mlflow.example/#/experiments/1/runs/{RUN}") if "net" in method else ()
    return Origin("1.2.3", "c0ffee" * 6, "a machine, 2 cores", *run, claimed=method == CLOSING)


def demonstration(folder: Path) -> list[Fact]:
    """Put a demo of two examples into a folder, one by a stranger and of greys alone."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = []
    for number, (author, iterations) in enumerate((("Ann Ö", 400), (CLOSING, None)), 1):
        names = {one: f"{one}_{number}.jpg" for one in ("before", "after", "gives")} | {"sheet": f"demo_{number}.jpg"}
        for shade, name in enumerate(names.values()):
            Image.new("RGB", (120, 80), (60 * shade, 90, 200 - 60 * shade)).save(folder / name)
        facts.append(
            Fact(
                **names, source="a", target="b", source_attribution=author, target_attribution="not named",
                source_licence="CC-BY-3.0", target_licence="CC0-1.0", width=120, height=80, iterations=iterations,
                own=iterations and 5, cold=iterations and 900, largest=0.25,
            )
        )  # fmt: skip
    demo.write(folder, facts)
    return facts


def board() -> pl.DataFrame:
    """Return a comparison of transfers, one of which knows nothing of whites."""
    return pl.DataFrame({
        "method": ["hard", "smooth_8", "reinhard", SCRIPT], "pairs": [50] * 4, "w1": [4.0, 8.0, 20.0, 10.0],
        "gradient_ssim": [0.7, 0.85, 0.93, 0.8], "ssim": [0.7, 0.8, 0.9, 0.8], "banding": [0.01, 0.0, 0.0, 0.2],
        "neutrals_moved": [2.0, 2.0, 20.0, None], "seconds": [0.2, 0.3, 0.1, 4.0], "front": [True, True, True, False],
    })  # fmt: skip


def facts(methods: tuple[str, ...] | list[str], folder: Path | None = None) -> SiteFacts:
    """Return what a site says of some methods, with a demo where a folder for it is named."""
    rng = np.random.default_rng(0)
    atoms = [palette(rng, 16) for _ in range(12)]
    x, a = (np.stack(columns) for columns in zip(*atoms, strict=True))
    splits = ("train", *fake.SPLITS)
    return SiteFacts(
        settings={"Pictures": "12 of <a> test"},
        palettes=Palettes([f"p{i}" for i in range(12)], *([f"g{i % 4}" for i in range(12)],) * 2, x, a),
        release={
            "version": "1.2.3",
            "tables": {
                "plans": {split: {"rows": 64} for split in splits},
                "palettes": {"full": {"rows": 12}},
                "images": {"full": {"rows": 12}},
            },
        },
        transfers=Transfers(demonstration(folder) if folder else (), folder or Path(), board()),
        about={family(method): about(method) for method in methods},
        origins={method: origin(method) for method in methods},
    )


def rungs() -> pl.DataFrame:
    """Return a tolerance ladder: what is saved shrinks, and one start costs more than it saves at the loosest stop."""
    made = []
    for step, atol in enumerate((1e-2, 1e-3, 1e-4, 1e-5, 1e-6)):
        for place, method in enumerate(dict.fromkeys(map(family, evaluations()))):
            ratio = 1.0 if method == "cold" else 1.2 if (method, step) == ("half", 0) else 0.3 + (place + step) / 25
            made.append(
                {
                    "method": method, "atol": atol, "problems": 50, "photographs": 12, "groups": 12,
                    "converged": 50 - (step > 3) * 30, "median": 300.0 * (step + 1) * ratio,
                    "ratio_median": ratio, "ratio_low": ratio - 0.01, "ratio_high": ratio + 0.01,
                }
            )  # fmt: skip
    return pl.DataFrame(made)


def report(folder: Path) -> Path:
    """Write the report into a folder and return it."""
    made = evaluations()
    build(made, fake.bootstrap(), CURVES, facts(list(made), folder / "demo"), folder)
    return folder
