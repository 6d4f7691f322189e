"""Run the whole pipeline at reduced scale in .quickstart and print its leaderboard: `make quickstart`."""

from __future__ import annotations

import sys
import time

import yaml

import workspace


def main() -> None:
    started = time.monotonic()
    change = yaml.safe_load((workspace.ROOT / "scripts" / "quickstart.yaml").read_text())
    folder = workspace.make(workspace.ROOT / ".quickstart", change)
    if code := workspace.dvc(folder, "repro", "--quiet").returncode:
        sys.exit(code)
    print((folder / "reports" / "leaderboard.md").read_text())
    print(f"Report: {folder / 'reports' / 'site' / 'index.html'}")
    print(
        f"A small run of {time.monotonic() - started:.0f} s, on crops of nine photographs: it shows that everything "
        "works, and ranks nothing; the benchmark's own figures are in reports/."
    )


if __name__ == "__main__":
    main()
