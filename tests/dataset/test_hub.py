"""Publishing on the hub against a stub of the client: but for the real hub, no server at hand takes uploads."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from huggingface_hub import DatasetCard, HfApi
from huggingface_hub.errors import HfHubHTTPError

from paletteot.dataset import hub, licences, sources
from paletteot.dataset.hub import PublishError
from paletteot.dataset.licences import LicenceError
from tests.dataset import made

REPO = "paletteot/paletteot"


class Stub:
    """The four documented calls of HfApi that publishing makes, with their real signatures checked."""

    endpoint = "https://hub.example"

    def __init__(self, tags: tuple[str, ...] = (), fail: str = "") -> None:
        self.calls: list[str] = []
        self.tags, self.fail = list(tags), fail
        self.files: list[str] = []

    def _call(self, name: str, *args, **kwargs) -> None:
        import inspect

        inspect.signature(getattr(HfApi, name)).bind(self, *args, **kwargs)
        self.calls.append(name)
        if name == self.fail:
            raise HfHubHTTPError("403 Forbidden", response=SimpleNamespace(headers={}, request=None, text=""))  # type: ignore[arg-type]

    def create_repo(self, *args, **kwargs) -> None:
        self._call("create_repo", *args, **kwargs)

    def list_repo_refs(self, *args, **kwargs):
        self._call("list_repo_refs", *args, **kwargs)
        return SimpleNamespace(tags=[SimpleNamespace(name=tag) for tag in self.tags])

    def upload_folder(self, *args, **kwargs):
        self._call("upload_folder", *args, **kwargs)
        folder = Path(kwargs["folder_path"])
        self.files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
        return SimpleNamespace(oid="abc")

    def create_tag(self, *args, **kwargs) -> None:
        self._call("create_tag", *args, **kwargs)
        assert kwargs["revision"] == "abc"
        assert not kwargs["exist_ok"]
        self.tags.append(kwargs["tag"])


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return sources.release(made.release(tmp_path_factory.mktemp("release") / "one"))


def test_a_release_goes_whole_and_is_tagged_with_its_version(release):
    api = Stub(tags=("v0.9.0",))
    assert hub.publish(api, release, REPO) == f"https://hub.example/datasets/{REPO}/tree/v1.0.0"
    assert api.calls == ["create_repo", "list_repo_refs", "upload_folder", "create_tag"]
    assert api.tags == ["v0.9.0", "v1.0.0"]
    assert api.files == sorted([*release.checksums, "checksums.sha256"])


def test_a_tag_that_is_there_is_never_moved(release):
    api = Stub(tags=("v1.0.0",))
    with pytest.raises(PublishError, match=r"has a tag v1\.0\.0 already: a version is superseded, never edited"):
        hub.publish(api, release, REPO)
    assert "upload_folder" not in api.calls


@pytest.mark.parametrize("call", ["create_repo", "list_repo_refs", "upload_folder", "create_tag"])
def test_what_the_hub_says_is_one_line(release, call):
    with pytest.raises(PublishError, match="paletteot/paletteot: the hub refused: 403 Forbidden"):
        hub.publish(Stub(fail=call), release, REPO)


def images(**licence_of: str) -> pl.DataFrame:
    return pl.DataFrame({"image_id": list(licence_of), "licence": list(licence_of.values())})


def test_open_licences_may_go():
    licences.check(images(a="CC0-1.0", b="public domain", c="CC-BY-2.0"))


def test_unsplash_may_not_go_and_says_why():
    with pytest.raises(LicenceError, match=r"1 of 2 pictures may not be passed on.*term 3A.*term 3B.*--only-ids"):
        licences.check(images(a="CC0-1.0", b=licences.UNSPLASH))


def test_a_licence_nobody_knows_may_not_go():
    with pytest.raises(LicenceError, match="'all mine': not known to allow it; known to are CC-BY"):
        licences.check(images(a="all mine"))


def test_what_may_go_of_a_closed_source_is_ids_and_parameters(tmp_path):
    closed = sources.release(made.release(tmp_path / "closed", licence=licences.UNSPLASH))
    params = tmp_path / "params.yaml"
    params.write_text("workers: 0\n")
    with hub.only_ids(closed, params) as ids:
        assert sorted(ids.checksums) == ["README.md", "VERSION", "images/full-00000-of-00001.parquet", "params.yaml"]
        table = pl.read_parquet(ids.file("images/full-00000-of-00001.parquet"))
        assert table.columns == ["image_id", "source", "licence"]
        card = DatasetCard.load(ids.file("README.md"))
        assert card.data.to_dict()["license"] == "other"
        assert licences.UNSPLASH in card.text
        api = Stub()
        hub.publish(api, ids, REPO)
        assert "plans" not in " ".join(api.files)
