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

from paletteot import cli, swatches

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
    assert seen == [(384, 512, 3)]


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
        ((".",), ".: cannot be read: Is a directory"),
        (("text.jpg",), "text.jpg: cannot be read as a picture"),
        (("drei Farben.png", "--k", "1"), "--k must be 2 to 1024, but is 1"),
        (("drei Farben.png", "--k", "1025"), "--k must be 2 to 1024, but is 1025"),
        (("drei Farben.png", "-o", "x.bmp"), "--out must end in one of .png, .json, .gpl, .ase, but is x.bmp"),
        (("drei Farben.png", "-o", "a.png", "-o", "x"), "--out must end in one of .png, .json, .gpl, .ase, but is x"),
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
    assert all(suffix in done.stdout for suffix in swatches.FORMATS)
