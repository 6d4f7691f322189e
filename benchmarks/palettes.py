"""Time palettes beside scikit-learn's k-means: `python benchmarks/palettes.py` after the images stage, on Linux.

Per picture on one thread; then pictures per second of the stage on all cores, and the memory of a worker.
--pictures N tries all of it on N pictures, and prints the section instead of recording it.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from record import machine, write_section
from skimage.color import rgb2lab
from threadpoolctl import threadpool_limits

from paletteot import engine
from paletteot.config import params as config
from paletteot.config.palettes import PalettesParams
from paletteot.images import manifest
from paletteot.images.source import Pixels
from paletteot.palettes import palette
from paletteot.project import paths
from paletteot.stages import palettes as stage

if TYPE_CHECKING:
    from sklearn.cluster import KMeans, MiniBatchKMeans

PICTURES = 10
"""Pictures that every method is timed on."""
STAGE = 400
"""Pictures of the run on all cores."""
MEMORY = (50, 400)
"""Pictures after which the memory of a worker is looked at."""
REPEATS = 3
"""Runs of methods that are short; the median counts."""
SIZES = (256, 1024)
TARGET = 20
"""Pictures per second that the stage should make on all cores."""

Fit = Callable[[Pixels], float]
"""Makes a palette and returns its inertia: the mean squared LAB distance of a pixel to its centroid."""


class Method(NamedTuple):
    name: str
    fit: Fit
    repeats: int = 1


def ours(params: PalettesParams, k: int, pixels: Pixels) -> float:
    made = palette(pixels, k=k, sample=params.sample, refinements=params.refinements, seed=params.seed)
    return made.inertia


def theirs(estimator: KMeans | MiniBatchKMeans, pixels: Pixels) -> float:
    lab = rgb2lab(pixels).reshape(-1, 3)
    return float(estimator.fit(lab).inertia_) / len(lab)


def contestants(params: PalettesParams) -> list[Method]:
    """Return the reference and what is compared with it, in this order."""
    # Imported here, for the process whose memory is measured imports this file, and workers do without scikit-learn.
    from sklearn.cluster import KMeans, MiniBatchKMeans

    k, seed = params.k, params.seed
    plain = KMeans(k, init="random", n_init=1, max_iter=100, tol=1e-3, algorithm="lloyd", random_state=seed)
    batches = MiniBatchKMeans(k, init="k-means++", n_init=1, random_state=seed)
    plus_plus = KMeans(k, init="k-means++", n_init=1, random_state=seed)
    return [
        Method("reference: Lloyd, random start, 100 iterations, tol 1e-3", partial(theirs, plain)),
        Method("ours", partial(ours, params, k), REPEATS),
        Method("scikit-learn KMeans, k-means++", partial(theirs, plus_plus)),
        Method("scikit-learn MiniBatchKMeans", partial(theirs, batches), REPEATS),
    ]


def timed(method: Method, pixels: Pixels) -> tuple[float, float]:
    """Return median seconds and inertia."""
    seconds = []
    for _ in range(method.repeats):
        begin = time.perf_counter()
        inertia = method.fit(pixels)
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds)), inertia


def side_by_side(methods: Sequence[Method], pictures: Sequence[Pixels]) -> np.ndarray:
    """Return seconds and inertias, (methods, pictures, 2): picture after picture, so that all meet the same machine."""
    with threadpool_limits(1):
        for method in methods:
            method.fit(pictures[0][::8, ::8])  # compiles and warms up
        found = [[timed(method, pixels) for method in methods] for pixels in pictures]
    return np.array(found).transpose(1, 0, 2)


def throughput(params: PalettesParams, pictures: int) -> tuple[float, float]:
    """Return pictures per second on all cores, JPEG to palette, and the seconds that starting the workers takes."""
    seconds = []
    with TemporaryDirectory() as folder:
        starting = engine.spans(engine.cores(0), 1)
        for label, spans in (("start", starting), ("palettes", engine.spans(pictures, stage.CHUNK))):
            begin = time.perf_counter()
            engine.run(partial(stage._chunk, params), spans, folder=Path(folder) / label, workers=0, label=label)
            seconds.append(time.perf_counter() - begin)
    return pictures / seconds[1], seconds[0]


def peaks(params: PalettesParams, counts: Sequence[int]) -> list[float]:
    """Return the largest memory that this process has had, MiB, after each of these numbers of pictures."""
    found, done = [], 0
    with threadpool_limits(1):
        for count in counts:
            for start, stop in engine.spans(count - done, stage.CHUNK):
                stage._chunk(params, (done + start, done + stop))
            done = count
            # Not getrusage's ru_maxrss: a new process begins with its parent's.
            peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
            assert peak
            found.append(int(peak[1]) / 1024)
    return found


def memory(params: PalettesParams, counts: Sequence[int]) -> list[float]:
    """Return `peaks` of a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(peaks, params, counts).result()


def section(params: PalettesParams, images: int) -> list[str]:
    """Measure everything on at most so many pictures; return the lines of the section."""
    frame = manifest.read(paths.MANIFEST, paths.IMAGES)
    rows = frame.head(min(PICTURES, images)).iter_rows(named=True)
    pictures = [manifest.load_pixels(paths.IMAGES, row) for row in rows]
    methods = contestants(params)
    sizes = [Method(f"{k}", partial(ours, params, k)) for k in SIZES]
    found = side_by_side([*methods, *sizes], pictures)
    seconds, inertia = found[..., 0], found[..., 1]
    many = min(STAGE, images, len(frame))
    counts = [min(count, images, len(frame)) for count in MEMORY]
    mebibytes = memory(params, counts)
    rate, start = throughput(params, many)
    lines = [
        f"{len(pictures)} pictures of 512 px, k = {params.k}, one thread, one run of all methods side by side; seconds "
        "from pixels to palette, without compiling. Ours works on the distinct colours, the others on all pixels.",
        "Ratios are to the reference on the same picture.",
        "Inertia: mean squared LAB distance of a pixel to its centroid.",
        "",
        "| method | median s | time ratio, median | inertia ratio, mean | inertia ratio, worst |",
        "|---|---|---|---|---|",
    ]
    for row, method in enumerate(methods):
        time_ratio, inertia_ratio = seconds[row] / seconds[0], inertia[row] / inertia[0]
        lines.append(
            f"| {method.name} | {np.median(seconds[row]):.3f} | {np.median(time_ratio):.3f} "
            f"| {inertia_ratio.mean():.3f} | {inertia_ratio.max():.3f} |"
        )
    lines += ["", "| ours, k | median s | inertia, median |", "|---|---|---|"]
    for row, k in [(1, params.k), *enumerate(SIZES, len(methods))]:
        lines.append(f"| {k} | {np.median(seconds[row]):.3f} | {np.median(inertia[row]):.2f} |")
    return [
        *lines,
        "",
        f"The palettes stage, JPEG to palette, {engine.cores(0)} workers, {many} pictures: **{rate:.1f} pictures/s** "
        f"(target: {TARGET}; the GPU of the project that this one grew from: 2.31), after {start:.1f} s to start them.",
        "Peak memory of a worker: "
        + ", ".join(f"{peak:.0f} MiB over {count} pictures" for peak, count in zip(mebibytes, counts, strict=True))
        + ".",
        "",
        machine(),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, metavar="N", help="a trial on N pictures, printed and not recorded")
    chosen = parser.parse_args().pictures
    if chosen is not None and chosen < 1:
        parser.error("--pictures must be at least 1")
    params = config.load(paths.PARAMS).palettes
    if chosen is None:
        write_section("palettes", "Palettes", "python benchmarks/palettes.py", section(params, max(STAGE, *MEMORY)))
    else:
        print("\n".join(section(params, chosen)))


if __name__ == "__main__":
    main()
