"""Which source files decide what a module does: its import closure within this package, read without running any of it.

DVC's stages depend on just these files, unfinished work is kept under a key of them, and a record's version of the
referee is their hash; so the three can never part.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

PACKAGE = "paletteot"
ROOT = Path(__file__).parents[1]
"""The package's folder."""

DOOR = ROOT / "__init__.py"
"""Imports nothing until a user asks for a name, and no module of ours asks: no module depends on it."""


@lru_cache(maxsize=64)
def files(*modules: str) -> tuple[Path, ...]:
    """Return the files that importing modules of this package may execute, sorted, and what lies beside them.

    Imports inside functions count, those for type checkers do not. Of a package that is reached, files that are no
    Python (templates, weights, pages) count too: its code reads them.
    """
    todo = [found for module in modules if (found := _file(module))]
    seen: set[Path] = set()
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        todo += [one for module in _imports(ast.parse(file.read_bytes())) for one in _with_parents(module)]
    return tuple(sorted({file for file in seen if file.stat().st_size} | set(_beside(seen))))


def module_of(file: Path) -> str:
    """Return the dotted name of a file of this package, wherever the copy lies that is named."""
    parts = file.with_suffix("").parts
    inside = parts[len(parts) - parts[::-1].index(PACKAGE) :] if PACKAGE in parts else parts
    return ".".join([PACKAGE, *(part for part in inside if part != "__init__")])


def _imports(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        if isinstance(child, ast.ImportFrom) and (child.module or "").partition(".")[0] == PACKAGE:
            yield str(child.module)
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name.partition(".")[0] == PACKAGE)
        else:
            yield from _imports(child)


def _with_parents(module: str) -> Iterator[Path]:
    """Give the files of a module and of the packages that it lies in, but for the door."""
    parts = module.split(".")
    for end in range(2, len(parts) + 1):
        if found := _file(".".join(parts[:end])):
            yield found


def _file(module: str) -> Path | None:
    place = ROOT.joinpath(*module.split(".")[1:])
    candidates = (place.with_suffix(".py"), place / "__init__.py")
    return next((file for file in candidates if file.is_file() and file != DOOR), None)


def _beside(seen: set[Path]) -> Iterator[Path]:
    for package in {file.parent for file in seen} - {ROOT}:
        for file in package.rglob("*"):
            inside = file.relative_to(package).parts
            if file.is_file() and file.suffix not in (".py", ".pyc", ".nbi", ".nbc") and "__pycache__" not in inside:
                nearest = next(one for one in file.parents if (one / "__init__.py").is_file() or one == package)
                if nearest == package:
                    yield file
