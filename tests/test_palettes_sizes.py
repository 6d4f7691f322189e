"""Palettes of other sizes than 128, and of several sizes in one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_sample_image

import paletteot
from paletteot.dataset import labels, load, schema
from paletteot.palettes import Palette, palette
from paletteot.tables import dtypes, write_parquet

SIZES = (2, 16, 64, 256, 1024)
MIXED = (16, 64, 40)
"""Sizes of the palettes of one file."""
LARGEST = max(MIXED)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return np.ascontiguousarray(load_sample_image("china.jpg")[::4, ::4])


@pytest.fixture(scope="module")
def made(photograph) -> dict[int, Palette]:
    return {k: palette(photograph, k=k, sample=4000, refinements=2, seed=1) for k in SIZES}


@pytest.fixture(scope="module")
def mixed() -> list[Palette]:
    """Palettes of different photographs and sizes."""
    pictures = [load_sample_image("china.jpg"), load_sample_image("flower.jpg"), load_sample_image("china.jpg")[:200]]
    return [
        palette(np.ascontiguousarray(picture[::6, ::6]), k=k, sample=2000, refinements=2, seed=1)
        for picture, k in zip(pictures, MIXED, strict=True)
    ]


@pytest.fixture
def file(tmp_path, mixed) -> Path:
    """The palettes in one file, as their owner would write it."""
    frame = pl.DataFrame(
        {
            "image_id": [f"k{k}" for k in MIXED],
            "photograph": [f"k{k}" for k in MIXED],
            "group": [f"k{k}" for k in MIXED],
            "centroids": np.stack([np.pad(one.centroids, ((0, LARGEST - len(one.weights)), (0, 0))) for one in mixed]),
            "weights": np.stack([np.pad(one.weights, (0, LARGEST - len(one.weights))) for one in mixed]),
            "inertia": [one.inertia for one in mixed],
            "colours": [one.colours for one in mixed],
        },
        schema=dtypes(schema.palettes(LARGEST)),
    )
    write_parquet(tmp_path / "palettes.parquet", frame, schema.palettes(LARGEST))
    return tmp_path / "palettes.parquet"


@pytest.mark.parametrize("k", SIZES)
def test_any_size_up_to_1024_is_a_palette(made, k):
    one = made[k]
    assert one.centroids.shape == (k, 3)
    assert one.weights.shape == (k,)
    assert one.weights.sum() == pytest.approx(1, abs=1e-12)
    assert (np.diff(one.weights) <= 0).all()
    assert one.weights.all()
    assert np.isfinite(one.centroids).all()


def test_inertia_falls_as_k_grows(made):
    inertia = [made[k].inertia for k in SIZES]
    assert (np.diff(inertia) < 0).all()


@pytest.mark.parametrize("k", [3, 128, 1024])
def test_a_picture_of_fewer_colours_than_k_is_padded_with_weight_zero(k):
    pixels = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], np.uint8)
    one = palette(pixels, k=k, sample=256, refinements=1, seed=0)
    assert one.weights.shape == (k,)
    np.testing.assert_allclose(one.weights[:3], 1 / 3)
    assert not one.weights[3:].any()
    assert not one.centroids[3:].any()
    assert one.inertia == 0


def test_a_file_of_several_sizes_stores_the_largest_and_weight_zero(file, mixed):
    loaded = load.load_palettes(file)
    assert loaded.x.shape == (len(MIXED), LARGEST, 3)
    for row, one in enumerate(mixed):
        k = len(one.weights)
        np.testing.assert_array_equal(loaded.x[row, :k], one.centroids)
        np.testing.assert_array_equal(loaded.a[row, :k], one.weights)
        assert not loaded.a[row, k:].any()


def test_plans_of_a_file_of_several_sizes_are_those_of_the_palettes_as_they_are(file, mixed):
    pairs = labels.all_pairs(load.load_palettes(file), file)
    frame = labels.exact(pairs, eps=0.5)
    assert (frame["source_error"] + frame["target_error"]).max() <= 2e-9
    assert len(frame) == 6
    for row, (i, j) in enumerate(zip(pairs.source, pairs.target, strict=True)):
        source, target = mixed[i], mixed[j]
        k, l = len(source.weights), len(target.weights)
        problem = paletteot.Problem(source.centroids, source.weights, target.centroids, target.weights, 0.5)
        g, stored = paletteot.solve(problem).g, frame["g"][row].to_numpy()
        np.testing.assert_allclose(stored[:l], g, atol=1e-7)
        assert not stored[l:].any()
        padded = paletteot.plan(pairs.problems(0.5)[row], stored)
        np.testing.assert_allclose(padded[:k, :l], paletteot.plan(problem, g), atol=1e-9)
        assert not padded[k:].any()
        assert not padded[:, l:].any()


@pytest.mark.parametrize("turned", [False, True])
def test_palettes_of_16_and_64_colours_meet_with_and_without_padding(mixed, turned):
    small, large = mixed[0], mixed[1]
    x = np.pad(small.centroids, ((0, 48), (0, 0)))
    a = np.pad(small.weights, (0, 48))
    problem = paletteot.Problem(small.centroids, small.weights, large.centroids, large.weights)
    padded = paletteot.Problem(x, a, large.centroids, large.weights)
    if turned:
        problem, padded = problem.swapped(), padded.swapped()
    k, l = problem.cost.shape
    g, g_padded = paletteot.solve(problem).g, paletteot.solve(padded).g
    P, P_padded = paletteot.plan(problem, g), paletteot.plan(padded, g_padded)
    assert P.shape == (k, l) == ((64, 16) if turned else (16, 64))
    np.testing.assert_allclose(P.sum(axis=1), problem.a, atol=1e-9)
    np.testing.assert_allclose(P.sum(axis=0), problem.b, atol=1e-9)
    np.testing.assert_allclose(g_padded[:l], g, atol=1e-7)
    np.testing.assert_allclose(P_padded[:k, :l], P, atol=1e-9)
    assert P_padded.shape == (64, 64)
    assert not P_padded[k:].any()
    assert not P_padded[:, l:].any()
