"""Time colour transfer beside other libraries: `python benchmarks/transfer.py` after the images stage, on Linux.

A pair of 12 megapixels, each library in a process of its own, from arrays to an array; then ours by parts, from file to
file. --megapixels N takes other pairs, and prints instead of recording; --large times a picture of 100 as a command.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from record import machine, write_section

from paletteot.comparison.peers import PEERS, attempt
from paletteot.transfer import pixels
from paletteot.transfer.options import Options
from paletteot.transfer.photo import Photo
from paletteot.transfer.run import Look, Side, transfer

PAIR = ("packages-00011", "packages-00540")
"""Pictures of the data set that are enlarged; grain of 2 levels gives them the colours of a photograph."""
MEGAPIXELS, LARGE = 12, 100
REPEATS = 3
PATIENCE = 60
"""Seconds after which a library is not waited for."""
OURS = ("smooth", "hard")


def enlarged(name: str, megapixels: float, seed: int) -> np.ndarray:
    with Image.open(Path("data/images") / f"{name}.jpg") as small:
        scale = (megapixels * 1e6 / (small.width * small.height)) ** 0.5
        size = round(small.width * scale), round(small.height * scale)
        large = np.asarray(small.resize(size, Image.Resampling.BICUBIC))
    grain = np.random.default_rng(seed)
    rows = [np.clip(row + grain.normal(0, 2, row.shape), 0, 255).astype(np.uint8) for row in large]
    return np.stack(rows)


def peak() -> float:
    """Return the most memory that this process has had, MB; what its parent had, as getrusage tells, left out."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def child(name: str, folder: Path, repeats: int) -> None:
    """Print seconds of each run, and megabytes at most, of one library, compiled code loaded before."""
    a, b = np.load(folder / "a.npy"), np.load(folder / "b.npy")
    before = peak()

    def run(a: np.ndarray, b: np.ndarray) -> object:
        return transfer(a, b, method=name) if name in OURS else attempt(PEERS[name], a, b, 0)

    run(a[::16, ::16].copy(), b[::16, ::16].copy())
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run(a, b)
        seconds.append(time.perf_counter() - begin)
        if seconds[0] > 20:
            break
    print(json.dumps({"seconds": seconds, "own": peak() - before}))


def beside(folder: Path) -> list[str]:
    """Return a row for each library, those of ours first."""
    rows, base = [], 0.0
    for name in [*OURS, *PEERS]:
        command = [sys.executable, __file__, "--child", name, "--folder", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            rows.append(f"| {name} | more than {PATIENCE} | | |")
            continue
        if done.returncode:
            rows.append(f"| {name} | fails: {done.stderr.strip().splitlines()[-1][:80]} | | |")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        median = statistics.median(found["seconds"])
        base = base or median
        label = f"ours, {name}" if name in OURS else name
        rows.append(f"| {label} | {median:.2f} | {median / base:.1f} | {found['own']:,.0f} |")
        print(rows[-1], file=sys.stderr)
    return rows


def parts(folder: Path) -> tuple[list[str], float, int]:
    """Return a row for each part of a transfer from files to a file, the sum of the medians, and A's colours."""
    options, found = Options(), []
    for _ in range(REPEATS + 1):
        clock = [time.perf_counter()]
        a, b = Photo.of(folder / "a.jpg"), Photo.of(folder / "b.jpg")
        clock.append(time.perf_counter())
        source, target = Side.of(a, options), Side.of(b, options)
        clock.append(time.perf_counter())
        look = Look.between(source, target, options)
        clock.append(time.perf_counter())
        moved = look.on(a)
        clock.append(time.perf_counter())
        moved.save(folder / "made.jpg")
        clock.append(time.perf_counter())
        found.append([*np.diff(clock), look.match.seconds])
    medians = np.median(found[1:], axis=0)  # the first loads compiled code
    names = ("open both", "palettes of both", "plan and map", "pixels", "write a JPEG", "of it the transport")
    rows = [f"| {name} | {1000 * median:.1f} |" for name, median in zip(names, medians, strict=True)]
    return rows, float(medians[:-1].sum()), len(pixels.colours(a.pixels))


AS_COMMAND = """
import sys
from pathlib import Path
from paletteot.cli import app
try:
    app()
finally:
    print(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")), file=sys.stderr)
"""


def command(folder: Path, megapixels: float) -> tuple[float, float, float]:
    """Return seconds of the whole command on a large picture, its peak in MB, and seconds of one that does nothing."""
    Image.fromarray(enlarged(PAIR[0], megapixels, 2)).save(folder / "large.jpg", quality=92)
    seconds, most = [], 0.0
    for arguments in (["b.jpg", "b.jpg", "--out", "made.jpg"], ["large.jpg", "b.jpg", "--out", "made.jpg"], ["--help"]):
        begin = time.perf_counter()
        line = [sys.executable, "-c", AS_COMMAND, "transfer", *arguments]
        done = subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True)
        seconds.append(time.perf_counter() - begin)
        most = max(most, int(re.findall(r"VmHWM:\s*(\d+)", done.stderr)[-1]) / 1024)
    return seconds[1], most, seconds[2]  # the first has compiled


def large(megapixels: float) -> None:
    """Record the section of a large picture."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        Image.fromarray(enlarged(PAIR[1], MEGAPIXELS, 1)).save(folder / "b.jpg", quality=92)
        whole, most, nothing = command(folder, megapixels)
    lines = [
        f"A JPEG of {megapixels:g} megapixels in the colours of one of {MEGAPIXELS}, to a JPEG: {whole:.1f} s, of "
        f"which {nothing:.1f} s start Python and the command line; peak memory {most:,.0f} MB (target: 1,500).",
        "", machine(),
    ]  # fmt: skip
    write_section(
        "transfer_large", "Colour transfer of a large picture", "python benchmarks/transfer.py --large", lines
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=MEGAPIXELS)
    parser.add_argument("--large", action="store_true", help=f"a picture of {LARGE} megapixels instead, as a command")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        return child(given.child, given.folder, REPEATS)
    if given.large:
        return large(LARGE)
    with TemporaryDirectory() as place:
        folder = Path(place)
        for seed, (name, picture) in enumerate(zip("ab", PAIR, strict=True)):
            made = enlarged(picture, given.megapixels, seed)
            np.save(folder / f"{name}.npy", made)
            Image.fromarray(made).save(folder / f"{name}.jpg", quality=92)
        by_part, total, distinct = parts(folder)
        table = beside(folder)
    lines = [
        f"{' and '.join(PAIR)} of the data set, enlarged to {given.megapixels:g} megapixels, with grain; k = 128, "
        f"median of {REPEATS} runs; each library in a process of its own, from arrays to an array, importing "
        f"and compiling excluded; what takes longer than {PATIENCE} s is not waited for. MB: peak beside the pictures.",
        "", "| transfer | s | ratio | MB |", "|---|---|---|---|", *table, "",
        f"Ours from two JPEGs to one, {total:.2f} s (target: 3 s):",
        "", "| part | ms |", "|---|---|", *by_part, "",
        f"{distinct:,} distinct colours are moved.",
        "", machine(),
    ]  # fmt: skip
    if given.megapixels == MEGAPIXELS:
        write_section("transfer", "Colour transfer", "python benchmarks/transfer.py", lines)
    else:
        print("\n".join(lines))
    return None


if __name__ == "__main__":
    main()
