"""Contestants that the package does not bring along: classes in a file, and those of installed packages."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from paletteot.errors import ParamsError

PACKAGE = "paletteot"
"""This package, whose own solvers run as those of others do."""

GROUP = "paletteot.warm_starts"
"""Entry point group by which an installed package makes its contestants known: name = "module:Class"."""


@dataclass(frozen=True)
class Code:
    """Where the class of a contestant is, or the function of a solver.

    label: how messages call it. place: a file ending in .py, or a module that can be imported. attribute: its name
    there.
    """

    label: str
    place: str
    attribute: str

    @property
    def is_file(self) -> bool:
        """Whether it is in a file of its own, and not in an installed package."""
        return self.place.endswith(".py")

    @property
    def is_ours(self) -> bool:
        """Whether it is of this package."""
        return not self.is_file and self.place.partition(".")[0] == PACKAGE


def in_file(reference: str, what: str = "a contestant of yours", kind: str = "CLASS") -> Code:
    """Return the code that FILE.py:CLASS names; raises ParamsError where that is not what it is, or not there.

    what, kind: how the message calls it, and what is named instead of a class.
    """
    place, _, attribute = reference.rpartition(":")
    if not place.endswith(".py") or not attribute.isidentifier():
        raise ParamsError(f"{what} must be given as FILE.py:{kind}, but is {reference!r}")
    if not Path(place).is_file():
        raise ParamsError(f"{place}: no such file")
    return Code(f"{Path(place).name}:{attribute}", place, attribute)


def installed() -> Mapping[str, Code]:
    """Return the contestants of installed packages by name; none of their code is imported.

    Raises ParamsError where two packages give the same name to different classes.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        if (other := found.setdefault(point.name, point)).value != point.value:
            raise ParamsError(f"two installed packages name a contestant {point.name}: {other.value} and {point.value}")
    return {name: Code(name, point.module, point.attr) for name, point in found.items()}


def sources(code: Code) -> dict[str, Path]:
    """Return the files of code by their names, without running any of it.

    Of a file: itself, and the Python files that it imports from beside it, packages whole. Of an installed package: all
    of its files but compiled byte code. Raises ParamsError where they cannot be read.
    """
    if code.is_file:
        file = Path(code.place).resolve()
        return {str(one.relative_to(file.parent)): one for one in sorted(_with_imports(file, code.label))}
    top = code.place.partition(".")[0]
    spec = find_spec(top)
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        raise ParamsError(f"{code.label}: the files of {top} cannot be found")
    if not (folders := spec.submodule_search_locations):
        return {Path(str(spec.origin)).name: Path(str(spec.origin))}
    files = {file: Path(one).parent for one in folders for file in sorted(Path(one).rglob("*"))}
    return {
        str(file.relative_to(parent)): file
        for file, parent in files.items()
        if file.is_file() and file.parent.name != "__pycache__"
    }


def _with_imports(file: Path, label: str) -> set[Path]:
    folder, todo, found = file.parent, [file], set[Path]()
    while todo:
        if (one := todo.pop()) in found:
            continue
        found.add(one)
        try:
            tree = ast.parse(one.read_bytes(), one.name)
        except (SyntaxError, ValueError, RecursionError, OSError) as error:
            raise ParamsError(f"{label}: {one.name} cannot be read: {' '.join(str(error).split())}") from None
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for top in {name.partition(".")[0] for name in names}:
                todo += [beside for beside in [folder / f"{top}.py"] if beside.is_file()]
                todo += (folder / top).rglob("*.py")
    return found
