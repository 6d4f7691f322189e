from __future__ import annotations

import csv
import gzip
import io
import random
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paletteot.errors import DataError
from paletteot.files import sha256
from paletteot.images import archive

HEADER = [
    "photo_id", "photo_url", "photo_image_url", "photo_submitted_at", "photo_featured", "photo_width",
    "photo_height", "photo_aspect_ratio", "photo_description", "photographer_username", "photographer_first_name",
    "photographer_last_name", "exif_camera_make", "exif_camera_model", "exif_iso", "exif_aperture_value",
    "exif_focal_length", "exif_exposure_time", "photo_location_name", "photo_location_latitude",
    "photo_location_longitude", "photo_location_country", "photo_location_city", "stats_views", "stats_downloads",
    "ai_description", "ai_primary_landmark_name", "ai_primary_landmark_latitude", "ai_primary_landmark_longitude",
    "ai_primary_landmark_confidence", "blur_hash",
]  # fmt: skip
"""As of Unsplash Lite 1.2.0 and later."""

pytestmark = pytest.mark.filterwarnings("ignore:.*taken as it is")


def photo(number: int, url: str = "https://images.unsplash.com", **given: str | None) -> dict[str, str | None]:
    name = f"aB-_{number:07d}"
    row = {
        "photo_id": name, "photo_url": f"https://unsplash.com/photos/{name}",
        "photo_image_url": f"{url}/photo-{number}",
        "photo_description": "plain", "photographer_username": f"user{number % 7}",
        "photographer_first_name": "Ann", "photographer_last_name": "Ng", "stats_views": "12", "blur_hash": "L47",
    }  # fmt: skip
    return row | given


def table(rows: Sequence[Mapping[str, str | None]], header: Sequence[str] = HEADER, end: str = "\n") -> bytes:
    """Return rows as Unsplash writes them: CSV by its rules, but for the tabs."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header, delimiter="\t", lineterminator=end, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def zipped(file: Path, members: Mapping[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(file, "w", how) as written:
        for name, content in members.items():
            written.writestr(name, content)
    return file


@pytest.fixture
def unpacked(tmp_path) -> Path:
    """A zip of three photos, and what else lies in it."""
    members = {
        "README.md": b"read",
        "photos.tsv000": table([photo(i) for i in range(3)]),
        "keywords.tsv000": b'broken"',
    }
    return zipped(tmp_path / "lite.zip", members)


def refused(location: Path) -> str:
    """Return the one line, without the location, that an archive is refused with."""
    with pytest.raises(DataError) as caught:
        archive.read(location)
    message = str(caught.value)
    assert message.startswith(f"{location}")
    assert "\n" not in message
    return message.removeprefix(str(location))


def ids(location: Path) -> list[str]:
    return archive.read(location).photos["photo_id"].to_list()


THREE = [photo(i)["photo_id"] for i in range(3)]


@pytest.mark.parametrize("kind", ["tsv", "csv"])
@pytest.mark.parametrize("folder", ["", "unsplash-lite/"])
def test_zip_and_folder_hold_the_same_photos(tmp_path, kind, folder):
    content = table([photo(i) for i in range(3)])
    file = zipped(tmp_path / "lite.zip", {f"{folder}photos.{kind}000": content, "__MACOSX/._photos.tsv000": b"\0"})
    (tmp_path / "lite" / folder).mkdir(parents=True)
    (tmp_path / "lite" / folder / f"photos.{kind}000").write_bytes(content)
    one, two = archive.read(file), archive.read(tmp_path / "lite")
    assert one == archive.Archive(two.source, one.photos, {})
    assert one.photos.equals(two.photos)
    assert one.photos["photo_id"].to_list() == THREE
    assert one.photos.columns == list(archive.COLUMNS)


def test_parts_are_read_one_after_the_other(tmp_path):
    parts = {f"photos.csv00{i}": table([photo(i)]) for i in (2, 0, 1)}
    assert ids(zipped(tmp_path / "lite.zip", parts)) == THREE


def test_columns_are_found_by_name(tmp_path):
    header = ["new_in_2_0", *reversed(HEADER)]
    assert ids(zipped(tmp_path / "lite.zip", {"photos.tsv000": table([photo(1)], header)})) == THREE[1:2]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quotes_tabs_and_newlines_in_descriptions_shift_nothing(tmp_path, end):
    rng = random.Random(0)
    bits = ['"', '""', '5" disk', "\n", "\t", "plain", "é 雪", "\n\n", "'", ","]
    rows = [photo(i, photo_description="".join(rng.choices(bits, k=i % 9))) for i in range(5000)]
    found = archive.read(
        zipped(tmp_path / "lite.zip", {"photos.tsv000": b"\xef\xbb\xbf" * (end != "\n") + table(rows, end=end)})
    )
    assert found.photos.rows(named=True) == [{name: row[name] for name in archive.COLUMNS} for row in rows]
    assert found.skipped == {}


@given(
    stray=st.dictionaries(
        st.integers(0, 29),
        st.text('"a ,é', min_size=1, max_size=8),
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    column=st.sampled_from(["photo_description", "ai_description", "blur_hash"]),
)
def test_stray_quotation_marks_spoil_no_row(tmp_path_factory, stray, end, column):
    rows = [photo(i) for i in range(30)]
    quoted = table([photo(30, photo_description='two\nlines,\t"so to say"')], end=end).decode().split(end, 1)[1]
    lines = [*("\t".join((row | {column: stray.get(i, "plain")}).get(name) or "" for name in HEADER)
               for i, row in enumerate(rows))]  # fmt: skip
    folder = tmp_path_factory.mktemp("lite")
    (folder / "photos.csv000").write_bytes(end.join(["\t".join(HEADER), *lines, quoted]).encode())
    found = archive.read(folder)
    assert found.photos["photo_id"].to_list() == [photo(i)["photo_id"] for i in range(31)]
    assert found.skipped == {}


def test_a_row_without_all_fields_is_named_and_the_others_are_read(tmp_path):
    content = (
        table([photo(0)]) + b"cut\tshort\n\n" + b"\t".join([b"x"] * 40) + b"\n" + table([photo(1)]).split(b"\n")[1]
    )
    (tmp_path / "photos.csv000").write_bytes(content)
    found = archive.read(tmp_path)
    assert found.photos["photo_id"].to_list() == THREE[:2]
    assert found.skipped == {
        f"{tmp_path}, photos.csv000, line 3": "2 fields, where 31 are wanted",
        f"{tmp_path}, photos.csv000, line 5": "40 fields, where 31 are wanted",
    }


@pytest.mark.parametrize("name", ["[v1]", "a?c", "all*"])
def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path, name):
    for folder in (name, "v", "abc", "allthat"):
        (tmp_path / folder / "sub[0]").mkdir(parents=True)
        number = 0 if folder == name else 1
        (tmp_path / folder / "sub[0]" / "photos.csv000").write_bytes(table([photo(number)]))
        zipped(tmp_path / f"{folder}.zip", {"photos.csv000": table([photo(number)])})
    assert ids(tmp_path / name) == ids(tmp_path / f"{name}.zip") == THREE[:1]


def test_the_order_of_rows_does_not_matter(tmp_path):
    rows = [photo(i) for i in range(50)] + [
        photo(7, "http://other"),
        photo(8, "ftp://x"),
        photo(9, photo_image_url=None),
    ]
    found = [
        archive.read(
            zipped(tmp_path / "lite.zip", {"photos.tsv000": table(random.Random(seed).sample(rows, len(rows)))})
        )
        for seed in range(3)
    ]
    assert found[0].photos.equals(found[1].photos)
    assert found[0].photos.equals(found[2].photos)
    assert found[0].skipped == found[1].skipped == found[2].skipped
    assert list(found[0].skipped.values())


def test_a_known_zip_says_its_version_and_an_unknown_one_warns(unpacked, monkeypatch):
    with pytest.warns(UserWarning, match=f"{unpacked}: taken as it is, for it is not .* 1.4.0"):
        assert archive.read(unpacked).source == "Unsplash Lite (unknown version)"
    monkeypatch.setitem(archive.VERSIONS, sha256(unpacked), "1.9.3")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert archive.read(unpacked).source == "Unsplash Lite 1.9.3"


def test_a_folder_has_no_known_version(tmp_path):
    (tmp_path / "photos.tsv000").write_bytes(table([photo(1)]))
    with pytest.warns(UserWarning, match="taken as it is"):
        assert archive.read(tmp_path).source == "Unsplash Lite (unknown version)"


def test_the_published_hashes_are_hashes():
    assert {"1.3.0", "1.4.0"} <= set(archive.VERSIONS.values())
    assert all(len(bytes.fromhex(one)) == 32 for one in archive.VERSIONS)


def test_photos_that_cannot_be_asked_for_are_named(tmp_path):
    rows = [
        photo(0), photo(1, photo_image_url=None), photo(2, "ftp://host"), photo(3, photo_image_url="https:///none"),
        photo(4, photographer_username=" "), photo(5, photo_id="../up"), photo(6, photo_id=""), photo(7), photo(7),
        photo(8, photo_image_url="http://a b/c"), photo(9, photo_image_url="http://a/b\nc"), photo(8, photo_id="é"),
    ]  # fmt: skip
    file = zipped(tmp_path / "lite.zip", {"photos.tsv000": table(rows)})
    found = archive.read(file)
    assert found.photos["photo_id"].to_list() == [photo(0)["photo_id"], photo(7)["photo_id"]]
    told = {place.removeprefix(f"{file}, "): reason for place, reason in found.skipped.items()}
    no_url, bad_id = "photo_image_url is no http or https URL", "photo_id may hold letters, digits, - and _ only"
    assert told == {
        "photos": "1 rows have no photo_id", "photo '../up'": bad_id, "photo 'é'": bad_id,
        "photo 'aB-_0000001'": "photo_image_url is missing",
        "photo 'aB-_0000004'": "photographer_username is missing",
        "photo 'aB-_0000007'": "2 rows have this photo_id; one of them is taken",
        **{f"photo 'aB-_000000{i}'": no_url for i in (2, 3, 8, 9)},
    }  # fmt: skip


def test_of_two_rows_the_one_that_can_be_asked_for_is_taken(tmp_path):
    rows = [photo(1, photo_image_url=None), photo(1)]
    assert ids(zipped(tmp_path / "lite.zip", {"photos.tsv000": table(rows)})) == THREE[1:2]


def test_a_missing_archive_is_one_line(tmp_path):
    assert refused(tmp_path / "lite.zip").startswith(": no such file")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 and then nothing", b"\x1f\x8b\x08" + bytes(100)])
def test_what_is_no_zip_is_one_line(tmp_path, content):
    (tmp_path / "lite.zip").write_bytes(content)
    assert refused(tmp_path / "lite.zip").startswith(": cannot be read: File is not a zip file")


def test_a_zip_that_was_cut_or_altered_anywhere_is_one_line_or_whole(unpacked):
    whole = unpacked.read_bytes()
    rng = random.Random(1)
    for turn in range(300):
        broken = bytearray(whole[: rng.randrange(len(whole))] if turn % 3 == 0 else whole)
        for _ in range(turn % 3):
            broken[rng.randrange(len(broken))] ^= 1 << rng.randrange(8)
        unpacked.write_bytes(broken)
        message = "whole"
        try:
            assert ids(unpacked) == THREE
        except DataError as error:
            message = str(error).removeprefix(f"{unpacked}")
        assert message == "whole" or message[0] in ":,"
        assert "\n" not in message


@pytest.mark.parametrize("name", ["../up.txt", "a/../../up", "/etc/passwd", "C:\\x", "c:x", "..\\up", "\\\\host\\x"])
def test_a_member_that_lies_outside_is_refused(tmp_path, name):
    file = zipped(tmp_path / "lite.zip", {"photos.tsv000": table([photo(0)]), name: b""})
    assert refused(file) == f": the member {name!r} lies outside of the archive's folder"


def test_an_encrypted_member_is_refused(unpacked):
    content = unpacked.read_bytes()
    start = content.index(b"PK\x01\x02")
    unpacked.write_bytes(content[: start + 8] + b"\x01" + content[start + 9 :])
    assert refused(unpacked) == ": the member 'README.md' is encrypted"


@pytest.mark.parametrize("flag", [b"\x00\x00", b"\x00\x08"])
def test_a_name_that_is_not_utf_8_is_refused(unpacked, flag):
    content = bytearray(unpacked.read_bytes())
    start = content.index(b"PK\x01\x02")
    content[start + 8 : start + 10] = flag  # bit 11: the name is in UTF-8
    content[start + 46] = 0xFF
    unpacked.write_bytes(content)
    assert refused(unpacked) == ": the name of a member is not valid UTF-8"


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    file = zipped(tmp_path / "lite.zip", {"photos.tsv000": bytes(1 << 22)})
    monkeypatch.setattr(archive, "LARGEST", 1 << 20)
    assert file.stat().st_size < 1 << 14
    assert refused(file) == ": photos.tsv000 unpacks to more than the 1048576 bytes that a table may have"


def test_parts_share_the_room(tmp_path, monkeypatch):
    part = table([photo(i) for i in range(20)])
    file = zipped(tmp_path / "lite.zip", {"photos.tsv000": part, "photos.tsv001": part})
    monkeypatch.setattr(archive, "LARGEST", 2 * len(part) - 1)
    assert "photos.tsv001 unpacks to more" in refused(file)


def test_a_bomb_that_declares_a_small_size_is_refused(tmp_path):
    content = zipped(tmp_path / "lite.zip", {"photos.tsv000": bytes(1 << 22)}).read_bytes()
    small = content.replace((1 << 22).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert small != content
    (tmp_path / "lite.zip").write_bytes(small)
    assert "cannot be read: Bad CRC-32" in refused(tmp_path / "lite.zip")


def test_a_compression_that_python_does_not_know_is_one_line(unpacked):
    content = unpacked.read_bytes()
    method = (9).to_bytes(2, "little")  # Deflate64
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = content.index(mark, content.index(mark) + 1)
        content = content[: start + at] + method + content[start + at + 2 :]
    unpacked.write_bytes(content)
    assert refused(unpacked).startswith(": cannot be read: ")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"keywords.tsv000": b""}, "there is no photos.tsv000 or photos.csv000, neither here nor one folder down"),
        ({"a/b/photos.tsv000": b""}, "there is no photos.tsv000"),
        ({"photos.tsv000": b"", "photos.csv000": b""}, "more than one table of photos: photos.csv000, photos.tsv000"),
        ({"a/photos.tsv000": b"", "b/photos.tsv000": b""}, "more than one table"),
        ({"photos.tsv000": b"", "photos.tsv002": b""}, "photos.tsv001 is missing, but photos.tsv002 is there"),
        ({"photos.tsv001": b""}, "photos.tsv000 is missing, but photos.tsv001 is there"),
    ],
)
def test_a_table_that_is_not_there_once_is_one_line(tmp_path, members, words):
    assert words in refused(zipped(tmp_path / "lite.zip", members))
    for name, content in members.items():
        (tmp_path / "lite" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lite" / name).write_bytes(content)
    assert words in refused(tmp_path / "lite")


def test_a_member_that_is_there_twice_is_refused(tmp_path):
    zipped(tmp_path / "lite.zip", {"photos.tsv000": b"one"})
    with zipfile.ZipFile(tmp_path / "lite.zip", "a") as written, pytest.warns(UserWarning, match="Duplicate name"):
        written.writestr("photos.tsv000", b"two")
    assert refused(tmp_path / "lite.zip") == ": photos.tsv000 is there twice"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no table of tab-separated values"),
        (
            table([photo(0, photo_description="caf\xe9")]).decode().encode("latin-1"),
            "in UTF-8: 'utf-8' codec can't decode",
        ),
        (table([]) + b"\t".join([b"x"] * 40) + b"\n", "no row has the 31 fields that the first line names"),
        (table([photo(0)], ["photo_id", "photo_url"]), "columns are missing: photo_image_url, photographer_username"),
        (table([photo(0)]).replace(b"\t", b","), "does not begin with the names of its columns"),
        (gzip.compress(table([photo(0)])), "does not begin with"),  # polars would unpack it, however large it is
        (zlib.compress(table([photo(0)]), 0), "does not begin with"),
    ],
)
def test_a_table_that_cannot_be_read_names_the_part(tmp_path, content, words):
    file = zipped(tmp_path / "lite.zip", {"x/photos.tsv000": table([photo(1)]), "x/photos.tsv001": content})
    message = refused(file)
    assert message.startswith(", x/photos.tsv001: ")
    assert words in message
