"""The palette of any picture, by the front door."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

import paletteot
from paletteot import palettes
from paletteot.errors import DataError, ParamsError
from paletteot.transfer.photo import Photo


def test_a_picture_of_512_pixels_has_the_palette_of_the_pipeline():
    pixels = astronaut()
    found = paletteot.palette(pixels, 16)
    expected = palettes.palette(pixels, k=16, sample=8000, refinements=6, seed=2)
    assert np.array_equal(found.centroids, expected.centroids)
    assert np.array_equal(found.weights, expected.weights)


def test_a_path_an_image_and_an_array_have_the_same_palette(tmp_path):
    image = Image.fromarray(astronaut()[::2, ::3])
    image.save(tmp_path / "a.png")
    first, *others = (paletteot.palette(one, 8) for one in (tmp_path / "a.png", image, np.asarray(image)))
    assert all(np.array_equal(first.centroids, other.centroids) for other in others)


def test_labels_are_of_every_pixel_at_the_pictures_own_size():
    pixels = np.repeat(np.repeat(astronaut(), 2, axis=0), 2, axis=1)
    made, labels = paletteot.palette(pixels, 8, labels=True)
    assert labels.shape == pixels.shape[:2]
    assert np.bincount(labels.reshape(-1), minlength=8) / labels.size == pytest.approx(made.weights, abs=0.01)
    whole, labels = paletteot.palette(pixels, 8, long_side=1024, labels=True)
    assert np.bincount(labels.reshape(-1), minlength=8) / labels.size == pytest.approx(whole.weights, abs=1e-12)
    deep, same = paletteot.palette(pixels.astype(np.uint16) * 257, 8, long_side=1024, labels=True)
    assert np.array_equal(deep.centroids, whole.centroids)
    assert np.array_equal(labels, same)


def test_what_is_masked_out_or_transparent_has_no_say():
    pixels = np.full((30, 40, 3), 255, np.uint8)
    pixels[:, :10] = 200, 30, 40
    left = np.zeros((30, 40), bool)
    left[:, :10] = True
    seen = np.dstack([pixels, np.where(left, 255, 0).astype(np.uint8)])
    for found in (paletteot.palette(pixels, 4, mask=left), paletteot.palette(Photo.of(seen), 4)):
        assert found.weights.tolist() == [1, 0, 0, 0]
        assert found.colours == 1
    assert (paletteot.palette(pixels, 4).weights > 0).sum() == 2


@pytest.mark.parametrize("k", [1, 1025])
def test_k_is_refused_with_one_line(k):
    with pytest.raises(ParamsError, match=f"^k must be 2 to 1024, but is {k}$"):
        paletteot.palette(astronaut(), k)


def test_a_mask_of_another_size_is_refused_with_one_line():
    with pytest.raises(DataError, match="mask: a mask must be as large as its picture, 512 x 512, but is 5 x 4"):
        paletteot.palette(astronaut(), mask=np.ones((4, 5), bool))
