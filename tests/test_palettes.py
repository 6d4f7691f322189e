from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from skimage.color import rgb2lab
from sklearn.cluster import KMeans
from sklearn.datasets import load_sample_image
from threadpoolctl import threadpool_limits

from paletteot import palettes
from paletteot.errors import DataError, PaletteOTError
from paletteot.palettes import Palette, palette


def noise(seed: int, h: int = 24, w: int = 31) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)


def make(pixels: np.ndarray, k: int = 16, sample: int = 300, refinements: int = 6, seed: int = 7) -> Palette:
    return palette(pixels, k=k, sample=sample, refinements=refinements, seed=seed)


@pytest.fixture(scope="module")
def photograph() -> np.ndarray:
    return np.ascontiguousarray(load_sample_image("china.jpg")[::5, ::5])


def assert_is_palette(made: Palette, k: int) -> None:
    assert made.centroids.shape == (k, 3)
    assert made.centroids.dtype == np.float64
    assert made.weights.shape == (k,)
    assert made.weights.dtype == np.float64
    assert np.isfinite(made.centroids).all()
    assert (made.weights >= 0).all()
    assert abs(made.weights.sum() - 1) <= 1e-12
    assert (np.diff(made.weights) <= 0).all()
    assert not made.centroids[made.weights == 0].any()


@pytest.mark.parametrize("k", [2, 16, 200])
def test_inertia_and_weights_are_those_of_all_pixels(photograph, k):
    made = make(photograph, k=k, sample=1000)
    lab = rgb2lab(photograph).reshape(-1, 3)
    support = made.centroids[made.weights > 0]
    squares = cdist(lab, support, "sqeuclidean")
    assert made.inertia == pytest.approx(squares.min(axis=1).mean(), rel=1e-9)
    shares = np.bincount(squares.argmin(axis=1), minlength=len(support)) / len(lab)
    np.testing.assert_allclose(made.weights[: len(support)], shares, atol=1e-12)
    assert made.colours == len(np.unique(photograph.reshape(-1, 3), axis=0))
    assert_is_palette(made, k)


def test_a_lloyd_step_agrees_with_scikit_learn_on_all_pixels():
    pixels, k = noise(3), 12
    lab = rgb2lab(pixels).reshape(-1, 3)
    colours, counts = palettes.distinct(pixels)
    points, weights = rgb2lab(colours[None])[0], counts / counts.sum()
    start = points[:: len(points) // k][:k].copy()
    ours = palettes._lloyd(points, weights, start, 5, 0.0)
    theirs = KMeans(k, init=start, n_init=1, max_iter=5, tol=0, algorithm="lloyd")
    theirs.fit(lab)
    np.testing.assert_allclose(ours, theirs.cluster_centers_, atol=1e-8)


def test_inertia_is_no_worse_than_plain_lloyd_on_all_pixels(photograph):
    lab = rgb2lab(photograph).reshape(-1, 3)
    reference = [
        KMeans(64, init="random", n_init=1, max_iter=100, tol=1e-3, algorithm="lloyd", random_state=seed).fit(lab)
        for seed in range(3)
    ]
    ours = [make(photograph, k=64, sample=2000, seed=seed).inertia for seed in range(3)]
    assert np.mean(ours) <= np.mean([one.inertia_ for one in reference]) / len(lab)


def test_refinements_lower_the_inertia(photograph):
    inertias = [make(photograph, k=32, sample=256, refinements=steps).inertia for steps in (0, 2, 20)]
    assert inertias == sorted(inertias, reverse=True)
    assert inertias[0] > inertias[2]


def test_same_seed_same_bits_whatever_the_threads(photograph):
    first = make(photograph, k=64, sample=2000)
    with threadpool_limits(2):
        two = make(photograph, k=64, sample=2000)
    with threadpool_limits(1):
        one = make(photograph, k=64, sample=2000)
    for other in (one, two):
        assert first.centroids.tobytes() == other.centroids.tobytes()
        assert first.weights.tobytes() == other.weights.tobytes()
        assert first.inertia == other.inertia


def test_another_seed_gives_another_palette(photograph):
    assert not np.array_equal(make(photograph, seed=1).centroids, make(photograph, seed=2).centroids)


def test_order_of_pixels_does_not_matter(photograph):
    shuffled = np.random.default_rng(0).permutation(photograph.reshape(-1, 3)).reshape(photograph.shape)
    assert make(photograph).centroids.tobytes() == make(shuffled).centroids.tobytes()


def test_picture_of_at_most_k_colours_is_its_own_palette():
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)
    pixels = colours[[0, 0, 0, 0, 1, 1, 1, 2, 2, 0]].reshape(2, 5, 3)
    made = make(pixels, k=5)
    np.testing.assert_allclose(made.weights, [0.5, 0.3, 0.2, 0, 0], atol=1e-15)
    np.testing.assert_allclose(made.centroids[:3], rgb2lab(colours[None])[0], atol=1e-12)
    assert made.colours == 3
    assert made.inertia == 0
    assert_is_palette(made, 5)
    assert make(pixels, k=3).weights.all()


def test_one_colour():
    made = make(np.full((4, 6, 3), 119, np.uint8), k=4)
    np.testing.assert_array_equal(made.weights, [1, 0, 0, 0])
    np.testing.assert_allclose(made.centroids[0], rgb2lab(np.full((1, 1, 3), 119, np.uint8))[0, 0])
    assert made.colours == 1
    assert_is_palette(made, 4)


def test_equal_weights_are_ordered_by_centroid():
    pixels = np.array([[[0, 0, 255], [255, 0, 0], [0, 255, 0], [0, 0, 0]]], np.uint8)
    assert make(pixels, k=6).centroids[:4, 0].tolist() == sorted(rgb2lab(pixels)[0, :, 0])


def test_sample_smaller_than_k_is_enlarged():
    made = make(noise(5), k=700, sample=256)
    assert (made.weights > 0).sum() > 600
    assert_is_palette(made, 700)


def test_one_colour_more_than_k():
    pixels = np.arange(17 * 3, dtype=np.uint8).reshape(1, 17, 3) * 5
    made = make(pixels, k=16)
    assert (made.weights > 0).all()
    assert made.colours == 17
    assert 0 < made.inertia < 30


def test_atom_without_colours_starts_again_where_the_inertia_is():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [10, 0, 0], [50, 0, 0]])
    weights = np.array([0.4, 0.3, 0.2, 0.1])
    start = np.array([[0.5, 0, 0], [10.0, 0, 0], [900.0, 900, 900]])
    after = palettes._lloyd(points, weights, start, 1, 0.0)
    np.testing.assert_allclose(after[2], [50, 0, 0])
    assert np.isfinite(after).all()


def test_atoms_that_stay_without_colours_become_padding():
    points = np.array([[0.0, 0, 0], [10, 0, 0]])
    made = palettes._finish(points, np.array([0.25, 0.75]), np.array([[0.0, 0, 0], [99, 0, 0], [10, 0, 0]]), 4)
    np.testing.assert_array_equal(made.weights, [0.75, 0.25, 0, 0])
    np.testing.assert_array_equal(made.centroids, [[10, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 60), st.booleans(), st.booleans())
def test_nearest_is_exact_from_any_guess(seed, n, k, lattice, guessed):
    rng = np.random.default_rng(seed)
    # Points and centroids on a small lattice make ties and duplicate centroids.
    points, centroids = (
        rng.integers(0, 4, (size, 3)).astype(float) if lattice else rng.normal(0, 30, (size, 3)) for size in (n, k)
    )
    labels = rng.integers(0, k, n) if guessed else np.full(n, -1)
    squares = palettes.nearest(points, centroids, labels)
    expected = cdist(points, centroids, "sqeuclidean")
    np.testing.assert_allclose(squares, expected.min(axis=1), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(expected[np.arange(n), labels], squares, rtol=1e-10, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), st.integers(2, 40), st.sampled_from([2, 6, 256]))
def test_every_picture_gives_a_palette(seed, h, w, k, levels):
    pixels = np.random.default_rng(seed).integers(0, levels, (h, w, 3)).astype(np.uint8)
    made = make(pixels, k=k)
    assert_is_palette(made, k)
    assert made.inertia >= 0
    assert (made.weights > 0).sum() <= min(k, made.colours)


def assert_labels_are_of_the_palette(pixels: np.ndarray, made: Palette) -> None:
    found = palettes.labels(pixels, made)
    assert found.shape == pixels.shape[:2]
    assert found.dtype == np.int64
    shares = np.bincount(found.reshape(-1), minlength=len(made.weights)) / found.size
    np.testing.assert_allclose(shares, made.weights, atol=1e-12)
    lab = rgb2lab(pixels).reshape(-1, 3)
    squares = ((lab - made.centroids[found.reshape(-1)]) ** 2).sum(axis=1)
    assert squares.mean() == pytest.approx(made.inertia, rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 12), st.integers(2, 40), st.sampled_from([2, 6, 256]))
def test_shares_of_labels_are_the_weights(seed, h, w, k, levels):
    pixels = np.random.default_rng(seed).integers(0, levels, (h, w, 3)).astype(np.uint8)
    assert_labels_are_of_the_palette(pixels, make(pixels, k=k))


@pytest.mark.parametrize("k", [2, 64, 1024])
def test_shares_of_labels_are_the_weights_of_a_photograph(photograph, k):
    assert_labels_are_of_the_palette(photograph, make(photograph, k=k, sample=1500))


def test_barycentres_of_labels_are_the_centroids(photograph):
    """Where k-means has come to its end; after a few refinements they are near."""
    lab = rgb2lab(photograph).reshape(-1, 3)
    for refinements, apart in ((400, 1e-6), (6, 2.0)):
        made = make(photograph, k=16, sample=2000, refinements=refinements)
        found = palettes.labels(photograph, made).reshape(-1)
        means = np.stack([lab[found == atom].mean(axis=0) for atom in range(16)])
        assert np.abs(means - made.centroids).max() < apart


def test_labels_of_fewer_colours_than_k_and_of_another_picture():
    made = make(np.full((4, 6, 3), 255, np.uint8), k=4)
    assert not palettes.labels(np.full((4, 6, 3), 255, np.uint8), made).any()
    assert not palettes.labels(noise(1), made).any()  # black is nearer to atoms of weight 0, which are nobody's
    two = make(np.array([[[0, 0, 0], [255, 255, 255], [255, 255, 255]]], np.uint8), k=5)
    assert palettes.labels(np.array([[[9, 9, 9], [250, 240, 240]]], np.uint8), two).tolist() == [[1, 0]]
    with pytest.raises(DataError, match="a picture must be"):
        palettes.labels(np.zeros((4, 4), np.uint8), made)


def test_distinct_counts_every_pixel():
    pixels = noise(2, 40, 40) // 64
    colours, counts = palettes.distinct(pixels)
    expected, expected_counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    np.testing.assert_array_equal(colours, expected)
    np.testing.assert_array_equal(counts, expected_counts)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((4, 4), np.uint8), "(4, 4) uint8"),
        (np.zeros((4, 4, 4), np.uint8), "(4, 4, 4) uint8"),
        (np.zeros((4, 4, 3), np.float64), "(4, 4, 3) float64"),
        (np.zeros((0, 4, 3), np.uint8), "at least one pixel"),
        ([[[1, 2, 3]]], "list"),
    ],
)
def test_what_is_no_picture_gets_one_clear_line(pixels, said):
    with pytest.raises(DataError) as caught:
        make(pixels)
    assert isinstance(caught.value, PaletteOTError)
    assert "a picture must" in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
