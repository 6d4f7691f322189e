"""No option that names what is written may destroy what is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from paletteot import cli
from paletteot.cli.outputs import check_out
from paletteot.dataset import schema
from paletteot.errors import ParamsError
from paletteot.tables import write_parquet
from tests.dataset.test_load import K, palettes_frame


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_parquet(Path("in.parquet"), palettes_frame(), schema.palettes(K))
    Path("results").mkdir()
    Path("results/thesis.txt").write_text("thesis")
    Path("same.parquet").hardlink_to("in.parquet")
    Path("link.parquet").symlink_to("in.parquet")
    return tmp_path


def everything() -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in sorted(Path().rglob("*")) if file.is_file()}


COMMANDS = {"solve": ["solve", "in.parquet"], "import-seed-checkpoint": ["import-seed-checkpoint", "in.parquet"]}
OUTS = {
    "results": "--out must be a file, but results is a folder",
    "in.parquet": "--out must not be in.parquet, which is read, but is in.parquet",
    "./results/../in.parquet": "--out must not be in.parquet, which is read",
    "same.parquet": "--out must not be in.parquet, which is read, but is same.parquet",
    "link.parquet": "--out must not be in.parquet, which is read, but is link.parquet",
    "in.parquet/out": "--out must be in a folder, but in.parquet is none",
    "/dev/null": "--out must be a file, but /dev/null is a device or a pipe",
}


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_to_write_over_what_it_should_not(command, out):
    before = everything()
    done = CliRunner().invoke(cli.app, [*COMMANDS[command], "--out", out])
    assert done.exit_code == 1
    assert OUTS[out] in done.stderr
    assert done.stderr.count("\n") == 1
    assert everything() == before


@pytest.mark.usefixtures("here")
def test_neither_may_the_place_that_solve_chooses_itself():
    Path("in.plans.parquet").mkdir()
    done = CliRunner().invoke(cli.app, ["solve", "in.parquet"])
    assert (done.exit_code, done.stderr) == (1, "error: --out must be a file, but in.plans.parquet is a folder\n")


def test_every_option_that_writes_has_the_guard():
    """Each --out of the command line is checked by `check_out` in the module that declares it."""
    sources = {file.stem: file.read_text() for file in Path(cli.__file__).parent.glob("*.py")}
    writing = {name for name, text in sources.items() if "out: Annotated[" in text}
    assert writing == {"solving", "colours", "seed_checkpoint", "timing", "transferring"}
    assert all("check_out(" in sources[name] for name in writing)


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=40))
def test_a_file_that_is_not_there_may_have_any_name(name):
    out = Path("/nowhere") / name
    if name not in (".", ".."):
        assert check_out(out, [Path("in.parquet")]) == out


def test_an_option_is_named_as_it_is(tmp_path):
    with pytest.raises(ParamsError, match=r"^--to must be a file, but "):
        check_out(tmp_path, option="--to")
