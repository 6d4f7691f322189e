"""The shipped weights, unchanged, on pictures from another source: the seed's ten photographs, all ordered pairs."""

from __future__ import annotations

import zipfile
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

import paletteot
from paletteot import pretrained
from paletteot.config import params as config
from paletteot.images.decode import decode
from paletteot.images.render import render
from paletteot.images.source import Picture
from paletteot.ot import accelerated, sinkhorn
from paletteot.ot.problem import Problems
from paletteot.palettes import Palette, palette

PARAMS = config.load(Path(__file__).parents[2] / "params.yaml")
PICTURES = 10
MEMORY = 20
TOLERANCE = 1e-5


def made(content: bytes, name: str) -> Palette:
    """Return the palette of a photograph, all of it and ungraded, as the stages make it."""
    whole = Picture(name, name, "seed", "", "", name)
    pixels, _ = render(decode(content, name), whole, PARAMS.images.long_side)
    given = PARAMS.palettes
    return palette(pixels, k=given.k, sample=given.sample, refinements=given.refinements, seed=given.seed)


@pytest.fixture
def problems(seed_dir: Path) -> Problems:
    with zipfile.ZipFile(seed_dir / "sample_images.zip") as archive:
        palettes = [made(archive.read(name), name) for name in sorted(archive.namelist())]
    assert (len(palettes), PARAMS.palettes.k) == (PICTURES, 128)
    x, a = np.stack([one.centroids for one in palettes]), np.stack([one.weights for one in palettes])
    source, target = np.array(list(permutations(range(PICTURES), 2))).T
    return Problems(x[source], a[source], x[target], a[target], PARAMS.transport.eps, source, target)


def test_the_shipped_weights_save_iterations_on_pictures_from_another_source(problems: Problems) -> None:
    if not pretrained.weights("dual").is_file():
        pytest.skip("the package holds no weights yet: `python scripts/ship.py` puts them there")
    start = paletteot.warm_start("dual").start(problems)
    track_a, track_b = [], []
    for row in range(len(problems)):
        problem, g = problems[row], start.g[row]
        cold, warm = sinkhorn.reference(problem), sinkhorn.reference(problem, g)
        plain = accelerated.plain(problem, tolerances=[TOLERANCE])
        fast = accelerated.anderson(problem, g, memory=MEMORY, tolerances=[TOLERANCE])
        assert cold.converged
        assert warm.converged
        assert plain.converged.all()
        assert fast.converged.all()
        track_a.append((warm.iterations + start.iterations) / cold.iterations)
        track_b.append((int(fast.iterations[0]) + start.iterations) / int(plain.iterations[0]))
    ratio_a, ratio_b = float(np.median(track_a)), float(np.median(track_b))
    print(f"\n{len(problems)} pairs of the seed's pictures, passes of the start included, to cold, median:")
    print(f"reference iteration {ratio_a:.3f}; anderson_{MEMORY} to {TOLERANCE:g} against plain {ratio_b:.3f}")
    assert len(track_a) == PICTURES * (PICTURES - 1)
    assert ratio_a < 0.63
    assert ratio_b < 0.036
