from __future__ import annotations

from pathlib import Path

import pytest

from tests.report import made


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """A report for every test to read."""
    return made.report(tmp_path_factory.mktemp("report"))
