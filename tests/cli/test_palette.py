from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import paletteot
from paletteot import cli, swatches
from paletteot.dataset import schema
from paletteot.tables import read_parquet

RED, GREEN, BLUE = (200, 30, 40), (20, 180, 60), (10, 40, 220)


@pytest.fixture
def photo(tmp_path, monkeypatch):
    """Half red, a quarter green, a quarter blue, 512 px on the long side already."""
    monkeypatch.chdir(tmp_path)
    pixels = np.empty((256, 512, 3), np.uint8)
    pixels[:, :256], pixels[:128, 256:], pixels[128:, 256:] = RED, GREEN, BLUE
    Image.fromarray(pixels).save("drei Farben.png")
    return tmp_path / "drei Farben.png"


def run(*arguments: object):
    done = CliRunner().invoke(cli.app, ["palette", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_a_pipe_gets_plain_lines(photo):
    done = run(photo)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "#c81e28  50.00%"
    assert sorted(lines[1:]) == ["#0a28dc  25.00%", "#14b43c  25.00%"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
@pytest.mark.parametrize("declined", [False, True])
def test_a_terminal_gets_colours_unless_its_user_declines(photo, declined):
    ours, theirs = os.openpty()
    environment = {
        **os.environ, "NO_COLOR": "1" if declined else "", "COLUMNS": "40",
        "PYTHONPATH": str(Path(cli.__file__).parents[2]),
    }  # fmt: skip
    command = [sys.executable, "-c", "from paletteot.cli import app; app()", "palette", str(photo)]
    # What is printed fits into the terminal's buffer, so it can be read when the command has ended.
    subprocess.run(command, stdout=theirs, env=environment, check=True)
    shown = os.read(ours, 4096).decode().replace("\r\n", "\n")
    os.close(ours)
    os.close(theirs)
    assert "#c81e28  50.00%" in shown
    assert ("\x1b[48" in shown) is not declined
    assert shown.startswith("#c81e28" if declined else f"\x1b[48;2;200;30;40m{' ' * 20}\x1b[0m")


def test_each_out_is_written_by_its_suffix(photo, tmp_path):
    files = [tmp_path / "made" / f"out{suffix}" for suffix in (".png", ".JSON", ".gpl", ".ase")]
    done = run(photo, *(part for file in files for part in ("--out", file)))
    assert done.exit_code == 0, done.stderr
    assert [file.read_bytes()[:4] for file in files] == [b"\x89PNG", b"{\n  ", b"GIMP", b"ASEF"]
    said = json.loads(files[1].read_bytes())
    assert (said["picture"], said["k"], len(said["colours"])) == ("drei Farben.png", 16, 3)


def test_a_photograph_is_brought_to_512_pixels(photo, monkeypatch):
    seen = []
    monkeypatch.setattr("paletteot.palettes.palette", lambda pixels, **_: seen.append(pixels.shape) or 1 / 0)
    Image.open(photo).resize((1024, 768)).save("large.png")
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(cli.app, ["palette", "large.png"], catch_exceptions=False)
    assert seen == [(1, 384 * 512, 3)]


def test_the_same_seed_gives_the_same_palette(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    first, again, other = (run(tmp_path / "noise.png", "--k", 5, "--seed", seed).stdout for seed in (1, 1, 2))
    assert first == again != other
    assert len(first.splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.jpg",), "nowhere.jpg: cannot be read: No such file or directory"),
        ((".",), ".: must be a picture, but is a folder"),
        (("drei Farben.png", "nowhere.jpg"), "nowhere.jpg: cannot be read: No such file or directory"),
        (
            ("drei Farben.png", "text.jpg", "-o", "x.ase"),
            "--out must be a .parquet for 2 photographs, but is x.ase, which holds one",
        ),
        (
            ("drei Farben.png", "other/drei Farben.jpg", "-o", "x.parquet"),
            "drei Farben.png and other/drei Farben.jpg are both 'drei Farben' in a table",
        ),
        (("text.jpg",), "text.jpg: cannot be read as a picture"),
        (("drei Farben.png", "--k", "1"), "--k must be 2 to 1024, but is 1"),
        (("drei Farben.png", "--k", "1025"), "--k must be 2 to 1024, but is 1025"),
        (
            ("drei Farben.png", "-o", "x.bmp"),
            "--out must end in one of .png, .json, .gpl, .ase, .parquet, but is x.bmp",
        ),
        (
            ("drei Farben.png", "-o", "a.png", "-o", "x"),
            "--out must end in one of .png, .json, .gpl, .ase, .parquet, but is x",
        ),
        (("drei Farben.png", "-o", "folder.png"), "--out must be a file, but folder.png is a folder"),
        (
            ("drei Farben.png", "-o", "./drei Farben.png"),
            "--out must not be drei Farben.png, which is read",
        ),
        (("drei Farben.png", "-o", "text.jpg/x.png"), "--out must be in a folder, but text.jpg is none"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(photo, tmp_path, arguments, words):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    before = photo.read_bytes()
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert photo.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["drei Farben.png", "folder.png", "text.jpg"]


def test_the_help_names_every_format():
    done = run("--help")
    assert done.exit_code == 0
    assert all(suffix in done.stdout for suffix in (*swatches.FORMATS, ".parquet"))


@pytest.fixture
def album(tmp_path, monkeypatch) -> list[str]:
    """Photographs of 3 and many colours, and a white one."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("one.jpg", "two.png", "Straße.webp")):
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(name)
    Image.new("RGB", (20, 20), "white").save("white.png")
    return ["one.jpg", "two.png", "Straße.webp", "white.png"]


def test_photographs_become_a_table_that_solve_reads(album):
    done = run(*album, "--out", "palettes.parquet", "--k", 12)
    assert (done.exit_code, done.stdout) == (0, "4 palettes of 12 colours in palettes.parquet\n"), done.stderr
    table = read_parquet(Path("palettes.parquet"), schema.palettes(12))
    assert table["image_id"].to_list() == ["one", "two", "Straße", "white"]
    for name, row in zip(album, table.iter_rows(named=True), strict=True):
        alone = paletteot.palette(name, 12)
        np.testing.assert_array_equal(row["centroids"], alone.centroids)
        np.testing.assert_array_equal(row["weights"], alone.weights)
        assert (row["inertia"], row["colours"]) == (alone.inertia, alone.colours)
    assert table["weights"].to_numpy()[3].tolist() == [1, *[0] * 11]
    solved = CliRunner().invoke(cli.app, ["solve", "palettes.parquet", "--plans", "couplings.npy"])
    assert solved.exit_code == 0, solved.stderr
    assert np.load("couplings.npy").shape == (12, 12, 12)
    assert not Path(".partial").exists()


def test_one_photograph_may_be_a_table_and_swatches_at_once(album):
    done = run(album[0], "-o", "one.parquet", "-o", "one.json")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) == 129
    assert read_parquet(Path("one.parquet"), schema.palettes(128)).height == 1
    assert len(json.loads(Path("one.json").read_bytes())["colours"]) == 128


@pytest.mark.parametrize("k", [2, 1024])
def test_tables_of_any_size(album, k):
    assert run(album[0], album[3], "-o", "p.parquet", "--k", k).exit_code == 0
    assert (read_parquet(Path("p.parquet"), schema.palettes(k))["weights"].to_numpy()[0] > 0).all()


def test_several_photographs_without_a_table_are_shown_by_name(album):
    done = run(*album, "--k", 2)
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if line in album] == album
    assert "#ffffff 100.00%" in done.stdout


def test_palettes_that_were_made_are_not_made_again(album, monkeypatch):
    (Path("broken.jpg")).write_text("no picture")
    monkeypatch.setattr("paletteot.cli.colours.CHUNK", 1)
    monkeypatch.setattr("paletteot.workers.cores", lambda: 1)
    done = run(*album, "broken.jpg", "-o", "p.parquet")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].startswith("error: broken.jpg: cannot be read as a picture")
    assert len(list(Path(".partial").rglob("*.parquet"))) == 4
    assert not Path("p.parquet").exists()
