"""What every learned warm start shares: a file of weights that executes nothing when it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from paletteot.errors import DataError
from paletteot.files import replacing
from paletteot.ot.problem import Problems

CHUNK = 16 * 128 * 128
"""Entries of cost matrices in one pass of a network: bounds memory, and stays in the cache."""


class Network(nn.Module):
    """A network that can be trained and saved.

    name: of the contestant that it is trained for. settings: the arguments it was made with. A file of weights records
    both.
    """

    name: str
    settings: dict[str, Any]

    def save(self, path: Path, **facts: object) -> None:
        """Write the weights as safetensors, whole or not at all; facts: whatever else is worth recording, as JSON."""
        tensors = {name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()}
        header = {"name": self.name, "settings": self.settings, **facts}
        with replacing(path) as fresh:
            save_file(tensors, fresh, metadata={"paletteot": json.dumps(header, sort_keys=True)})

    @classmethod
    def load(cls, path: Path, name: str) -> Self:
        """Return the network of a file, ready to predict; name: of the contestant that it was trained for.

        Raises DataError naming the file when it is missing, cut short or holds another network.
        """
        header, tensors = _read(path)
        if (found := header.get("name", "something else")) != name:
            raise DataError(f"{path}: must hold weights of {name}, but holds {found}")
        try:
            network = cls(**header["settings"])
            network.load_state_dict(tensors)
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise DataError(f"{path}: weights do not fit {name}: {' '.join(str(error).split())[:200]}") from None
        network.name = name
        return network.eval()


def chunks(problems: Problems) -> Iterator[slice]:
    """Cut a batch of problems into slices of bounded memory."""
    size = max(1, CHUNK // (problems.a.shape[1] * problems.b.shape[1]))
    for start in range(0, len(problems), size):
        yield slice(start, start + size)


def to_gauge(g: list[Tensor], problems: Problems) -> NDArray[np.float64]:
    """Return the potentials of all chunks, (batch, l) float64, with sum_j b_j g_j = 0 and 0 where the weight is 0."""
    on = problems.b > 0
    whole = np.where(on, torch.cat(g).double().cpu().numpy(), 0.0)
    return np.where(on, whole - (whole * problems.b).sum(axis=1, keepdims=True), 0.0)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; `dvc repro` trains it")
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})["paletteot"])
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise DataError(f"{path}: not a whole file of weights of this project: {error}") from None
