"""Hold dvc.yaml to the imports: every stage depends on just the files of the package that it runs.

    python scripts/closure.py            says where dvc.yaml and the imports part; exit code 1 if they do
    python scripts/closure.py --write    writes the stages' dependencies on src anew

A folder stands for its files where a stage runs all of them. What each contestant of the stage `evaluate` alone runs,
its own file, is named by its entry in params.yaml; what it shares with others is every contestant's dependency.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq

import paletteot.warmstarts as warmstarts
from paletteot.project import closure
from paletteot.warmstarts.contract import family

ROOT = Path(__file__).parents[1]
DVC, PARAMS, SRC = ROOT / "dvc.yaml", ROOT / "params.yaml", "src"
MADE = (".pyc", ".nbi", ".nbc")
"""What Python and numba put beside sources."""


def main() -> None:
    """Check dvc.yaml, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the dependencies anew")
    rewrite = parser.parse_args().write
    found = _yaml().load(DVC)
    parted = False
    for name, stage in found["stages"].items():
        deps = _deps(stage)
        wanted = dependencies(name)
        kept = [one for one in deps if not str(one).startswith(f"{SRC}/")]
        if rewrite:
            _replace(deps, wanted)
        elif (given := [str(one) for one in deps if one not in kept]) != wanted:
            parted = True
            print(f"{name}: deps must hold {_listed(wanted, given)} and not {_listed(given, wanted)}")
    if rewrite:
        with DVC.open("w", encoding="utf-8") as file:
            _yaml().dump(found, file)
    elif parted:
        sys.exit("dvc.yaml and the imports part; `python scripts/closure.py --write` mends it")


def dependencies(stage: str) -> list[str]:
    """Return the files and folders of the package that a stage runs, sorted, relative to the root of the project."""
    return cover(needed(stage))


def needed(stage: str) -> set[Path]:
    """Return the files of the package that a stage runs, of every contestant but what its entry names."""
    files = set(closure.files(f"paletteot.stages.{stage}"))
    if stage == "evaluate":
        for method, item in methods().items():
            files |= set(own_code(method)) - {ROOT / path for path in item.values()}
    return files


def covered(stage: str) -> set[Path]:
    """Return the files of the package, none of them empty, that the dependencies of a stage in dvc.yaml cover."""
    deps = [str(one) for one in _deps(yaml.safe_load(DVC.read_text(encoding="utf-8"))["stages"][stage])]
    return {file for one in deps if one.startswith(f"{SRC}/") for file in _files(ROOT / one)}


def methods() -> dict[str, dict[str, str]]:
    """Return the contestants of the pipeline, each with the paths that its entry in params.yaml names."""
    found: dict[str, dict[str, str]] = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))["evaluate"]["methods"]
    return found


def own_code(method: str) -> tuple[Path, ...]:
    """Return the files that a contestant of the pipeline runs."""
    return closure.files(*warmstarts.code(family(method)))


def cover(files: Iterable[Path]) -> list[str]:
    """Return the fewest paths that stand for just these files: folders where all that is in one is among them."""
    return sorted(str(path.relative_to(ROOT)) for path in _cover(closure.ROOT, frozenset(files)))


def _cover(folder: Path, files: frozenset[Path]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        inside = set(_files(path))
        if inside and inside <= files:
            yield path
        elif path.is_dir() and inside & files:
            yield from _cover(path, files)


def _files(path: Path) -> Iterator[Path]:
    """Give the files at or below a path that are not empty, but for what Python and numba made."""
    for file in (path, *path.rglob("*")):
        if file.is_file() and file.suffix not in MADE and file.stat().st_size:
            yield file


def _replace(deps: CommentedSeq, wanted: Iterable[str]) -> None:
    """Put these in the place of the files of the package; other dependencies stay first, their comments kept."""
    for place in reversed(range(len(deps))):
        if str(deps[place]).startswith(f"{SRC}/"):
            deps.ca.items.pop(place, None)
            del deps[place]
    deps.extend(wanted)
    deps.fa.set_block_style()


def _deps(stage: Mapping[str, Any]) -> Any:
    return stage.get("do", stage)["deps"]


def _listed(these: list[str], those: list[str]) -> str:
    return ", ".join(one for one in these if one not in those) or "(none)"


def _yaml() -> YAML:
    made = YAML()
    made.width = 4096
    made.preserve_quotes = True
    made.indent(mapping=2, sequence=4, offset=2)
    return made


if __name__ == "__main__":
    main()
