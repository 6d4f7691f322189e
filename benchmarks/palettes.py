"""Time palettes against scikit-learn's k-means, side by side: `python benchmarks/palettes.py` after the images stage.

Per picture on one thread; then pictures per second of the stage on all cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from record import machine, write_section
from skimage.color import rgb2lab
from sklearn.cluster import KMeans, MiniBatchKMeans
from threadpoolctl import threadpool_limits

from paletteot import config, engine
from paletteot.images import manifest
from paletteot.images.source import Pixels
from paletteot.palettes import palette
from paletteot.stages import common

PICTURES = 10
STAGE = 400
"""Pictures of the run on all cores."""
REPEATS = 3
"""Runs of methods that are short; the median counts."""

Method = Callable[[Pixels, config.Palettes], float]


def ours(pixels: Pixels, params: config.Palettes, k: int | None = None) -> float:
    """Return the inertia of a pixel."""
    made = palette(pixels, k=k or params.k, sample=params.sample, refinements=params.refinements, seed=params.seed)
    return made.inertia


def of(make: Callable[[config.Palettes], KMeans | MiniBatchKMeans], pixels: Pixels, params: config.Palettes) -> float:
    """Return the inertia of a pixel after a fit to all pixels."""
    lab = rgb2lab(pixels).reshape(-1, 3)
    fitted = make(params).fit(lab)
    nearest = fitted.transform(lab).min(axis=1)
    return float((nearest**2).mean())


def reference(params: config.Palettes) -> KMeans:
    """Plain Lloyd from a random initialisation."""
    return KMeans(
        params.k, init="random", n_init=1, max_iter=100, tol=1e-3, algorithm="lloyd", random_state=params.seed
    )


METHODS: dict[str, tuple[Method, int]] = {
    "ours": (ours, REPEATS),
    "MiniBatchKMeans, all pixels": (
        partial(of, lambda params: MiniBatchKMeans(params.k, n_init=1, random_state=params.seed)), REPEATS,
    ),
    "KMeans, all pixels": (partial(of, lambda params: KMeans(params.k, n_init=1, random_state=params.seed)), 1),
    "reference: KMeans, random start, 100 iterations": (partial(of, reference), 1),
}  # fmt: skip


def timed(method: Method, repeats: int, pixels: Pixels, params: config.Palettes) -> tuple[float, float]:
    """Return median seconds and inertia."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        inertia = method(pixels, params)
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds)), inertia


def chunk(params: config.Palettes, span: tuple[int, int]) -> pl.DataFrame:
    """Make palettes of some pictures, as the stage does."""
    rows = manifest.read(common.IMAGES)[slice(*span)]
    return pl.DataFrame(
        {"inertia": [ours(manifest.load_pixels(common.IMAGES, row), params) for row in rows.iter_rows(named=True)]}
    )


def throughput(params: config.Palettes, pictures: int) -> float:
    """Return pictures per second on all cores, from JPEG to palette, after the workers have started and compiled."""
    with TemporaryDirectory() as folder:
        for run in ("warm", "timed"):
            begin = time.perf_counter()
            spans = engine.spans(engine.cores(0) if run == "warm" else pictures, 1 if run == "warm" else 20)
            engine.run(partial(chunk, params), spans, folder=Path(folder) / run, workers=0, label=run)
    return pictures / (time.perf_counter() - begin)


def main() -> None:
    params = config.load(common.PARAMS).palettes
    available = len(manifest.read(common.IMAGES))
    rows = manifest.read(common.IMAGES).head(PICTURES).iter_rows(named=True)
    chosen = [manifest.load_pixels(common.IMAGES, row) for row in rows]
    ours(chosen[0], params)  # compiles
    with threadpool_limits(1):
        found = {
            name: np.array([timed(method, repeats, pixels, params) for pixels in chosen])
            for name, (method, repeats) in METHODS.items()
        }
        sizes = {k: timed(partial(ours, k=k), 1, chosen[0], params)[0] for k in (256, 1024)}
    seconds, inertia = found["reference: KMeans, random start, 100 iterations"].T
    pictures = min(STAGE, available)
    rate = throughput(params, pictures)
    lines = [
        f"{len(chosen)} pictures of 512 px, k = {params.k}, one thread; seconds without compiling. Ours works on the "
        "distinct colours, the others on all pixels;",
        "their seconds include a pass over all pixels that takes the inertia.",
        "Inertia: mean squared LAB distance of a pixel to its centroid.",
        "",
        "| method | median s | time ratio, median | inertia ratio, mean | inertia ratio, worst |",
        "|---|---|---|---|---|",
        *(
            f"| {name} | {np.median(one[:, 0]):.3f} | {np.median(one[:, 0] / seconds):.3f} "
            f"| {(one[:, 1] / inertia).mean():.3f} | {(one[:, 1] / inertia).max():.3f} |"
            for name, one in found.items()
        ),
        "",
        f"Ours with k = 256: {sizes[256]:.2f} s, with k = 1024: {sizes[1024]:.2f} s (one picture).",
        f"The palettes stage, JPEG to palette, {engine.cores(0)} workers, {pictures} pictures: "
        f"**{rate:.1f} pictures/s** (wanted: 20; the GPU of the project that this one grew from: 2.31).",
        "",
        machine(),
    ]
    write_section("palettes", "Palettes", "python benchmarks/palettes.py", lines)


if __name__ == "__main__":
    main()
