"""Releases on a hub and over plain HTTP: every client gets the version it asks for, and the clients' traps are real."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import pytest

import paletteot
from paletteot.ot.problem import Array
from tests.dataset import made
from tests.integration import hub

ROOT = Path(__file__).parent.parent.parent
REPO = "paletteot/paletteot"
ONE, TWO, WRONG = "1.0.0", "2.0.0", "3.0.0"  # the tag v3.0.0 is on a commit whose VERSION says 2.0.0
SHARD = "plans/test_unseen-00000-of-00001.parquet"
SPLITS = {"train", "validation_seen", "validation_unseen", "test_seen", "test_unseen"}


@pytest.fixture(scope="module")
def releases(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("releases")
    return {version: made.release(folder / version, version, seed) for seed, version in enumerate((ONE, TWO))}


@pytest.fixture(scope="module")
def repositories(tmp_path_factory, releases) -> Path:
    if reason := hub.missing():
        pytest.skip(reason)
    root = tmp_path_factory.mktemp("repositories")
    for tag, content in ((ONE, ONE), (TWO, TWO), (WRONG, TWO)):
        hub.publish(root, REPO, releases[content], f"v{tag}")
    return root


@pytest.fixture(scope="module")
def endpoint(repositories) -> Iterator[str]:
    with hub.hub(repositories) as url:
        yield url


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path, monkeypatch) -> None:
    # A file from a URL is kept by its SHA-256: an earlier test's good copy would be read in place of a damaged one.
    monkeypatch.setenv("PALETTEOT_CACHE", str(tmp_path / "cache"))
    for name in ("NO_PROXY", "no_proxy"):  # polars would look for loopback behind the machine's proxy
        monkeypatch.setenv(name, "127.0.0.1")


def potentials(folder: Path, split: str = "test_unseen") -> Array:
    return pl.read_parquet(sorted(folder.glob(f"plans/{split}-*.parquet"))).get_column("g").to_numpy()


def same(left: Array, right: Array) -> bool:
    """Whether two arrays are float64 and equal bit by bit."""
    kinds = left.dtype == right.dtype == np.float64
    return kinds and left.shape == right.shape and left.tobytes() == right.tobytes()


def environment(endpoint: str, home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": str(home), "HF_HOME": str(home / "hf"), "HF_ENDPOINT": endpoint,
        "PALETTEOT_CACHE": str(home / "cache"),
    }  # fmt: skip


def elsewhere(endpoint: str, home: Path, function: Callable[..., Any], *arguments: object) -> list[Any]:
    """Return what a function of this file answers to each argument in a fresh process.

    In a process of its own because clients read HF_ENDPOINT once, at import.
    """
    answer = home / "answer.pickle"
    code = (
        f"import pathlib, pickle; from {__name__} import {function.__name__} as function; "
        f"pathlib.Path({str(answer)!r}).write_bytes(pickle.dumps([*map(function, {arguments!r})]))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(endpoint, home), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return pickle.loads(answer.read_bytes())


# What runs elsewhere.


def by_their_clients(version: str) -> dict[str, Any]:
    """Return g of every split by `datasets`, g of test_unseen by three other ways, and VERSION by two."""
    import datasets
    import huggingface_hub

    tag = f"v{version}"
    every = datasets.load_dataset(REPO, "plans", revision=tag)
    one = datasets.load_dataset(REPO, "plans", split="test_unseen", revision=tag)
    shard, note = (
        huggingface_hub.hf_hub_download(REPO, name, repo_type="dataset", revision=tag) for name in (SHARD, "VERSION")
    )
    folder = Path(huggingface_hub.snapshot_download(REPO, repo_type="dataset", revision=tag))
    return {
        "every": {split: exact(part) for split, part in every.items()},
        "one": {"split": exact(one), "file": pl.read_parquet(shard)["g"].to_numpy(), "snapshot": potentials(folder)},
        "notes": [Path(note).read_text(), (folder / "VERSION").read_text()],
    }


def exact(part: Any) -> Array:
    column = part.with_format("arrow")[:]["g"].combine_chunks()
    return column.flatten().to_numpy().reshape(len(part), -1)


def by_formats(version: str) -> dict[str, Array]:
    import datasets
    import torch

    part = datasets.load_dataset(REPO, "plans", split="test_unseen", revision=f"v{version}")
    return {
        "numpy": part.with_format("numpy")[:]["g"],
        "torch": part.with_format("torch")[:]["g"].numpy(),
        "arrow": exact(part),
        "numpy float64": part.with_format("numpy", dtype=np.float64)[:]["g"],
        "torch float64": part.with_format("torch", dtype=torch.float64)[:]["g"].numpy(),
    }


def by_datasets(version: str) -> Array:
    import datasets

    with impatience():
        return exact(datasets.load_dataset(REPO, "plans", split="test_unseen", revision=f"v{version}"))


def by_paletteot(asked: tuple[str | None, str]) -> Array | str:
    """Return g of test_unseen of a version and source, or what was said against it."""
    version, source = asked
    try:
        with impatience():
            return paletteot.load("test_unseen", version=version, source=source).g
    except paletteot.PaletteOTError as error:
        return str(error)


def by_both(version: str) -> tuple[Array, Array | str]:
    return by_datasets(version), by_paletteot((version, REPO))


def impatience() -> Any:
    """Spare the 23 seconds that the hub's client sleeps between its six tries of a hub that is gone."""
    return mock.patch("time.sleep")


# What is true.


def test_unmodified_clients_read_the_version_they_ask_for(endpoint, tmp_path, releases):
    answers = elsewhere(endpoint, tmp_path, by_their_clients, *releases)
    for (version, folder), read in zip(releases.items(), answers, strict=True):
        assert read["every"].keys() == SPLITS
        for split, g in read["every"].items():
            assert same(g, potentials(folder, split)), (version, split)
        for way, g in read["one"].items():
            assert same(g, potentials(folder)), (version, way)
        assert read["notes"] == [f"{version}\n"] * 2


def test_load_reads_the_version_it_is_asked_for_or_names_both(endpoint, tmp_path, releases):
    url = f"hf://datasets/{REPO}"
    asked = (
        (ONE, REPO), (TWO, REPO), (None, f"{REPO}@v{ONE}"), (ONE, f"{url}@v{ONE}"), (WRONG, REPO),
        (None, f"{REPO}@v{WRONG}"), (ONE, f"{url}@v{TWO}"),
    )  # fmt: skip
    first, second, pinned, by_url, refused, tagged, other = elsewhere(endpoint, tmp_path, by_paletteot, *asked)
    assert same(first, potentials(releases[ONE]))
    assert same(second, potentials(releases[TWO]))
    assert same(pinned, first)
    assert not same(first, second)
    assert same(by_url, first)
    assert f"must be {WRONG}, but is {TWO}" in refused
    assert f"must be {WRONG}, but is {TWO}" in tagged
    assert f"must be {ONE}, but is {TWO}" in other


def test_a_published_release_verifies(endpoint, tmp_path):
    command = [str(Path(sys.executable).with_name("paletteot")), "verify", f"{REPO}@v{TWO}"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(endpoint, tmp_path), capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_datasets_hands_back_another_version_where_load_refuses(repositories, tmp_path, releases):
    cached = potentials(releases[ONE])
    with hub.hub(repositories) as endpoint:
        one, none = elsewhere(endpoint, tmp_path, by_datasets, ONE, "9.9.9")
    assert same(one, cached)
    assert same(none, cached)  # the hub is up and has no such tag: the trap is there too
    ((other, said),) = elsewhere(endpoint, tmp_path, by_both, TWO)
    assert same(other, cached)  # the hub is gone
    assert f"{REPO}@v{TWO}: cannot get VERSION" in said


def test_only_the_recommended_formats_of_datasets_keep_float64(endpoint, tmp_path, releases):
    (found,) = elsewhere(endpoint, tmp_path, by_formats, ONE)
    label = potentials(releases[ONE])
    for trap in ("numpy", "torch"):
        assert found[trap].dtype == np.float32
        np.testing.assert_array_equal(found.pop(trap), label.astype(np.float32))
    for way, g in found.items():
        assert same(g, label), way


def test_load_gives_torch_float64(releases):
    tensors = paletteot.load("test_unseen", version=ONE, source=releases[ONE]).to_torch()
    assert same(tensors.g.numpy(), potentials(releases[ONE]))
    assert {str(value.dtype) for value in tensors[0].values()} == {"torch.float64"}


def test_polars_reads_columns_by_byte_ranges(releases):
    with hub.ranges(releases[ONE]) as served:
        scan = pl.scan_parquet(f"{served.url}/{SHARD}")
        found = scan.select("pair_id", "g").collect()
    assert found.columns == ["pair_id", "g"]
    assert same(found["g"].to_numpy(), potentials(releases[ONE]))
    assert served.parts > 0


def test_load_reads_over_http(releases):
    with hub.ranges(releases[ONE]) as served:
        assert same(paletteot.load("test_unseen", version=ONE, source=served.url).g, potentials(releases[ONE]))


def test_a_flipped_byte_on_the_server_is_refused_by_its_file_name(releases, tmp_path):
    damaged = shutil.copytree(releases[ONE], tmp_path / "damaged")
    shard = damaged / SHARD
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with hub.ranges(damaged) as served, pytest.raises(paletteot.PaletteOTError, match=SHARD):
        paletteot.load("test_unseen", version=ONE, source=served.url)
