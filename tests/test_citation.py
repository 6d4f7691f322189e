"""CITATION.cff names the software and the data set as they are."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def test_the_citation_is_of_this_software_and_this_data_set():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert (cited["cff-version"], cited["type"]) == ("1.2.0", "software")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (cited["version"], cited["license"]) == (project["version"], project["license"])
    dataset = yaml.safe_load((ROOT / "params.yaml").read_text())["dataset"]
    data = cited["preferred-citation"]
    assert data["type"] == "data"
    assert (data["version"], data["date-released"]) == (dataset["version"], dataset["published"])
    assert data["year"] == int(dataset["published"][:4])
    assert data["url"].endswith(dataset["hub_id"])
    assert data["authors"] == cited["authors"]
    assert data["license"] == cited["license"]
