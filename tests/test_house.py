"""The house is as docs/house.md says: rooms and walls, what stages depend on, what a plain install needs."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import yaml
from PIL import Image

import closure as script
import paletteot.warmstarts as warmstarts
from paletteot.extras import EXTRAS, MissingPackageError, needed
from paletteot.project import closure
from paletteot.stages.__main__ import STAGES
from tests.dataset import made

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
PACKAGE = SRC / "paletteot"
DATA_STAGES = ("images", "palettes", "pairs", "plans", "release")
JUDGING_STAGES = (*DATA_STAGES, "train", "evaluate")


class Import(NamedTuple):
    """An import of one module of ours by another; typing: for type checkers only."""

    importer: str
    imported: str
    typing: bool


class Room(NamedTuple):
    """A row of the table in docs/house.md."""

    name: str
    modules: tuple[str, ...]
    imports: frozenset[str]


@cache
def rooms() -> tuple[Room, ...]:
    rows = re.findall(r"^\| (\w+) \| (`.+?`) \| .+? \| ?(.*?) ?\|$", (ROOT / "docs" / "house.md").read_text(), re.M)
    return tuple(
        Room(name, tuple(re.findall("`([^`]+)`", modules)), frozenset(filter(None, imports.split(", "))))
        for name, modules, imports in rows
    )


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the package but the door, by its name without the package's."""
    files = [file for file in PACKAGE.rglob("*.py") if file != closure.DOOR]
    return {closure.module_of(file).removeprefix("paletteot."): file for file in files}


def room(module: str) -> str:
    """The room of the longest prefix, as dataset.schema before dataset."""
    found = [
        (len(prefix), one.name) for one in rooms() for prefix in one.modules if f"{module}.".startswith(f"{prefix}.")
    ]
    return max(found)[1] if found else "(no room)"


@cache
def imports() -> tuple[Import, ...]:
    return tuple(
        Import(importer, imported, typing)
        for importer, file in modules().items()
        for imported, typing in _imports(ast.parse(file.read_bytes()), False)
    )


def _imports(node: ast.AST, typing: bool) -> Iterator[tuple[str, bool]]:
    for child in ast.iter_child_nodes(node):
        inside = typing or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test))
        names: list[str] = []
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            names = [
                deeper if _ours(deeper := f"{child.module}.{alias.name}") in modules() else str(child.module)
                for alias in child.names
            ]
        yield from ((_ours(name), inside) for name in names if name.partition(".")[0] == "paletteot")
        yield from _imports(child, inside)


def _ours(name: str) -> str:
    return name.removeprefix("paletteot").removeprefix(".")


def circle(edges: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


# Rooms


def test_every_module_has_a_room_and_every_room_a_module():
    assert sorted({module for module in modules() if room(module) == "(no room)"}) == []
    assert {room(module) for module in modules()} == {one.name for one in rooms()}


def test_rooms_import_from_rooms_above_them_in_the_table():
    seen: set[str] = set()
    for one in rooms():
        assert one.imports <= seen, f"{one.name} may import {sorted(one.imports - seen)}, which stand below it"
        seen.add(one.name)


@pytest.mark.parametrize("name", [one.name for one in rooms()])
def test_a_room_imports_what_the_table_says(name):
    allowed = next(one.imports for one in rooms() if one.name == name) | {name}
    asked = [one for one in imports() if room(one.importer) == name and one.imported]
    assert [one for one in asked if room(one.imported) not in allowed] == []


def test_the_table_allows_nothing_that_nobody_imports():
    real = {(room(one.importer), room(one.imported)) for one in imports()}
    assert [(one.name, to) for one in rooms() for to in sorted(one.imports) if (one.name, to) not in real] == []


@pytest.mark.parametrize("typing", [False, True], ids=["running", "typing too"])
def test_no_circle_of_rooms(typing):
    edges: dict[str, set[str]] = {}
    for one in imports():
        if (typing or not one.typing) and room(one.importer) != room(one.imported):
            edges.setdefault(room(one.importer), set()).add(room(one.imported))
    assert circle(edges) == []


def test_no_circle_of_modules():
    edges: dict[str, set[str]] = {}
    for one in imports():
        if not one.typing:
            edges.setdefault(one.importer, set()).add(one.imported)
    assert circle(edges) == []


def test_no_module_imports_from_the_door():
    assert [one for one in imports() if not one.imported] == []


@pytest.mark.parametrize("name", ["benchmark", "report"])
def test_the_referee_knows_the_contract_and_no_contestant(name):
    known = {one.imported for one in imports() if room(one.importer) == name and room(one.imported) == "warmstarts"}
    assert known == {"warmstarts.contract"}


@pytest.mark.parametrize("name", ["images", "palettes", "pairs"])
def test_pictures_palettes_and_pairs_reach_no_transport(name):
    inside = [f"paletteot.{module}" for module in modules() if room(module) == name]
    reached = {room(_ours(closure.module_of(file))) for file in closure.files(*inside) if file.suffix == ".py"}
    assert reached & {"ot", "ot_torch", "dataset", "warmstarts"} == set()


def test_only_the_project_its_stages_and_commands_know_its_files_and_mlflow():
    outside = [module for module in modules() if room(module) not in ("project", "stages", "cli")]
    for module in outside:
        tree = ast.parse(modules()[module].read_bytes())
        named = {one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        assert named & {"dvc.yaml", "dvc.lock", "mlflow.db"} == set(), module
        taken = {
            alias.name.partition(".")[0] for one in ast.walk(tree) if isinstance(one, ast.Import) for alias in one.names
        }
        taken |= {str(one.module).partition(".")[0] for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)}
        assert taken & {"mlflow", "dvc"} == set(), module


FOUND_BY_NAME = {
    "config",  # the front of params, for users
    "guests.child",  # strangers' code
    "images.decode",  # pillow_heif
    "stages.__main__",  # the stage that is asked for: each has its own closure
    "warmstarts",  # contestants: dependencies of evaluate by their entries
}


def test_few_modules_are_found_by_a_name_which_no_closure_sees():
    calls = re.compile(r"import_module\(|__import__\(|runpy|exec\(")
    assert {module for module, file in modules().items() if calls.search(file.read_text())} == FOUND_BY_NAME


# Up to date


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_just_what_it_runs(stage):
    needed, covered = script.needed(stage), script.covered(stage)
    assert {"missing": sorted(needed - covered), "idle": sorted(covered - needed)} == {"missing": [], "idle": []}


def test_dvc_yaml_is_as_the_script_writes_it():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert set(stages) == set(STAGES)
    for name, stage in stages.items():
        deps = [one for one in stage.get("do", stage)["deps"] if one.startswith("src/")]
        assert deps == script.dependencies(name), f"{name}: `python scripts/closure.py --write` mends it"


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_runs_its_own_file_and_no_other_stage(stage):
    own = {file.name for file in script.needed(stage) if file.parent == PACKAGE / "stages"}
    assert own == {f"{stage}.py"}


def reached(*stages: str) -> set[str]:
    return {str(file.relative_to(PACKAGE)) for stage in stages for file in script.needed(stage)}


def test_harmless_edits_cost_no_data_and_nobody_is_judged_again():
    judging = reached(*JUDGING_STAGES)
    assert [one for one in judging if one.startswith(("ot_torch/", "benchmark/boards/", "report/", "cli/"))] == []
    assert [one for one in reached(*DATA_STAGES) if one.startswith(("benchmark/", "warmstarts/", "networks/"))] == []
    assert "dataset/templates/card.md.j2" in reached("release") - reached("plans", "train", "evaluate", "report")


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("files.py", STAGES), ("tables.py", STAGES), ("dataset/schema.py", STAGES),
        ("dataset/load.py", ("plans", "train", "evaluate")), ("networks/model.py", ("train", "evaluate")),
        ("ot/kernels.py", ("plans", "evaluate")), ("engine.py", ("images", "palettes", "plans", "train", "evaluate")),
        ("splits.py", ("pairs", "train", "evaluate", "report")), ("report/site/templates/index.html.j2", ("report",)),
    ],
)  # fmt: skip
def test_what_decides_a_result_is_depended_on(file, stages):
    assert [stage for stage in stages if file not in reached(stage)] == []


def test_every_contestant_depends_on_all_that_it_runs():
    for method, item in script.methods().items():
        named = {ROOT / path for path in item.values()}
        missing = set(script.own_code(method)) - script.covered("evaluate") - named
        assert missing == set(), method


def test_a_folder_stands_for_its_files_where_all_are_run():
    tables, ladder = PACKAGE / "tables.py", PACKAGE / "benchmark" / "boards" / "ladder.py"
    assert script.cover([tables, ladder]) == ["src/paletteot/benchmark/boards/ladder.py", "src/paletteot/tables.py"]
    whole = [file for file in (PACKAGE / "report").rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert script.cover(whole) == ["src/paletteot/report"]
    assert script.cover([file for file in whole if file.name != "site.css"]) != ["src/paletteot/report"]


# Installs


def fresh(code: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with the package as it is here."""
    kept = os.environ | {"PYTHONPATH": os.pathsep.join([str(SRC), str(ROOT)])} | environment
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=kept, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("module", ["paletteot", "paletteot.config"])
def test_fronts_import_nothing_of_ours(module, tmp_path):
    code = f"import {module}, sys; print(sorted(name for name in sys.modules if name.startswith('paletteot')))"
    assert fresh(code, tmp_path).stdout.strip() == str(sorted({"paletteot", module}))


WITHOUT = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {sorted(EXTRAS)!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""
"""A plain install: no package of the extras can be imported."""

LIGHT = """
import json, sys
from functools import partial
from pathlib import Path
import numpy as np
import paletteot
import paletteot.warmstarts as warmstarts
from paletteot.cli import app
from typer.testing import CliRunner

plans = paletteot.load("test_unseen", source="release")
solved = paletteot.solve(plans.problem(0))
starts = {
    name: warmstarts.create(name).start(plans.batch([0, 1])).g.shape
    for name in ("cold", "gaussian", "epsilon_schedule_10", "lp_duals")
}
said = {}
learned = {name: partial(warmstarts.create, name, Path("weights.safetensors")) for name in warmstarts.trained()}
for name, call in {"warm_start": paletteot.warm_start, "to_torch": plans.to_torch, **learned}.items():
    try:
        call()
    except paletteot.PaletteOTError as error:
        said[name] = str(error)
runs = {}
for arguments in (["palette", "photo.png", "--out", "photo.ase"], ["solve", "palettes.parquet"], ["--help"],
                  ["verify", "release"], ["new-warm-start", "idea"], ["import-seed-checkpoint", "x.pt"]):
    done = CliRunner().invoke(app, arguments)
    runs[arguments[0]] = (done.exit_code, done.output)
print(json.dumps({"error": solved.marginal_error, "starts": starts, "said": said, "runs": runs}))
"""


def test_a_plain_install_loads_solves_and_draws(tmp_path):
    made.release(tmp_path / "release")
    made.pipeline_folder(tmp_path)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    done = fresh(WITHOUT + LIGHT, tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["error"] <= 1e-9
    assert set(map(tuple, found["starts"].values())) == {(2, made.K)}
    assert set(found["said"].values()) == {"this needs torch: pip install 'paletteot[learned]'"}
    assert set(found["said"]) == {"warm_start", "to_torch", *warmstarts.trained()}
    codes = {name: code for name, (code, _) in found["runs"].items()}
    missing = codes.pop("import-seed-checkpoint")
    assert (missing, codes) == (1, dict.fromkeys(("palette", "solve", "--help", "verify", "new-warm-start"), 0))
    words = "error: this needs torch: pip install 'paletteot[learned]'"
    assert words in found["runs"]["import-seed-checkpoint"][1]


@pytest.mark.parametrize("stage", ["images", "train dual_network_self", "release", "transfer", "demo", "report"])
def test_a_stage_without_its_packages_names_the_extra(stage, tmp_path):
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(params.replace("source: packages", "source: bundled"), encoding="utf-8")
    done = fresh(f"{WITHOUT}\nfrom paletteot.stages.__main__ import main\nmain({stage.split()})", tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(r"error: this needs [\w-]+: pip install 'paletteot\[(learned|benchmark)\]'\n", done.stderr)


def test_what_is_no_package_of_an_extra_is_said_as_it_is():
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'") as caught, needed():
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401
    assert not isinstance(caught.value, MissingPackageError)


MODULE_OF = {"scikit-learn": "sklearn", "vl-convert-python": "vl_convert", "ruamel.yaml": "ruamel"}
"""Packages whose module has another name."""

OWN_WORDS = {"color-matcher"}
"""Packages of the extra that one module alone asks for, which says itself what is missing."""


@pytest.mark.parametrize("extra", ["learned", "benchmark"])
def test_extras_are_those_of_pyproject(extra):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"][extra]
    names = {re.split(r"[\[<>=~! ]", one)[0] for one in declared} - {"paletteot"}
    brought = {module for module, by in EXTRAS.items() if by == extra} - {"scikit-learn"}  # asked for by both names
    assert {MODULE_OF.get(name, name) for name in names - OWN_WORDS} == brought


def test_compiled_loops_work_where_no_cache_can_be_written(tmp_path):
    """numba raises at import where neither the package nor a home can be written; root could write everywhere."""
    code = (
        "import importlib, paletteot, numpy as np\n"
        f"for name in {sorted(module for module, file in modules().items() if 'njit' in file.read_text())}:\n"
        "    importlib.import_module(f'paletteot.{name}')\n"
        "x, a = np.eye(3), np.full(3, 1 / 3)\n"
        "print(paletteot.Problem(x, a, 2 * x, a, eps=0.5).cost[0, 0])"
    )
    done = fresh(code, tmp_path, NUMBA_CACHE_LOCATOR_CLASSES="IPythonCacheLocator", HOME="/proc/none")
    assert done.stdout.strip() == "1.0", done.stderr


def test_only_one_module_asks_numba_for_a_cache():
    for module, file in modules().items():
        if module != "compiled":
            assert not re.search(r"^\s*(import numba\b|from numba import .*\bn?jit\b)", file.read_text(), re.M), module
        if not module.startswith(("compiled", "arithmetic.")):  # the second emits instructions of its own
            assert not re.search(r"^\s*(from|import) numba\b", file.read_text(), re.M), module


LIBM = {"exp", "log", "log1p", "log2", "log10", "expm1", "power", "pow", "sin", "cos", "tan", "tanh", "cbrt", "hypot"}
BLAS = {"dot", "vdot", "matmul", "linalg", "inner", "outer", "einsum"}


def test_compiled_loops_have_the_same_bits_on_every_cpu():
    """No order of sums that a compiler chooses, no function whose last bits depend on the CPU or its libraries."""
    seen = 0
    for module, file in modules().items():
        tree = ast.parse(file.read_bytes())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call):
                assert "fastmath" not in {one.arg for one in call.keywords}, module
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef) or "njit" not in map(_called, function.decorator_list):
                continue
            seen += 1
            for one in ast.walk(function):
                where = f"{module}.{function.name}"
                if (
                    isinstance(one, ast.Attribute)
                    and isinstance(one.value, ast.Name)
                    and one.value.id in ("np", "math")
                ):
                    assert one.attr not in LIBM | BLAS, where
                if isinstance(one, ast.BinOp):
                    assert not isinstance(one.op, ast.MatMult), where
                    assert not isinstance(one.op, ast.Pow) or ast.unparse(one.right) == "2", where
    assert seen > 20


def _called(decorator: ast.expr) -> str:
    return ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)


@pytest.mark.parametrize("folder", ["scripts", "benchmarks"])
def test_what_scripts_and_benchmarks_import_is_there(folder):
    for file in sorted((ROOT / folder).glob("*.py")):
        for one in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(one, ast.ImportFrom) and str(one.module).partition(".")[0] == "paletteot":
                for alias in one.names:
                    try:
                        there = hasattr(importlib.import_module(str(one.module)), alias.name)
                    except ModuleNotFoundError:
                        there = False
                    assert there or _ours(f"{one.module}.{alias.name}") in modules(), f"{file.name}: {alias.name}"
            elif isinstance(one, ast.Import):
                for alias in one.names:
                    if alias.name.partition(".")[0] == "paletteot":
                        assert _ours(alias.name) in {"", *modules()}, f"{file.name}: {alias.name}"
