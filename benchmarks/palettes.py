"""Time palettes against plain Lloyd on all pixels, one thread, side by side: `python benchmarks/palettes.py`.

Takes the first 20 pictures of data/images, or makes them where the stage has not run.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from record import machine, write_section
from skimage.color import rgb2lab
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from paletteot import config, images
from paletteot.images import manifest
from paletteot.images.source import Pixels
from paletteot.palettes import palette
from paletteot.stages import common

PICTURES = 20
REPEATS = 3  # of ours, which is short; the median counts


def pictures(params: config.Images) -> list[Pixels]:
    if (common.IMAGES / manifest.NAME).is_file():
        rows = manifest.read(common.IMAGES).head(PICTURES).iter_rows(named=True)
        return [manifest.load_pixels(common.IMAGES, row) for row in rows]
    source = images.source(params.source)
    chosen = source.pictures(PICTURES, grading=params.grading, seed=params.seed)
    return [source.render(picture, params.long_side) for picture in chosen]


def ours(pixels: Pixels, params: config.Palettes) -> float:
    made = palette(pixels, k=params.k, sample=params.sample, refinements=params.refinements, seed=params.seed)
    return made.inertia


def reference(pixels: Pixels, params: config.Palettes) -> float:
    """Plain Lloyd from a random initialisation on all pixels; returns the inertia of a pixel."""
    lab = rgb2lab(pixels).reshape(-1, 3)
    lloyd = KMeans(
        params.k, init="random", n_init=1, max_iter=100, tol=1e-3, algorithm="lloyd", random_state=params.seed
    )
    return float(lloyd.fit(lab).inertia_) / len(lab)


def timed(
    method: Callable[[Pixels, config.Palettes], float], pixels: Pixels, params: config.Palettes
) -> tuple[float, float]:
    begin = time.perf_counter()
    inertia = method(pixels, params)
    return time.perf_counter() - begin, inertia


def main() -> None:
    params = config.load(common.PARAMS)
    chosen = pictures(params.images)
    ours(chosen[0], params.palettes)  # compiles
    our_rows, reference_rows = [], []
    with threadpool_limits(1):
        for pixels in chosen:
            tries = [timed(ours, pixels, params.palettes) for _ in range(REPEATS)]
            our_rows.append((float(np.median([seconds for seconds, _ in tries])), tries[0][1]))
            reference_rows.append(timed(reference, pixels, params.palettes))
    our_seconds, our_inertia = np.array(our_rows).T
    seconds, inertia = np.array(reference_rows).T
    ratio = our_inertia / inertia
    lines = [
        f"{len(chosen)} pictures, {params.images.long_side} px on the long side, k = {params.palettes.k}, one thread; "
        "seconds without compiling.",
        f"Ours: k-means++ and Lloyd on {params.palettes.sample} of the distinct colours, "
        f"then {params.palettes.refinements} Lloyd steps on all of them.",
        "Reference: Lloyd on all pixels, random initialisation, 100 iterations, tol 1e-3 (scikit-learn).",
        "Inertia: mean squared LAB distance of a pixel to its centroid.",
        "",
        "| method | median s | pictures/s | time ratio, median | inertia ratio, mean | inertia ratio, worst |",
        "|---|---|---|---|---|---|",
        f"| ours | {np.median(our_seconds):.3f} | {len(chosen) / our_seconds.sum():.1f} "
        f"| {np.median(our_seconds / seconds):.4f} | {ratio.mean():.3f} | {ratio.max():.3f} |",
        f"| reference | {np.median(seconds):.3f} | {len(chosen) / seconds.sum():.2f} | 1 | 1 | 1 |",
        "",
        machine(),
    ]
    write_section("palettes", "Palettes", "python benchmarks/palettes.py", lines)


if __name__ == "__main__":
    main()
