"""Publish a release on the Hugging Face hub: once, whole, under its version."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import polars as pl

from paletteot.dataset import schema, sources
from paletteot.dataset.layout import CARD, CHECKSUMS, VERSION, WHOLE, write_checksums
from paletteot.dataset.sources import Release
from paletteot.errors import DataError, PaletteOTError
from paletteot.files import write_text
from paletteot.tables import read_parquet

if TYPE_CHECKING:
    from huggingface_hub import HfApi


class PublishError(PaletteOTError):
    """A release was not published."""


def publish(api: HfApi, release: Release, repo_id: str, *, private: bool = False) -> str:
    """Upload a release as one commit, tag it with its version, and return where it stands.

    Calls create_repo, list_repo_refs, upload_folder and create_tag of the client. Raises PublishError where the tag is
    there already, as a version is superseded and never edited, and where the hub refuses.
    """
    from huggingface_hub.errors import HfHubHTTPError

    tag = f"v{release.version}"
    assert release.folder is not None
    try:
        api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        if tag in (ref.name for ref in api.list_repo_refs(repo_id, repo_type="dataset").tags):
            raise PublishError(f"{repo_id} has a tag {tag} already: a version is superseded, never edited")
        commit = api.upload_folder(
            repo_id=repo_id,
            repo_type="dataset",
            folder_path=release.folder,
            commit_message=f"Version {release.version}",
            delete_patterns="*",  # what an earlier version had and this one has not
        )
        api.create_tag(repo_id, tag=tag, revision=commit.oid, repo_type="dataset", exist_ok=False)
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise PublishError(f"{repo_id}: the hub refused: {' '.join(str(error).split())[:300]}") from None
    return f"{api.endpoint}/datasets/{repo_id}/tree/{tag}"


def images_of(release: Release) -> pl.DataFrame:
    """Return the table of images of a release; raises DataError where there is not one."""
    names = [name for shards in release.shards("images").values() for name in shards]
    if len(names) != 1:
        raise DataError(f"{release.name}/{CHECKSUMS}: must list one file of images, but lists {len(names)}")
    return read_parquet(release.file(names[0]), schema.IMAGES)


@contextmanager
def only_ids(release: Release, params: Path) -> Iterator[Release]:
    """Give a release of what may go where a licence forbids the rest: the ids of the pictures, and how to rebuild.

    params: the params.yaml that made it.
    """
    images = images_of(release)
    ids = images.select("image_id", "source", "licence")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "images").mkdir()
        ids.write_parquet(folder / "images" / f"{WHOLE}-00000-of-00001.parquet")
        shutil.copyfile(params, folder / "params.yaml")
        write_text(folder / VERSION, f"{release.version}\n")
        write_text(folder / CARD, _ids_card(release.version, len(ids), sorted(set(images["licence"]))))
        write_checksums(folder)
        yield sources.release(folder)


def _ids_card(version: str, pictures: int, found: list[str]) -> str:
    return f"""---
license: other
license_name: ids-only
pretty_name: PaletteOT (picture ids only)
configs:
- config_name: images
  data_files:
  - split: {WHOLE}
    path: images/*.parquet
---

# PaletteOT {version}, picture ids only

The licence of the pictures ({", ".join(found)}) does not allow that they, or what is derived from them, are passed on.
Here are the ids of the {pictures} pictures and the parameters; whoever has the pictures can rebuild version {version}:

1. Get the project's code, and the pictures from their source, under its terms.
2. Put `params.yaml` in the place of the project's.
3. `dvc repro release` makes the release folder; `paletteot verify data/release` checks it.
"""
