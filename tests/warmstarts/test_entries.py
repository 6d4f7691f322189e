"""Every contestant says in its own file all that there is to say of it, and nobody else lists it."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from paletteot import warmstarts
from paletteot.errors import DataError, ParamsError
from paletteot.networks import training
from paletteot.networks.dual_network import DualNetwork
from paletteot.project import parameters
from tests.networks.labelled import labelled_pairs
from tests.networks.test_training import DUAL, fit, silent
from tests.warmstarts import reading

ROOT = Path(__file__).parents[2]
CONTRACT = "contract"

NEW = """
from paletteot.warmstarts.dual_network import entry

ENTRIES = (entry("dual_network_new", "a network of tomorrow"),)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules stand among those of the package."""
    monkeypatch.setattr(warmstarts, "__path__", [*warmstarts.__path__, str(tmp_path)])
    warmstarts._declared.cache_clear()
    yield tmp_path
    warmstarts._declared.cache_clear()
    for name in [name for name in sys.modules if name.startswith("paletteot.warmstarts.added")]:
        del sys.modules[name]


def test_every_module_declares_its_contestants() -> None:
    modules = {info.name for info in pkgutil.iter_modules(warmstarts.__path__)} - {CONTRACT}
    declared = {warmstarts.code(name)[0].rpartition(".")[2] for name in warmstarts.entries()}
    assert declared == modules


@pytest.mark.parametrize("name", warmstarts.entries())
def test_an_entry_says_what_its_contestant_says(name: str, tmp_path: Path) -> None:
    entry = warmstarts.entries()[name]
    made = warmstarts.create(name, reading.file(name, tmp_path))
    assert (made.name, made.summary, made.citation) == (entry.name, entry.summary, entry.citation)
    assert entry.name == name


def test_listing_the_contestants_imports_no_heavy_library() -> None:
    check = (
        "import json, sys, paletteot.warmstarts as w; w.entries(); "
        "print(json.dumps([one for one in ('torch', 'mlflow', 'dvc', 'ot') if one in sys.modules]))"
    )
    found = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True).stdout
    assert json.loads(found) == []


def test_who_learned_is_told_from_who_did_not() -> None:
    learned = {name for name, entry in warmstarts.entries().items() if entry.learned}
    assert learned == {"nearest", "seed_checkpoint", "plan_network_kept", "dual_network_accelerated"} | set(
        warmstarts.trained()
    )
    assert [name for name, entry in warmstarts.entries().items() if not entry.kernel_only] == ["lp_duals"]


def test_a_name_declared_twice_is_an_error(folder: Path) -> None:
    (folder / "added_twice.py").write_text("from paletteot.warmstarts.cold import ENTRIES")
    with pytest.raises(ValueError, match=r"cold is declared by paletteot\.warmstarts\.\w+ and by paletteot\.warmsta"):
        warmstarts.entries()


def test_a_module_without_entries_is_an_error(folder: Path) -> None:
    (folder / "added_nothing.py").write_text("")
    with pytest.raises(AttributeError, match="ENTRIES"):
        warmstarts.entries()


def test_a_new_network_is_one_file_and_a_section_of_the_parameters(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is listed, its settings are legal, it is trained, and its weights are read: nothing else has to change."""
    name = "dual_network_new"
    here = tmp_path_factory.mktemp("project")
    asked = yaml.safe_load((ROOT / "params.yaml").read_text())
    asked["train"]["networks"][name] = asked["train"]["networks"]["dual_network_unrolled"] | {"epochs": 1}
    asked["train"]["large"][name] = {"epochs": 9}
    (here / "params.yaml").write_text(yaml.safe_dump(asked))
    monkeypatch.chdir(here)
    with pytest.raises(ParamsError, match=r"^params\.yaml: train\.networks must name networks among .*_new'$"):
        parameters.load_params()

    (folder / "added_network.py").write_text(NEW)
    warmstarts._declared.cache_clear()
    settings = parameters.load_params().train.settings(name)
    assert settings.loss == "unrolled"
    small = DUAL.model_copy(update={"epochs": 1, "loss": settings.loss})
    trained = fit(name, here, small, log=silent)
    trained.save(here / "weights.safetensors")
    start = warmstarts.create(name, here / "weights.safetensors")
    assert (start.name, start.summary) == (name, "a network of tomorrow")
    assert start.start(labelled_pairs().problems()).g.shape == (len(labelled_pairs()), 12)
    assert isinstance(training.create(name, small, 0), DualNetwork)


@pytest.mark.parametrize("name", ["dual_network", "dual_network_unrolled", "dual_network_accelerated"])
def test_weights_trained_under_another_name_are_refused(name: str, tmp_path: Path) -> None:
    network = DualNetwork(hidden=16)
    network.name = "dual_network_other"
    network.save(path := tmp_path / "weights.safetensors")
    wanted = reading.OTHERS.get(name, name)
    with pytest.raises(DataError, match=f"must hold weights of {wanted}, but holds dual_network_other"):
        warmstarts.create(name, path)


def test_an_unknown_name_is_refused_with_the_legal_ones() -> None:
    with pytest.raises(ParamsError, match=r"^method must be one of cold, dual_network, .*, but is 'hot'$"):
        warmstarts.create("hot")
