"""Time the whole run by stage, on an idle machine: `make reproduce 2>&1 | python benchmarks/reproduce.py`."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator

from record import machine, write_section

BEGUN = re.compile(r"Running stage '([^'@]+)(?:@([^']+))?'")


def seconds(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Give each stage, all of what it is made for together, and the seconds until the next one began, or the end."""
    stage, since = "", time.monotonic()
    for line in lines:
        sys.stderr.write(line)
        if found := BEGUN.search(line):
            if stage:
                yield stage, time.monotonic() - since
            stage, since = found[1], time.monotonic()
    if stage:
        yield stage, time.monotonic() - since


def main() -> None:
    total: dict[str, tuple[int, float]] = {}
    for stage, spent in seconds(sys.stdin):
        times, before = total.get(stage, (0, 0.0))
        total[stage] = (times + 1, before + spent)
    whole = sum(spent for _, spent in total.values())
    lines = ["| stage | runs | minutes |", "|---|---|---|"]
    lines += [f"| {stage} | {times} | {spent / 60:.1f} |" for stage, (times, spent) in total.items()]
    lines += [f"| all | {sum(times for times, _ in total.values())} | **{whole / 60:.1f}** |"]
    command = "make reproduce 2>&1 | python benchmarks/reproduce.py"
    note = (
        "One uninterrupted run from an empty workspace on an otherwise idle machine; numba's compiling and the "
        "fetching of the photographs included."
    )
    write_section("reproduce", "The whole run", command, [note, "", *lines, "", machine()])


if __name__ == "__main__":
    main()
