from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from paletteot import warmstarts
from paletteot.errors import DataError
from paletteot.networks.plan_network import PlanNetwork
from paletteot.warmstarts.plan_network import PlanStart
from tests.networks.labelled import EPS, labelled_pairs


class Bomb:
    """A pickle that makes a file when something executes it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.target,)


def published(path: Path) -> OrderedDict[str, torch.Tensor]:
    """Write what the seed would have written and return it."""
    torch.manual_seed(0)
    state = OrderedDict(PlanNetwork().state_dict())
    torch.save(state, path)
    return state


def test_a_checkpoint_is_read_whole_and_becomes_a_contestant(tmp_path: Path) -> None:
    state = published(tmp_path / "model.pt")
    network = PlanNetwork.from_checkpoint(tmp_path / "model.pt")
    assert not network.training
    assert all(torch.equal(network.state_dict()[key], value) for key, value in state.items())
    network.save(tmp_path / "seed.safetensors")
    method = warmstarts.create("seed_checkpoint", tmp_path / "seed.safetensors")
    assert method.name == "seed_checkpoint"
    problems = labelled_pairs(pictures=3).problems(EPS)
    np.testing.assert_array_equal(method.start(problems).g, PlanStart(network).start(problems).g)


def test_the_seeds_own_checkpoint_is_read(seed_dir: Path) -> None:
    file = seed_dir / "model_state_dict_k_128.pt"
    state = torch.load(file, weights_only=True, map_location="cpu")
    found = PlanNetwork.from_checkpoint(file).state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], value) for key, value in state.items())


def _missing(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def _short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:10])


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("not a checkpoint\nat all\n")


def _bomb(path: Path) -> None:
    torch.save({"weights": Bomb(path.with_name("exploded"))}, path)


def _bare_bomb(path: Path) -> None:
    path.write_bytes(pickle.dumps(Bomb(path.with_name("exploded")), protocol=2))


def _other(path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, path)


def _unfitting(path: Path) -> None:
    torch.save(PlanNetwork(hidden=128).state_dict(), path)


def _tensor(path: Path) -> None:
    torch.save(torch.zeros(3), path)


def _numbers(path: Path) -> None:
    torch.save(dict.fromkeys(PlanNetwork().state_dict(), 1.0), path)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_missing, "no such file"),
        (_cut, "not a checkpoint of weights alone"),
        (_short, "not a checkpoint of weights alone"),
        (_empty, "not a checkpoint of weights alone"),
        (_text, "not a checkpoint of weights alone"),
        (_bomb, "not a checkpoint of weights alone"),
        (_bare_bomb, "not a checkpoint of weights alone"),
        (_other, "not the seed's network"),
        (_unfitting, "not the seed's network"),
        (_tensor, "not the seed's network"),
        (_numbers, "not the seed's network"),
    ],
)
def test_what_is_no_checkpoint_gives_one_line_and_is_not_executed(
    damage: Callable[[Path], None], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt"
    published(path)
    damage(path)
    with pytest.raises(DataError, match=words) as caught:
        PlanNetwork.from_checkpoint(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "exploded").exists()


def test_every_cut_and_many_flips_give_one_line(tmp_path: Path) -> None:
    torch.save(PlanNetwork(hidden=8).state_dict(), tmp_path / "model.pt")  # fits nowhere, so nothing is read well
    whole = (tmp_path / "model.pt").read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(60):
        bytes_ = bytearray(whole[: rng.integers(len(whole))] if rng.random() < 0.5 else whole)
        for place in rng.integers(0, max(1, len(bytes_)), 3):
            bytes_[place : place + 1] = bytes([rng.integers(256)])
        (tmp_path / "broken.pt").write_bytes(bytes_)
        with pytest.raises(DataError) as caught:
            PlanNetwork.from_checkpoint(tmp_path / "broken.pt")
        assert "\n" not in str(caught.value)


def test_the_contestant_says_how_its_file_is_made(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file; `paletteot import-seed-checkpoint FILE` makes it"):
        warmstarts.create("seed_checkpoint", tmp_path / "seed.safetensors")
