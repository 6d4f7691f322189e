"""The contract, held against every source that is registered."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from paletteot.config.images import ImagesParams
from paletteot.errors import DataError, ParamsError
from paletteot.images import addresses, archive, groups, manifest, sources
from paletteot.images.render import render
from paletteot.images.source import Source
from tests.images import misbehaving, packaged
from tests.images.test_archive import photo, table, zipped

PHOTOGRAPHS = 12
Settings = Callable[[str], ImagesParams]

pytestmark = pytest.mark.filterwarnings("ignore:.*taken as it is")


def photographs(folder: Path, count: int = PHOTOGRAPHS, groups: int = 3) -> Path:
    """Make small photographs in sub-folders."""
    for number in range(count):
        (folder / f"set {number % groups}").mkdir(parents=True, exist_ok=True)
        file = folder / f"set {number % groups}" / f"Bild {number}.jpg"
        file.write_bytes(misbehaving.photograph(f"/photo-{number}"))
    return folder


def as_dataset(folder: Path, pictures: Path) -> Path:
    """Write the pictures of a folder as a Hugging Face data set in Parquet, with a column of their sub-folders."""
    files = sorted(pictures.rglob("*.jpg"))
    columns = {"photo": [str(file) for file in files], "album": [file.parent.name for file in files]}
    made = datasets.Dataset.from_dict(columns).cast_column("photo", datasets.Image())
    folder.mkdir()
    made.to_parquet(str(folder / "train.parquet"))
    return folder


def as_archive(file: Path, url: str, count: int = PHOTOGRAPHS) -> Path:
    """Write an archive of Unsplash Lite that lists photographs of a server."""
    return zipped(file, {"photos.tsv000": table([photo(number, url) for number in range(count)])})


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Iterator[Settings]:
    """How to ask for each source, with something to find there."""
    root = tmp_path_factory.mktemp("sources")
    pictures = photographs(root / "folder")
    with misbehaving.serving() as server:
        given = {
            "bundled": {}, "packages": {}, "folder": {"location": str(pictures)},
            "huggingface": {"location": str(as_dataset(root / "hf", pictures)), "group_by": "album"},
            "unsplash": {"location": str(as_archive(root / "lite.zip", server.url))},
        }  # fmt: skip
        base = {"count": 9, "long_side": 61, "jpeg_quality": 90, "grading": 1, "seed": 3}
        yield lambda name: ImagesParams.model_validate({"source": name, **base, **given[name]})


@pytest.fixture(params=sorted(sources.SOURCES))
def name(request, tmp_path, monkeypatch) -> str:
    if request.param == "packages":
        packaged.World(tmp_path / "machine").put(monkeypatch)
    return str(request.param)


@pytest.fixture
def source(name, settings, tmp_path, monkeypatch) -> Source:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(addresses.ALLOW, "1")
    return sources.create(settings(name), tmp_path / "cache")


def test_the_same_seed_gives_the_same_pictures_in_the_same_order(source, settings, name, tmp_path):
    first = source.pictures(7, grading=1, seed=3)
    again = sources.create(settings(name), tmp_path / "another").pictures(7, grading=1, seed=3)
    assert again[:7] == first[:7]
    assert len(first) >= 7
    other = sources.create(settings(name), tmp_path / "third").pictures(7, grading=1, seed=4)
    assert other[:7] != first[:7]


def test_pictures_have_names_of_their_own_that_make_file_names(source):
    names = [picture.image_id for picture in source.pictures(9, grading=1, seed=0)]
    assert len(set(names)) == len(names)
    assert all(one.replace("-", "").replace("_", "").isalnum() and one.isascii() for one in names)


def test_every_picture_says_where_it_came_from_and_what_may_be_done_with_it(source):
    for picture in source.pictures(9, grading=1, seed=0):
        for field in ("group", "source", "licence", "attribution", "place"):
            assert getattr(picture, field).strip(), (picture.image_id, field)


@pytest.mark.parametrize("long_side", [16, 61])
def test_photographs_open_as_srgb_bytes_and_are_rendered_with_the_long_side_asked_for(source, long_side):
    chosen = source.pictures(9, grading=1, seed=5)[:9]
    assert not source.fetch(chosen)
    for picture in chosen:
        original = source.open(picture)
        assert original.pixels.dtype == np.uint8
        assert len(original.sha256) == 64
        pixels, (left, top, right, bottom) = render(original.pixels, picture, long_side)
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert max(pixels.shape[:2]) == long_side
        shape = np.array([bottom - top, right - left]) * long_side / max(bottom - top, right - left)
        assert np.abs(pixels.shape[:2] - np.maximum(shape, 1)).max() <= 0.5


def test_a_worker_process_opens_the_same_photographs(source):
    chosen = source.pictures(9, grading=1, seed=6)[:9]
    source.fetch(chosen)
    copied = pickle.loads(pickle.dumps(source))
    for picture in chosen:
        np.testing.assert_array_equal(copied.open(picture).pixels, source.open(picture).pixels)


def test_three_sources_of_the_same_photographs_show_the_same(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(addresses.ALLOW, "1")
    shown = {}
    for name in ("folder", "huggingface", "unsplash"):
        source = sources.create(settings(name), tmp_path / name)
        order = source.pictures(PHOTOGRAPHS, grading=0, seed=1)
        source.fetch(order)
        shown[name] = {(original.sha256, original.pixels.tobytes()) for original in map(source.open, order)}
    assert shown["folder"] == shown["huggingface"]
    assert len(shown["folder"]) == len(shown["unsplash"]) == PHOTOGRAPHS


@pytest.mark.parametrize("error", [OSError(), PermissionError(), OSError(5, "Input/output error")])
def test_what_cannot_be_read_says_why_whatever_the_system_says(settings, tmp_path, monkeypatch, error):
    """In every place that reads a file: an error without a text is named by its class."""

    def failing(_file: Path) -> bytes:
        raise error

    said = []
    opened = {name: sources.create(settings(name), tmp_path / name) for name in ("folder", "huggingface", "unsplash")}
    chosen = {name: source.pictures(9, grading=1, seed=5)[0] for name, source in opened.items()}
    (tmp_path / "photos.csv000").touch()
    monkeypatch.setattr(Path, "read_bytes", failing)
    for act in (
        *(partial(source.open, chosen[name]) for name, source in opened.items()),
        partial(groups.read, tmp_path / "groups.csv"),
        partial(archive.read, tmp_path),
        partial(manifest.load_pixels, tmp_path, {"image_id": "a"}),
    ):
        with pytest.raises(DataError) as caught:
            act()
        said.append(str(caught.value))
    assert all(line.endswith(f": {error.strerror or type(error).__name__}") for line in said), said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"source": "web"},
            "must be one of packages, bundled, unsplash, folder, huggingface, but is 'web'",
        ),
        ({"source": "folder"}, "images.location must be given for the source folder"),
        ({"source": "bundled", "location": "x"}, "images.location has no meaning for the source bundled"),
        ({"source": "unsplash", "location": "x", "split": "y"}, "images.split has no meaning for the source unsplash"),
    ],
)
def test_parameters_that_a_source_cannot_use_are_refused(given, words, tmp_path):
    base = {"count": 9, "long_side": 61, "jpeg_quality": 90, "grading": 1, "seed": 3}
    with pytest.raises(ParamsError, match=words):
        sources.create(ImagesParams.model_validate(base | given), tmp_path)


def test_the_seeds_own_photographs_are_a_folder(seed_dir, tmp_path):
    """The ten sample pictures of the project that this one grew from."""
    for path, content in misbehaving.seeds(seed_dir).items():
        (tmp_path / Path(path).name).write_bytes(content)
    given = {"source": "folder", "location": str(tmp_path), "count": 10, "long_side": 64, "jpeg_quality": 90}
    source = sources.create(ImagesParams.model_validate({**given, "grading": 0, "seed": 1}), tmp_path)
    order = source.pictures(10, grading=0, seed=1)
    assert len(order) == 10
    for picture in order:
        with Image.open(tmp_path / picture.place) as image:
            assert source.open(picture).pixels.shape == (image.height, image.width, 3)
