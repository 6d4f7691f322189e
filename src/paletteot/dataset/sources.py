"""Where data is read from: a release in a folder, on the hub or behind a URL, or the pipeline's own output.

What a release gives out is checked against its checksums first: `dvc get`, `dvc import` and `dvc.api` never check what
they fetched, and a cache may hold another version than the one asked for.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from paletteot.dataset import fetching, shards
from paletteot.dataset.fetching import line
from paletteot.dataset.layout import CHECKSUMS, VERSION
from paletteot.errors import DataError
from paletteot.files import replacing, sha256

LARGEST = {VERSION: 64, CHECKSUMS: 2**22}
"""Bytes that small files may have: a version is one line, a listing of 20 000 shards 3 MB."""

HUB_SECONDS = 5.0
"""How long a hub may take to say that it is there."""

BUSY = (408, 429)
"""What a hub answers, besides faults of its own, that its client would wait for and ask again."""

CACHES = frozenset(("blobs", "md5"))
"""Folders of Hugging Face's and of DVC's cache, which hold files by their content and may be linked to."""

LOCAL = (Path("data/release"), Path("data"))
"""Where data is looked for when no source is given."""

_HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(@(?P<revision>[^@]+))?")


@dataclass(frozen=True)
class Release:
    """A release, wherever it lies.

    name: what messages call it. fetch: brings a file here and returns where it lies, unchecked. version: X.Y.Z.
    checksums: SHA-256 of every file. folder: where it lies, if it is a folder here.
    """

    name: str
    fetch: Callable[[str], Path]
    version: str
    checksums: Mapping[str, str]
    folder: Path | None = None

    def file(self, name: str) -> Path:
        """Return a file of the release; raises DataError where it is not the one that checksums.sha256 knows."""
        path = self.fetch(name)
        if (found := sha256(path)) != self.checksums[name]:
            raise DataError(
                f"{self.name}/{name}: SHA-256 must be {self.checksums[name]}, as in {CHECKSUMS}, but is {found}"
            )
        return path

    def kept(self, name: str) -> Path | None:
        """Return where a file lies that is here but not as it should be, None where it is not here."""
        try:
            return self.fetch(name)
        except DataError:
            return None

    def unlisted(self) -> list[str]:
        """Return the files that lie in the folder of the checksums without being listed there."""
        if self.folder is None:
            return []
        files = (file.relative_to(self.folder) for file in self.folder.rglob("*") if file.is_file())
        names = sorted(file.as_posix() for file in files if not file.parts[0].startswith("."))
        return [name for name in names if name != CHECKSUMS and name not in self.checksums]

    def shards(self, table: str) -> dict[str, list[str]]:
        """Return the names of the shards of each split of a table; raises DataError where one is missing."""
        named = (name for name in sorted(self.checksums) if name.startswith(f"{table}/"))
        return shards.whole(named, f"{self.name}/{CHECKSUMS}")

    def palettes(self) -> Path:
        """Return the file of palettes; raises DataError where there is not one."""
        names = [name for shards in self.shards("palettes").values() for name in shards]
        if len(names) != 1:
            raise DataError(f"{self.name}/{CHECKSUMS}: must list one file of palettes, but lists {len(names)}")
        return self.file(names[0])

    def plans(self, split: str) -> list[Path]:
        """Return the shards of a split; raises DataError naming the legal splits."""
        named = {one: [Path(name) for name in names] for one, names in self.shards("plans").items()}
        return [self.file(name.as_posix()) for name in shards.chosen(named, split, self.name)]


@dataclass(frozen=True)
class Pipeline:
    """The pipeline's own output: a folder with palettes.parquet and plans/, which no checksum or version goes with."""

    folder: Path
    version: None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.folder)

    def palettes(self) -> Path:
        """Return the file of palettes."""
        return self.folder / "palettes.parquet"

    def plans(self, split: str) -> list[Path]:
        """Return the shards of a split; raises DataError naming the legal splits."""
        return shards.chosen(shards.in_folder(self.folder / "plans"), split, self.name)


def find(source: str | Path | None, version: str | None = None) -> Release | Pipeline:
    """Return what a source names.

    source: a release folder, a folder of the pipeline (``data``), a Hugging Face id ``ORG/NAME[@REVISION]``, or a URL
    of a release folder that fsspec can read; None for what lies here. version: X.Y.Z that it must have; on the hub it
    chooses the tag where no revision is given, as a revision vX.Y.Z asks for that version. Raises DataError when there
    is no such data, or another version.
    """
    if source is None:
        source = next((folder for folder in LOCAL if folder.is_dir()), None)
        if source is None:
            raise DataError(f"source must be given: there is no {' or '.join(map(str, LOCAL))} here")
    if Path(source).is_dir():
        found = _in_folder(Path(source))
    elif "://" in str(source):
        found = _at_url(str(source).rstrip("/"))
    elif _is_path(str(source)):
        raise DataError(
            f"{source}: no such folder; `make quickstart` makes .quickstart/data/release, `dvc repro` {LOCAL[0]}"
        )
    elif match := _HUB_ID.fullmatch(str(source)):
        found = _on_hub(match["id"], match["revision"] or (f"v{version}" if version else None))
        if version is None and (tag := re.fullmatch(r"v(\d+\.\d+\.\d+)", match["revision"] or "")):
            version = tag[1]
    else:
        raise DataError(f"source must be a folder, ORG/NAME[@REVISION] or a URL, but is {str(source)!r}")
    if version is not None and found.version != version:
        other = f"is {found.version}" if found.version else "has none, being the pipeline's own output"
        raise DataError(f"{found.name}: version must be {version}, but {other}")
    return found


def _is_path(source: str) -> bool:
    """Return whether a word that is no folder was meant as one, and no look-up on a hub may wait for it."""
    parts = source.replace("\\", "/").split("/")
    looks = source.startswith((".", "~", "/")) or len(parts) != 2 or not all(parts)
    return ("/" in source or "\\" in source) and (looks or parts[0] == LOCAL[1].name or Path(parts[0]).is_dir())


def release(source: str | Path | None, version: str | None = None) -> Release:
    """Return the release that a source names; raises DataError where it is none."""
    found = find(source, version)
    if isinstance(found, Pipeline):
        raise DataError(f"{found.name}: not a release, it has no {VERSION}; `dvc repro release` makes data/release")
    return found


def _opened(name: str, fetch: Callable[[str], Path], folder: Path | None = None) -> Release:
    version = _text(name, VERSION, fetch).strip()
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9}){2}", version):
        raise DataError(f"{name}/{VERSION}: must be one line X.Y.Z, but is {version[:40]!r}")
    checksums: dict[str, str] = {}
    for number, one in enumerate(_text(name, CHECKSUMS, fetch).splitlines(), 1):
        where = f"{name}/{CHECKSUMS}: line {number}"
        if not (match := re.fullmatch(r"([0-9a-f]{64})  (\S.*)", one)):
            raise DataError(f"{where} must be '<sha256>  <file>', but is {one[:80]!r}")
        if not _inside(match[2]):
            raise DataError(
                f"{where} must name a file of the release, by its relative path, but names {match[2][:80]!r}"
            )
        if match[2] in checksums:
            raise DataError(f"{where} must name each file once, but names {match[2][:80]!r} again")
        checksums[match[2]] = match[1]
    return Release(name, fetch, version, checksums, folder)


def _text(name: str, file: str, fetch: Callable[[str], Path]) -> str:
    """Return the text of a small file of a release; raises DataError where it is larger than it can be, or no text."""
    most = LARGEST[file]
    with fetch(file).open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise DataError(f"{name}/{file}: must be at most {most} bytes, but is larger")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{name}/{file}: must be UTF-8 text, but is not") from None


def _inside(name: str) -> bool:
    """Return whether a name is a relative path of plain parts: no root, drive, parent, backslash, control character."""
    parts = name.split("/")
    plain = name.isprintable() and not {"\\", ":"} & set(name) and name == name.strip()
    return plain and all(part not in ("", ".", "..") for part in parts)


def _in_folder(folder: Path) -> Release | Pipeline:
    if (folder / "palettes.parquet").is_file() and not (folder / VERSION).is_file():
        return Pipeline(folder)

    def fetch(name: str) -> Path:
        file = folder / name
        if not file.is_file():
            raise DataError(f"{file}: no such file; a release has it")
        target = file.resolve()
        if not target.is_relative_to(folder.resolve()) and not CACHES & set(target.parts):
            raise DataError(f"{file}: must lie in the release's folder, but is a link to {target}")
        return file

    return _opened(str(folder), fetch, folder)


def _on_hub(repo_id: str, revision: str | None) -> Release:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    label = f"{repo_id}@{revision}" if revision else repo_id
    away = _out_of_reach(repo_id, revision)

    def download(name: str, at: str | None) -> Path:
        try:
            return Path(hf_hub_download(repo_id, name, repo_type="dataset", revision=at, local_files_only=bool(away)))
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise DataError(f"{label}: cannot get {name}: {away or line(error)}") from None

    commit = download(VERSION, revision).parent.name  # a branch may move while its files are fetched one by one
    return _opened(label, lambda name: download(name, commit))


def _out_of_reach(repo_id: str, revision: str | None) -> str:
    """Return why the hub cannot be reached, '' where it can: asked once, where its client would ask for minutes.

    Raises DataError where it states for a small file of a release more bytes than that may have.
    """
    import httpx2
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    for name, most in LARGEST.items():
        address = hf_hub_url(repo_id, name, repo_type="dataset", revision=revision)
        try:
            size = get_hf_file_metadata(address, timeout=HUB_SECONDS).size or 0
        except HfHubHTTPError as error:  # it answered; what that means is said by what fetches
            code = error.response.status_code
            return f"the hub answered {code}" if code >= 500 or code in BUSY else ""
        except (OSError, httpx2.HTTPError) as error:
            return f"the hub cannot be reached: {line(error)}"
        if size > most:
            raise DataError(f"{repo_id}/{name}: must be at most {most} bytes, but has {size}")
    return ""


def _at_url(url: str) -> Release:
    plain = url.lower().startswith(("http://", "https://"))
    get = fetching.over_http(url) if plain else fetching.over_fsspec(url)
    known: dict[str, str] = {}

    def fetch(name: str) -> Path:
        place = known.get(name) or hashlib.sha256(f"{url}/{name}".encode()).hexdigest()
        target = cache() / place[:2] / place
        if name in known and target.is_file() and sha256(target) == place:
            return target
        with replacing(target) as fresh:
            get(name, fresh, LARGEST.get(name, fetching.LARGEST))
        return target

    found = _opened(url, fetch)
    known.update(found.checksums)
    return found


def cache() -> Path:
    """Return where files from URLs are kept, by their SHA-256: PALETTEOT_CACHE, or this user's cache folder."""
    return Path(os.environ.get("PALETTEOT_CACHE") or platformdirs.user_cache_path("paletteot"))
