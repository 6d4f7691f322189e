"""The notebook runs from the first cell to the last, and git holds none of its outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "demo.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_git_holds_no_outputs(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert [cell for cell in code if cell.outputs or cell.execution_count] == []


def test_it_runs_and_warm_and_cold_agree(notebook, tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("ipykernel")
    client = nbclient.NotebookClient(
        notebook.copy(), timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    done = client.execute()
    said = "\n".join(
        one.text
        for cell in done.cells
        if cell.cell_type == "code"
        for one in cell.outputs
        if one.output_type == "stream"
    )
    assert "iterations: warm " in said
    largest = float(said.split("warm and cold: at most ")[1].split(" ")[0])
    assert largest < 1
    pictures = [
        one for cell in done.cells if cell.cell_type == "code" for one in cell.outputs
        if one.output_type == "display_data" and "image/png" in one.data
    ]  # fmt: skip
    assert len(pictures) >= 4
