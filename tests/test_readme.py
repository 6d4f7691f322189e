from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from skimage.data import astronaut

import docs

ROOT = Path(__file__).parent.parent


def test_pages_say_what_schema_and_report_say():
    for page, text in docs.pages().items():
        assert page.read_text() == text, f"{page.name}: run `python scripts/docs.py`"
    board = pl.read_csv(ROOT / "reports" / "leaderboard.csv")
    assert board.filter(pl.col("split") == "test_unseen").height >= 4


def test_files_that_it_points_to_are_there():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.fixture
def album(tmp_path) -> Path:
    """A folder with two photographs."""
    for name, part in (("A.jpg", slice(256)), ("B.jpg", slice(256, None))):
        Image.fromarray(astronaut()[part]).save(tmp_path / name)
    return tmp_path


def used() -> str:
    return (ROOT / "README.md").read_text().partition("## Use it")[2].partition("\n## ")[0]


def test_the_python_examples_run_as_written(album):
    """The blocks of "Use it" one after another, each with what those before it have."""
    check = (
        "assert P.shape == (128, 128) and abs(P.sum() - 1) < 1e-8 and solution.marginal_error <= 1e-9\n"
        "assert own.cost.shape == (128, 128) and labels.shape == (256, 512) and set(labels.flat) == set(range(16))\n"
        "assert run.converged.all()\n"
    )
    blocks = re.findall(r"```python\n(.*?)```", used(), re.S)
    subprocess.run([sys.executable, "-c", "".join([*blocks, check])], cwd=album, check=True)


def test_the_commands_for_palettes_run_as_written(album):
    shutil.copy(album / "A.jpg", album / "photo.jpg")
    lines = re.findall(r"^(paletteot (?:palette|solve) .*?) +#", used(), re.M)
    assert len(lines) == 4
    run(lines, album)
    assert {file.suffix for file in album.iterdir()} == {".jpg", ".png", ".ase", ".parquet", ".npy"}
    assert np.load(album / "couplings.npy", mmap_mode="r").shape == (6, 128, 128)


def run(lines: list[str], folder: Path) -> None:
    """Run command lines in a folder with this interpreter's paletteot."""
    command = f"paletteot() {{ '{sys.executable}' -c 'from paletteot.cli import app; app()' \"$@\"; }}\n"
    subprocess.run(["bash", "-euc", command + "\n".join(lines)], cwd=folder, check=True, capture_output=True)


def opened(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_the_commands_of_colour_transfer_give_the_picture_that_is_shown(tmp_path):
    section = (ROOT / "README.md").read_text().partition("## Move colours")[2].partition("\n## ")[0]
    (shown,) = re.findall(r"!\[[^]]*\]\((docs/transfer/.*?)\)", section)
    shutil.copytree(ROOT / "docs" / "transfer", tmp_path / "docs" / "transfer")
    shutil.copytree(ROOT / "docs" / "transfer", tmp_path / "frames")
    run(re.findall(r"^(paletteot transfer .*?)(?: +#.*)?$", section, re.M), tmp_path)
    made, published = opened(tmp_path / "explained.jpg"), opened(ROOT / shown)
    facts = made.shape[0] - 200  # below stands how long it took here
    assert made.shape == published.shape
    assert np.abs(made - published)[:facts].mean() < 1
    assert opened(tmp_path / "lake-at-dusk.jpg").shape == opened(ROOT / "docs" / "transfer" / "lake.jpg").shape
    assert (tmp_path / "dusk.cube").stat().st_size > 900_000
    assert len(list((tmp_path / "frames-at-dusk").iterdir())) == len(list((tmp_path / "frames").iterdir()))


def test_the_commands_and_the_code_of_the_page_on_colour_transfer_run_as_written(album):
    text = (ROOT / "docs" / "transfer.md").read_text()
    lines = re.findall(r"^(paletteot transfer .*?) +#", text, re.M)
    assert len(lines) == 6
    shutil.copy(album / "A.jpg", album / "C.jpg")
    (album / "frames").mkdir()
    shutil.copy(album / "A.jpg", album / "frames")
    run(lines, album)
    made = {"out.png", "why.png", "look.cube", "C-out.png", "frames-out"}
    assert made <= {file.name for file in album.iterdir()}
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    subprocess.run([sys.executable, "-c", code + "assert made.match.plan.shape == (128, 128)"], cwd=album, check=True)
