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
from typing import TypeVar

import platformdirs

from paletteot.dataset.layout import CHECKSUMS, VERSION, split_of
from paletteot.errors import DataError
from paletteot.files import replacing, sha256

LOCAL = (Path("data/release"), Path("data"))
"""Where data is looked for when no source is given."""

_Name = TypeVar("_Name")
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
        """Return the names of the shards of each split of a table."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.checksums):
            if name.startswith(f"{table}/"):
                found.setdefault(split_of(Path(name).name), []).append(name)
        return found

    def palettes(self) -> Path:
        """Return the file of palettes; raises DataError where there is not one."""
        names = [name for shards in self.shards("palettes").values() for name in shards]
        if len(names) != 1:
            raise DataError(f"{self.name}/{CHECKSUMS}: must list one file of palettes, but lists {len(names)}")
        return self.file(names[0])

    def plans(self, split: str) -> list[Path]:
        """Return the shards of a split; raises DataError naming the legal splits."""
        shards = self.shards("plans")
        return [self.file(name) for name in _chosen(shards, split, self.name)]


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
        shards: dict[str, list[Path]] = {}
        for file in sorted((self.folder / "plans").glob("*.parquet")):
            shards.setdefault(split_of(file.name), []).append(file)
        return _chosen(shards, split, self.name)


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


def release(source: str | Path | None, version: str | None = None) -> Release:
    """Return the release that a source names; raises DataError where it is none."""
    found = find(source, version)
    if isinstance(found, Pipeline):
        raise DataError(f"{found.name}: not a release, it has no {VERSION}; `dvc repro release` makes data/release")
    return found


def _chosen(shards: Mapping[str, list[_Name]], split: str, name: str) -> list[_Name]:
    if split not in shards:
        raise DataError(f"{name}: split must be one of {', '.join(sorted(shards)) or '(none)'}, but is {split!r}")
    return shards[split]


def _opened(name: str, fetch: Callable[[str], Path], folder: Path | None = None) -> Release:
    version = fetch(VERSION).read_text(encoding="utf-8", errors="replace").strip()
    listed = fetch(CHECKSUMS).read_text(encoding="utf-8", errors="replace").splitlines()
    checksums = {}
    for number, line in enumerate(listed, 1):
        if not (match := re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)) or ".." in Path(match[2]).parts:
            raise DataError(f"{name}/{CHECKSUMS}: line {number} must be '<sha256>  <file>', but is {line[:80]!r}")
        checksums[match[2]] = match[1]
    return Release(name, fetch, version, checksums, folder)


def _in_folder(folder: Path) -> Release | Pipeline:
    if (folder / "palettes.parquet").is_file() and not (folder / VERSION).is_file():
        return Pipeline(folder)

    def fetch(name: str) -> Path:
        if not (folder / name).is_file():
            raise DataError(f"{folder / name}: no such file; a release has it")
        return folder / name

    return _opened(str(folder), fetch, folder)


def _on_hub(repo_id: str, revision: str | None) -> Release:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    label = f"{repo_id}@{revision}" if revision else repo_id

    def download(name: str, at: str | None) -> Path:
        try:
            return Path(hf_hub_download(repo_id, name, repo_type="dataset", revision=at))
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise DataError(f"{label}: cannot get {name}: {_line(error)}") from None

    commit = download(VERSION, revision).parent.name  # a branch may move while its files are fetched one by one
    return _opened(label, lambda name: download(name, commit))


def _at_url(url: str) -> Release:
    import fsspec

    try:
        files, base = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise DataError(f"{url}: cannot be read: {_line(error)}") from None
    known: dict[str, str] = {}

    def fetch(name: str) -> Path:
        place = known.get(name) or hashlib.sha256(f"{url}/{name}".encode()).hexdigest()
        target = cache() / place[:2] / place
        if name in known and target.is_file() and sha256(target) == place:
            return target
        try:
            with replacing(target) as fresh:
                files.get_file(f"{base}/{name}", str(fresh))
        except (OSError, ValueError) as error:
            raise DataError(f"{url}: cannot get {name}: {_line(error)}") from None
        return target

    found = _opened(url, fetch)
    known.update(found.checksums)
    return found


def cache() -> Path:
    """Return where files from URLs are kept, by their SHA-256: PALETTEOT_CACHE, or this user's cache folder."""
    return Path(os.environ.get("PALETTEOT_CACHE") or platformdirs.user_cache_path("paletteot"))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
