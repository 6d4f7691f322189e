"""The archive of Unsplash Lite: its table of photos, read from the zip or from the folder it was unpacked to."""

from __future__ import annotations

import lzma
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from paletteot.errors import DataError
from paletteot.files import sha256
from paletteot.images import tabbed
from paletteot.images.reasons import reason

VERSIONS = {
    "c3c09225c4aee1c62cee1e7032db879d10b84407ed2953c2abf77dc6ca4c4ade": "1.3.0",
    "7af3e90a4983fc87d0ee8c0f8c645349c6011d63efec489cfe734a74ed64d69c": "1.4.0",
    "aa0fcb859040ed64e93817d1d878d0c6f861763283261ba1a6aa5d8d4af6aec6": "1.4.1",
}
"""Published SHA-256 of the zip, and the version it is (changelog and releases of github.com/unsplash/datasets)."""

COLUMNS = (
    "photo_id", "photo_url", "photo_image_url",
    "photographer_username", "photographer_first_name", "photographer_last_name",
)  # fmt: skip
NAMES = re.compile(rb'(\xef\xbb\xbf)?"?\w+"?\t')
"""What a table begins with, and nothing that polars would unpack does."""
PART = re.compile(r"photos\.([tc]sv)([0-9]{3})")
LARGEST = 1 << 30
"""Bytes that the table may unpack to: forty thousand for each of 25 000 photos."""

ID = r"^[A-Za-z0-9_-]{1,64}$"
URL = r"(?i)^https?://[a-z0-9.-]+(:[0-9]{1,5})?([/?][^\s\p{Cc}]*)?$"
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError)


@dataclass(frozen=True)
class Archive:
    """What an archive lists.

    source: its name and version. photos: the strings COLUMNS, one row for each photo that can be asked for, by
    photo_id. skipped: why there is no more, by what it is of.
    """

    source: str
    photos: pl.DataFrame
    skipped: dict[str, str]


def read(location: Path) -> Archive:
    """Read the table of photos of a zip or a folder, the same for any order of its rows.

    Warns where the version is not known. Raises DataError naming the file and the reason.
    """
    try:
        parts = list(_in_folder(location) if location.is_dir() else _in_zip(location))
        version = None if location.is_dir() else VERSIONS.get(sha256(location))
    except FileNotFoundError:
        raise DataError(f"{location}: no such file; it should be the zip of Unsplash Lite, or its folder") from None
    except UnicodeDecodeError:
        raise DataError(f"{location}: the name of a member is not valid UTF-8") from None
    except UNREADABLE as error:
        raise DataError(f"{location}: cannot be read: {reason(error)}") from None
    ragged: dict[str, str] = {}
    rows = pl.concat(_table(f"{location}, {name}", content, ragged) for name, content in parts)
    photos, skipped = _sorted_out(rows, location)
    if version is None:
        known = ", ".join(VERSIONS.values())
        warnings.warn(f"{location}: taken as it is, for it is not the zip of Unsplash Lite {known}", stacklevel=2)
    return Archive(f"Unsplash Lite {version or '(unknown version)'}", photos, ragged | skipped)


def _in_folder(location: Path) -> Iterator[tuple[str, bytes]]:
    files = [file for pattern in ("photos.*", "*/photos.*") for file in location.glob(pattern) if file.is_file()]
    for name in _parts(location, [file.relative_to(location).as_posix() for file in files]):
        yield name, (location / name).read_bytes()


def _in_zip(location: Path) -> Iterator[tuple[str, bytes]]:
    room = LARGEST
    with zipfile.ZipFile(location, metadata_encoding="utf-8") as archive:
        for member in archive.infolist():
            steps = re.split(r"[/\\]", member.filename)
            if ".." in steps or not steps[0] or re.match("[A-Za-z]:", steps[0]):
                raise DataError(f"{location}: the member {member.filename!r} lies outside of the archive's folder")
            if member.flag_bits & 1:
                raise DataError(f"{location}: the member {member.filename!r} is encrypted")
        for name in _parts(location, archive.namelist()):
            with archive.open(name) as stream:
                content = stream.read(room + 1)  # what the directory of a zip declares may be a lie
            if max(len(content), archive.getinfo(name).file_size) > room:
                raise DataError(f"{location}: {name} unpacks to more than the {LARGEST} bytes that a table may have")
            room -= len(content)
            yield name, content


def _parts(location: Path, names: Iterable[str]) -> list[str]:
    """Return the names of the parts of the one table of photos, in order."""
    tables: dict[str, dict[int, str]] = {}
    for name in names:
        folder, _, file = name.rpartition("/")
        if (part := PART.fullmatch(file)) and "/" not in folder:
            parts = tables.setdefault(name[:-3], {})
            if int(part[2]) in parts:
                raise DataError(f"{location}: {name} is there twice")
            parts[int(part[2])] = name
    if not tables:
        raise DataError(f"{location}: there is no photos.tsv000 or photos.csv000, neither here nor one folder down")
    if len(tables) > 1:
        found = ", ".join(f"{table}000" for table in sorted(tables))
        raise DataError(f"{location}: more than one table of photos: {found}")
    [(table, parts)] = tables.items()
    if missing := sorted(set(range(max(parts))) - set(parts)):
        raise DataError(f"{location}: {table}{missing[0]:03d} is missing, but {parts[max(parts)]} is there")
    return [parts[number] for number in sorted(parts)]


def _table(where: str, content: bytes, ragged: dict[str, str]) -> pl.DataFrame:
    """Return the strings COLUMNS of a part; notes in ragged, by place, the rows that have not all fields, or more."""
    if not NAMES.match(content):
        raise DataError(f"{where}: no table of tab-separated values: it does not begin with the names of its columns")
    try:
        rows = tabbed.records(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: no table of tab-separated values in UTF-8: {reason(error)}") from None
    _, names = next(rows)
    if missing := [name for name in COLUMNS if name not in names]:
        raise DataError(f"{where}: columns are missing: {', '.join(missing)}")
    places = [names.index(name) for name in COLUMNS]
    found = []
    for line, fields in rows:
        if len(fields) == len(names):
            found.append([fields[place] for place in places])
        else:
            ragged[f"{where}, line {line}"] = f"{len(fields)} fields, where {len(names)} are wanted"
    if ragged and not found:
        raise DataError(f"{where}: no row has the {len(names)} fields that the first line names")
    frame = pl.DataFrame(found, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")
    return frame.select(pl.col(COLUMNS).str.strip_chars().replace("", None))


def _sorted_out(rows: pl.DataFrame, location: Path) -> tuple[pl.DataFrame, dict[str, str]]:
    """Return the photos that can be asked for, one row each, and why there are no more."""
    url = pl.col("photo_image_url")
    fault = (
        pl.when(~pl.col("photo_id").str.contains(ID)).then(pl.lit("photo_id may hold letters, digits, - and _ only"))
        .when(url.is_null()).then(pl.lit("photo_image_url is missing"))
        .when(~url.str.contains(URL)).then(pl.lit("photo_image_url is no http or https URL"))
        .when(pl.col("photographer_username").is_null()).then(pl.lit("photographer_username is missing"))
    )  # fmt: skip
    nameless = int(rows["photo_id"].null_count())
    skipped = {f"{location}, photos": f"{nameless} rows have no photo_id"} if nameless else {}
    judged = rows.drop_nulls("photo_id").with_columns(reason=fault).sort("reason", *COLUMNS, nulls_last=False)
    for name, why in judged.drop_nulls("reason").select("photo_id", "reason").iter_rows():
        skipped[f"{location}, photo {name[:64]!r}"] = why
    good = judged.filter(pl.col("reason").is_null()).drop("reason")
    for name, count in good.group_by("photo_id").len("count").filter(pl.col("count") > 1).sort("photo_id").iter_rows():
        skipped[f"{location}, photo {name!r}"] = f"{count} rows have this photo_id; one of them is taken"
    return good.unique("photo_id", keep="first", maintain_order=True).sort("photo_id"), skipped
