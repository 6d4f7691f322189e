"""An archive of Unsplash Lite whose photographs a misbehaving server hands out."""

from __future__ import annotations

import hashlib
import json
import pickle
import random
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paletteot.config.images import ImagesParams
from paletteot.dataset.licences import UNSPLASH
from paletteot.errors import DataError
from paletteot.files import sha256
from paletteot.images import addresses, archive, grading, sources
from paletteot.images.download import JOURNAL, POLITE
from paletteot.images.unsplash import Unsplash, resized
from tests.images import misbehaving
from tests.images.misbehaving import Server, photograph
from tests.images.test_archive import photo, table, zipped

FAST = replace(POLITE, rate=2000, size=1 << 16, tries=3, backoff=0.01, wait=0.2)
COUNT = 540

NO_PICTURE = "whatever decode says"
FAULTS = [
    ("status 404 Told To", misbehaving.status(404)),
    ("status 410 Told To", misbehaving.status(410)),
    (NO_PICTURE, misbehaving.of(share=0.6)),
    (NO_PICTURE, misbehaving.of(b"<svg/>", "image/svg+xml")),
    ("status 403 Told To", misbehaving.status(403)),
    ("status 500 Told To, 3 times", misbehaving.status(500)),
    ("status 429 Told To, 3 times", misbehaving.status(429, Retry_After=0)),
    ("RemoteProtocolError: Server disconnected", misbehaving.hang_up),
    ("RemoteProtocolError: peer closed connection", misbehaving.cut(0.7)),
    ("content type text/html, not image/*", misbehaving.of(b"<html>", "text/html")),
    ("larger than 65536 bytes", misbehaving.of(bytes(1 << 17))),
    ("more than 5 redirects", misbehaving.redirect("loop")),
]
"""What photos are lost to, and how the reason begins; the first four are remembered."""
PASSING = [
    [misbehaving.status(500), misbehaving.status(502), misbehaving.fine],
    [misbehaving.status(429, Retry_After=0), misbehaving.fine],
    [misbehaving.hang_up, misbehaving.cut(0.2), misbehaving.fine],
    [misbehaving.trickle(0.01, 200)],
    [misbehaving.redirect("/elsewhere")],
]
"""What photos are not lost to."""

pytestmark = pytest.mark.filterwarnings("ignore:.*taken as it is")


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv(addresses.ALLOW, "1")
    with misbehaving.serving() as server:
        yield server


def source(tmp_path: Path, rows: list[dict[str, str | None]], **given: object) -> Unsplash:
    file = zipped(tmp_path / "lite.zip", {"photos.tsv000": table(rows)})
    return Unsplash(str(file), tmp_path / "cache", manners=FAST, **{"allow_fewer": True, **given})


def test_whatever_can_be_had_of_an_archive_is_had_and_the_rest_says_why(server, tmp_path):
    rows = [photo(number, f"{server.url}/a") for number in range(COUNT)]
    faults = FAULTS * 9  # with those that pass, a third of all
    server.plan = {f"/a/photo-{number}": [answer] for number, (_, answer) in enumerate(faults)}
    for number in range(len(faults), len(faults) + 80):
        server.plan[f"/a/photo-{number}"] = PASSING[number % len(PASSING)]
    server.plan["/a/loop"] = [misbehaving.redirect("loop")]
    unsplash = source(tmp_path, rows)
    pictures = unsplash.pictures(COUNT, grading=1, seed=0)
    lost = unsplash.fetch(pictures)
    expected = {f"unsplash-{photo(number)['photo_id']}": reason for number, (reason, _) in enumerate(faults)}
    assert lost.keys() == expected.keys()
    assert all(lost[name].startswith(reason) or reason == NO_PICTURE for name, reason in expected.items())
    assert not any("\n" in reason or server.url in reason for reason in lost.values())
    for picture in pictures:
        if picture.image_id in lost:
            with pytest.raises(DataError, match="the photograph cannot be read: No such file"):
                unsplash.open(picture)
        else:
            original = unsplash.open(picture)
            assert original.pixels.shape == (48, 64, 3)
            assert original.sha256 == sha256(tmp_path / "cache" / "w512" / picture.image_id)

    before = server.asked()
    assert unsplash.fetch(pictures) == lost
    again = set(server.asked() - before) - {"/a/loop"}
    assert again == {f"/a/photo-{number}" for number in range(len(faults)) if number % len(FAULTS) >= 4}


def test_what_is_no_picture_is_neither_kept_nor_fetched_again(server, tmp_path):
    server.plan = {"/photo-0": [misbehaving.of(share=0.5)], "/photo-1": [misbehaving.of(b"GIF89a", "image/gif")]}
    unsplash = source(tmp_path, [photo(number, server.url) for number in range(3)])
    pictures = sorted(unsplash.pictures(3, grading=1, seed=0), key=lambda picture: picture.image_id)
    for _ in range(2):
        lost = unsplash.fetch(pictures)
        assert list(lost) == [picture.image_id for picture in pictures[:2]]
    assert sorted(file.name for file in (tmp_path / "cache" / "w512").iterdir()) == [JOURNAL, pictures[2].image_id]
    assert set(server.asked().values()) == {1}
    lines = [json.loads(line) for line in (tmp_path / "cache" / "w512" / JOURNAL).read_text().splitlines()]
    assert {line["name"]: line["reason"] for line in lines} == lost


def test_a_photo_comes_as_its_row_says(server, tmp_path):
    server.files = {"/photo-4": photograph("four")}
    row = photo(
        4, server.url, photographer_username="ann", photographer_first_name=" Ann \n", photographer_last_name="N"
    )
    unsplash = source(tmp_path, [row])
    [picture] = unsplash.pictures(1, grading=0, seed=3)
    assert picture.image_id == "unsplash-aB-_0000004"
    assert picture.group == "ann"
    assert picture.source == "Unsplash Lite (unknown version)"
    assert picture.licence == UNSPLASH
    assert picture.attribution == "Ann N (ann) on Unsplash; https://unsplash.com/photos/aB-_0000004"
    assert picture.place == f"{server.url}/photo-4?w=512"
    assert (picture.crop, picture.grading) == (None, grading.IDENTITY)
    assert unsplash.fetch([picture]) == {}
    assert [target for _, target in server.log] == ["/photo-4?w=512"]
    original = pickle.loads(pickle.dumps(unsplash)).open(picture)
    assert original.sha256 == hashlib.sha256(photograph("four")).hexdigest()
    with Image.open(BytesIO(photograph("four"))) as image:
        np.testing.assert_array_equal(original.pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"photographer_first_name": None}, "Ng (user1) on Unsplash; https://unsplash.com/photos/aB-_0000001"),
        (
            {"photographer_first_name": "", "photographer_last_name": None, "photo_url": None},
            "user1 on Unsplash; https://unsplash.com/photos/aB-_0000001",
        ),
    ],
)
def test_an_attribution_does_with_what_there_is(tmp_path, given, words):
    [picture] = source(tmp_path, [photo(1, **given)]).pictures(1, grading=1, seed=0)
    assert picture.attribution == words


def test_the_order_belongs_to_seed_and_photos_not_to_rows(tmp_path):
    rows = [photo(number) for number in range(200)]
    first = source(tmp_path, rows).pictures(50, grading=1, seed=1)
    assert len(first) == 200
    assert source(tmp_path, random.Random(0).sample(rows, 200)).pictures(7, grading=1, seed=1) == first
    other = source(tmp_path, rows).pictures(50, grading=1, seed=2)
    assert [picture.image_id for picture in other] != [picture.image_id for picture in first]
    assert sorted(picture.image_id for picture in other) == sorted(picture.image_id for picture in first)
    half = source(tmp_path, rows[::2]).pictures(50, grading=1, seed=1)
    kept = {picture.image_id for picture in half}
    assert half == [picture for picture in first if picture.image_id in kept]  # a photo that goes moves no other


def test_gradings_differ_between_photos_and_seeds(tmp_path):
    rows = [photo(number) for number in range(50)]
    drawn = [
        json.dumps(picture.grading)
        for seed in (0, 1)
        for picture in source(tmp_path, rows).pictures(50, grading=1, seed=seed)
    ]
    assert len(set(drawn)) == 100


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://h/p", "https://h/p?w=512"),
        ("https://h", "https://h?w=512"),
        ("https://h/p?", "https://h/p?w=512"),
        ("https://h/p?w=100", "https://h/p?w=512"),
        ("https://h/p?w=1&fm=jpg&w=2#top", "https://h/p?fm=jpg&w=512"),
        ("https://h/p?ixid=a%2Fb+c&&crop=entropy,w", "https://h/p?ixid=a%2Fb+c&crop=entropy,w&w=512"),
        ("http://h:8000/a%20b?wide=1&w", "http://h:8000/a%20b?wide=1&w=512"),
    ],
)
def test_the_width_joins_what_a_url_asks_for(url, asked):
    assert resized(url, 512) == asked


def test_urls_with_queries_and_another_width_are_asked_for_so(server, tmp_path):
    row = photo(1, photo_image_url=f"{server.url}/reserve/x?ixid=a%2Fb&w=4000&q=85")
    for width in (100, 200, 200):
        unsplash = source(tmp_path, [row], width=width)
        assert unsplash.fetch(unsplash.pictures(1, grading=1, seed=0)) == {}
    assert [target for _, target in server.log] == [f"/reserve/x?ixid=a%2Fb&q=85&w={width}" for width in (100, 200)]


def test_a_known_archive_says_so_and_what_it_lacks(tmp_path, monkeypatch):
    unsplash = source(tmp_path, [photo(0), photo(1, photo_image_url=None)])
    monkeypatch.setitem(archive.VERSIONS, sha256(tmp_path / "lite.zip"), "1.9.3")
    assert [picture.source for picture in unsplash.pictures(1, grading=1, seed=0)] == ["Unsplash Lite 1.9.3"]
    assert unsplash.skipped == {f"{tmp_path / 'lite.zip'}, photo 'aB-_0000001'": "photo_image_url is missing"}


def test_what_spoilt_in_the_cache_is_one_line(server, tmp_path):
    unsplash = source(tmp_path, [photo(0, server.url)])
    [picture] = unsplash.pictures(1, grading=1, seed=0)
    unsplash.fetch([picture])
    file = tmp_path / "cache" / "w512" / picture.image_id
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"^{file}: [^\n]*$"):
        unsplash.open(picture)


def test_the_parameters_name_it(tmp_path):
    zipped(tmp_path / "lite.zip", {"photos.tsv000": table([photo(0)])})
    given = {"source": "unsplash", "count": 6, "long_side": 61, "jpeg_quality": 90, "grading": 1, "seed": 3}
    wanted = ImagesParams.model_validate(given | {"location": str(tmp_path / "lite.zip")})
    made = sources.create(wanted, tmp_path)
    assert [picture.place for picture in made.pictures(6, grading=1, seed=3)] == [
        "https://images.unsplash.com/photo-0?w=512"
    ]
