"""A release in an S3 bucket, read by its URL."""

from __future__ import annotations

import shutil

import pytest

import paletteot
from tests.dataset import made
from tests.integration import servers

SHARD = "plans/test_unseen-00000-of-00001.parquet"


@pytest.mark.skipif(servers.missing("s3") is not None, reason=str(servers.missing("s3")))
def test_load_reads_an_s3_url_and_refuses_a_damaged_file(tmp_path, monkeypatch):
    release = made.release(tmp_path / "release")
    storage = tmp_path / "storage"
    shutil.copytree(release, storage / "bucket" / "released")
    monkeypatch.setenv("PALETTEOT_CACHE", str(tmp_path / "cache"))
    with servers.s3(storage) as remote:
        for name, value in {**remote.credentials, "AWS_ENDPOINT_URL": remote.options["endpointurl"]}.items():
            monkeypatch.setenv(name, value)
        plans = paletteot.load("test_unseen", version="1.0.0", source="s3://bucket/released")
        assert (plans.g == paletteot.load("test_unseen", source=release).g).all()

        stored = storage / "bucket" / "released" / SHARD
        content = bytearray(stored.read_bytes())
        content[len(content) // 2] ^= 1
        stored.write_bytes(content)
        monkeypatch.setenv("PALETTEOT_CACHE", str(tmp_path / "another"))
        with pytest.raises(paletteot.PaletteOTError, match=f"{SHARD}: SHA-256 must be"):
            paletteot.load("test_unseen", source="s3://bucket/released")
