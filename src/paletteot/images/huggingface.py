"""Any Hugging Face data set with a column of images as a source: a sample drawn in one pass over its stream."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import heappush, heappushpop
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from paletteot.engine import fingerprint
from paletteot.errors import DataError
from paletteot.files import sha256_of, write_json
from paletteot.images import grading as gradings
from paletteot.images import hf_stream, members
from paletteot.images.decode import decode
from paletteot.images.download import download
from paletteot.images.reasons import reason
from paletteot.images.source import Original, Picture

REMOTE = ("hf://", *members.WEB)
"""Where the files that a data set of the hub names may lie: it may not name files of this machine."""
THREADS = 8


class Row(NamedTuple):
    """A row of the sample: its number, its group, where its file is if not in the row, why it has no picture if so."""

    number: int
    group: str
    path: str | None = None
    reason: str | None = None

    @property
    def image_id(self) -> str:
        """Name of the row's picture, and of its file in the cache."""
        return f"hf-{self.number:09d}"


class HuggingFace:
    """A random sample of the rows of a data set.

    location: a folder or files (*.parquet, *.arrow, *.tar) here, or a data set of the hub, ID or ID@REVISION. group_by:
    column of groups; without it each picture is its own. split: SPLIT or CONFIG/SPLIT; needed where there are several.
    licence: what may be done with the pictures. cache: folder for the sample's files; it holds one sample, which is
    drawn anew when anything here, the seed, or a local file changes. The hub is not asked again: without @REVISION a
    sample once drawn stays. column: the column of images; found by its type where there is one.
    allow_fewer: whether files on the web that cannot be had now, but may be another time, are done without.
    """

    def __init__(
        self, location: str, group_by: str | None, split: str | None, licence: str | None, cache: Path,
        column: str | None = None, *, allow_fewer: bool = False,
    ):  # fmt: skip
        self.location = location
        self.group_by = group_by
        self.split = split
        self.licence = licence or "not stated"
        self.sample = cache / "sample"
        self.column = column
        self.paths: dict[str, str] = {}
        self.skipped: dict[str, str] = {}
        self.state: list[tuple[str, int, int]] = []
        self.allow_fewer = allow_fewer

    def pictures(self, count: int, *, grading: float, seed: int) -> list[Picture]:
        """Return ``count`` rows and a tenth and ten more, fewer where there are not so many, in seeded order.

        Streams the data set once; what a finished pass drew is remembered, an interrupted one starts over. Raises
        DataError where the data set cannot be had or has no column of images.
        """
        rows = self._sample(count + count // 10 + 10, seed)
        self.skipped = {f"row {row.number}": row.reason for row in rows if row.reason is not None}
        self.paths = {row.image_id: row.path for row in rows if row.path is not None}
        return [self._picture(row, grading, seed) for row in rows if row.reason is None]

    def fetch(self, pictures: Sequence[Picture]) -> Mapping[str, str]:
        """Bring the files that rows only name; those in the rows are here since the sample was drawn.

        Raises DataError where a file may be had another time: a server or the hub does not answer.
        """
        named = {one.image_id: self.paths[one.image_id] for one in pictures if one.image_id in self.paths}
        urls = {name: path for name, path in named.items() if path.startswith(members.WEB)}
        lost = download(urls, self.sample, manners=members.SINGLE, allow_fewer=self.allow_fewer)
        rest = {name: path for name, path in named.items() if name not in urls and not (self.sample / name).is_file()}
        lost |= {name: why for name, path in rest.items() if (why := members.refusal(path)) is not None}
        inside = {name: path for name, path in rest.items() if name not in lost and members.is_on_web(path)}
        here, gone = members.fetch(inside, self.sample / "archives", allow_fewer=self.allow_fewer)
        lost |= gone
        wanted = [picture for picture in pictures if picture.image_id in rest and picture.image_id not in lost]
        paths = [(rest | here)[picture.image_id] for picture in wanted]
        with ThreadPoolExecutor(THREADS) as pool:
            for picture, why in zip(wanted, pool.map(self._lost, wanted, paths), strict=True):
                lost |= {picture.image_id: why} if why is not None else {}
        return {one.image_id: _line(lost[one.image_id]) for one in pictures if one.image_id in lost}

    def open(self, picture: Picture) -> Original:
        """Read a fetched picture; raises DataError naming its row where it is missing or no whole picture."""
        name = f"{self.location}, {picture.place}"
        try:
            content = (self.sample / picture.image_id).read_bytes()
        except OSError as error:
            raise DataError(f"{name}: {self.sample / picture.image_id} cannot be read: {reason(error)}") from None
        return Original(decode(content, name), sha256_of(content))

    def _picture(self, row: Row, grading: float, seed: int) -> Picture:
        place = f"row {row.number}"
        return Picture(
            image_id=row.image_id, group=row.group, source="huggingface", licence=self.licence,
            attribution=", ".join(part for part in (self.location, self.split, place) if part), place=place,
            grading=gradings.draw(np.random.default_rng([seed, row.number]), grading),
        )  # fmt: skip

    def _lost(self, picture: Picture, path: str) -> str | None:
        """Bring the file of a picture from a path that is not on the web; return why it cannot be had."""
        try:
            return members.take(path, self.sample / picture.image_id)
        except DataError as error:
            raise DataError(_line(f"{self.location}, {picture.place}: {error}")) from error

    def _sample(self, size: int, seed: int) -> list[Row]:
        """Return the sample, drawn where what lies in the cache is not it, or not whole."""
        self.state = hf_stream.state(self.location)
        key = fingerprint(self.location, self.group_by, self.split, self.column, size, seed, self.state)
        known = self.sample / "sample.json"
        rows = _remembered(known, key)
        if rows and all(row.path or row.reason or (self.sample / row.image_id).is_file() for row in rows):
            return rows
        if self.sample.is_dir():
            shutil.rmtree(self.sample)
        self.sample.mkdir(parents=True)
        rows = self._drawn(size, seed)
        write_json(known, {"key": key, "rows": rows})
        return rows

    def _drawn(self, size: int, seed: int) -> list[Row]:
        """Stream the data set and keep the rows of the smallest hashes of seed and row number, their files on disk.

        A sample of equal chances, like the reservoir's, but each row's rank is its own: more rows only append.
        """
        kept: list[tuple[int, Row]] = []
        number = -1
        try:
            stream, column, names = hf_stream.rows(self.location, self.split, self.column, self.group_by)
            for number, example in enumerate(tqdm(stream, desc="sampling", unit=" rows", disable=None)):
                rank = -int(sha256_of(f"{seed}:{number}".encode())[:16], 16)  # the heap's first is to be the largest
                if len(kept) == size and rank < kept[0][0]:
                    continue
                item = rank, self._row(number, example, column, names)
                if len(kept) < size:
                    heappush(kept, item)
                else:
                    _, lost = heappushpop(kept, item)
                    (self.sample / lost.image_id).unlink(missing_ok=True)
        except DataError:
            raise
        except Exception as error:  # datasets, its readers and the network have no common base below this one
            where = f" after row {number}" if number >= 0 else ""
            raise DataError(_line(f"{self.location}: cannot be read{where}: {reason(error)}")) from error
        if not kept:
            raise DataError(f"{self.location}: no row there")
        return [row for _, row in sorted(kept, reverse=True)]

    def _row(self, number: int, example: Mapping[str, Any], column: str, names: Sequence[str] | None) -> Row:
        """Return a row of the sample, its file written where it is in the row; names: of groups that are classes."""
        row = Row(number, "")
        group: Any = row.image_id if self.group_by is None else example[self.group_by]
        if group is None or group == "" or (names and group < 0):  # -1 is how datasets says that there is no class
            return row._replace(reason=f"no group in column {self.group_by}")
        row = row._replace(group=names[group] if names else str(group))
        image = example[column] or {"bytes": None, "path": None}
        if image["bytes"] is not None:
            (self.sample / row.image_id).write_bytes(image["bytes"])
            return row
        if not image["path"]:
            return row._replace(reason=f"no picture in column {column}")
        if not hf_stream.is_here(self.location) and not members.last(image["path"]).startswith(REMOTE):
            return row._replace(reason=f"{image['path']} is a place on the machine where the data set was made")
        return row._replace(path=image["path"])


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def _remembered(file: Path, key: str) -> list[Row]:
    """Return the rows that a finished pass wrote down, none where there was no such pass."""
    try:
        written = json.loads(file.read_text())
        return [Row(*row) for row in written["rows"]] if written["key"] == key else []
    except (OSError, ValueError, KeyError, TypeError):
        return []  # no file, or a damaged one: the pass is made again
