"""Put a benchmark's table into its section of reports/benchmarks.md."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from pathlib import Path

import paletteot.engine as engine
from paletteot.files import write_text

FILE = Path("reports/benchmarks.md")


def machine() -> str:
    """Return what the figures were measured on, without naming the host."""
    model = (
        re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
        if Path("/proc/cpuinfo").exists()
        else None
    )
    cpu = model[1].strip() if model else platform.processor() or platform.machine()
    return f"Machine: {cpu}, {engine.cores(0)} cores, {platform.system()}, Python {platform.python_version()}."


def write_section(name: str, title: str, command: str, lines: Sequence[str]) -> None:
    """Replace or append the section, and print it."""
    text = FILE.read_text() if FILE.is_file() else "# Benchmarks\n\nSpeed and memory; not part of any test.\n"
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    body = "\n".join([begin, f"## {title}", "", f"`{command}`", "", *lines, end])
    before, found, after = text.partition(begin)
    text = before + body + after.partition(end)[2] if found else f"{text}\n{body}\n"
    write_text(FILE, text)
    print(body)
