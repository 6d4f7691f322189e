"""The parameters of the pipeline: what ``params.yaml`` may say, and reading it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from paletteot.errors import ParamsError

Split = Literal["train", "validation_seen", "validation_unseen", "test_seen", "test_unseen"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Images(_Section):
    """Where pictures come from and how they are cropped and graded."""

    source: str
    location: str | None = Field(None, description="archive of unsplash, folder, or Hugging Face id; none for bundled")
    group_by: str | None = Field(None, description="folder: CSV file of file,group; huggingface: a column")
    licence: str | None = Field(None, description="folder, huggingface: what may be done with the pictures")
    split: str | None = Field(None, description="huggingface: the split, with a config before it as CONFIG/SPLIT")
    allow_fewer: bool = Field(False, description="whether fewer pictures than count may do")
    count: int = Field(ge=6)
    long_side: int = Field(ge=16, le=4096)
    jpeg_quality: int = Field(ge=1, le=100)
    grading: float = Field(ge=0, le=2)
    seed: int = Field(ge=0)


class Palettes(_Section):
    """K-means in CIELAB."""

    k: int = Field(ge=2, le=1024)
    sample: int = Field(ge=256)
    refinements: int = Field(ge=0, le=1000)
    seed: int = Field(ge=0)


class Pairs(_Section):
    """How many pairs each split has, and the share of pictures kept for each unseen side."""

    train: int = Field(ge=1)
    validation_seen: int = Field(ge=1)
    validation_unseen: int = Field(ge=1)
    test_seen: int = Field(ge=1)
    test_unseen: int = Field(ge=1)
    total: int = Field(ge=5)
    unseen_share: float = Field(gt=0, lt=0.5)
    seed: int = Field(ge=0)

    def model_post_init(self, _context: object) -> None:
        """Check that the five splits add up to the total.

        Raises ValueError when they do not.
        """
        if (found := sum(self.sizes().values())) != self.total:
            raise ValueError(f"total must be the sum of the five splits, {found}, but is {self.total}")

    def sizes(self) -> dict[Split, int]:
        """Return the number of pairs of each split."""
        return {
            "train": self.train,
            "validation_seen": self.validation_seen,
            "validation_unseen": self.validation_unseen,
            "test_seen": self.test_seen,
            "test_unseen": self.test_unseen,
        }


class Transport(_Section):
    """The transport problem and the reference iteration (docs/protocol.md)."""

    eps: float = Field(gt=0, description="entropic regularisation, LAB units")
    atol: float = Field(gt=0, description="stop of the reference iteration: largest change of log v")
    max_iterations: int = Field(ge=1)


class Plans(_Section):
    """The exact labels."""

    tolerance: float = Field(gt=0, le=1e-6, description="L1 marginal error of a label")
    shard_rows: int = Field(ge=1)


class Dataset(_Section):
    """The published data set."""

    version: str = Field(pattern=r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$", description="semantic: X.Y.Z")
    hub_id: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="ORG/NAME on the Hugging Face hub")
    cpu_hours: float = Field(ge=0, description="what the stages up to the plans take")


class TrainPlanNetwork(_Section):
    """Training of the seed's model."""

    epochs: int = Field(ge=1)
    block: int = Field(ge=2, description="palettes on each side of a batch")
    learning_rate: float = Field(gt=0)
    pairs: int = Field(ge=1, description="training pairs visited in an epoch; all where there are fewer")
    hidden: int = Field(ge=8)


class TrainDualNetwork(TrainPlanNetwork):
    """Training of the network that predicts g."""

    matrix_rate: float = Field(gt=0, description="learning rate of the matrices of hidden layers (Muon)")
    temperatures: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        min_length=1, description="regularisation of each block and its pass, LAB units"
    )


class Networks(_Section):
    """Settings of each network that is trained."""

    plan_network: TrainPlanNetwork
    dual_network: TrainDualNetwork
    dual_network_self: TrainDualNetwork
    dual_network_unrolled: TrainDualNetwork


class Train(Networks):
    """Training of the learned warm starts."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    scale: Literal["small", "large"] = Field("small", description="small: the settings here; large: those under large")
    experiment: str = Field(min_length=1)
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, description="one training of each for each")
    large: Networks | None = Field(None, description="settings for a GPU")

    def model_post_init(self, _context: object) -> None:
        """Check that there are settings for the scale; raises ValueError when there are none."""
        if self.scale == "large" and self.large is None:
            raise ValueError("large must hold the settings of every network where scale is large")

    @classmethod
    def networks(cls) -> tuple[str, ...]:
        """Return the names of what is trained."""
        return tuple(Networks.model_fields)

    def settings(self, name: str) -> TrainPlanNetwork | TrainDualNetwork:
        """Return the settings of a network at the scale that is asked for."""
        section: Networks = self.large if self.scale == "large" and self.large is not None else self
        found: TrainPlanNetwork | TrainDualNetwork = getattr(section, name)
        return found


class Newton(_Section):
    """Track C: starts in front of damped Newton."""

    methods: tuple[str, ...] = Field(description="contestants, without a seed")
    splits: tuple[Split, ...]


Problems = dict[Split, Annotated[int, Field(ge=0)]]
"""Number of problems of each split, from the first; whole batches."""


class Evaluate(_Section):
    """Which contestants meet which splits."""

    methods: dict[str, str] = Field(min_length=1, description="name -> the file it comes from: its weights or its code")
    splits: Problems = Field(min_length=1, description="Track A")
    accelerated: Problems = Field(description="Track B")
    relaxed: Problems = Field(description="Track B under the relaxed iterations: no more than accelerated")
    ladder: Problems = Field(description="Track A to several stops")
    only_track_a: tuple[str, ...] = Field(description="contestants that accelerate inside their start")
    newton: Newton
    batch: int = Field(ge=1, description="problems a contestant is given at a time")


class Report(_Section):
    """Statistics of the report."""

    bootstrap: int = Field(ge=100)
    seed: int = Field(ge=0)


class Params(_Section):
    """All of ``params.yaml``."""

    workers: int = Field(ge=0, description="worker processes; 0 means one per core")
    images: Images
    palettes: Palettes
    pairs: Pairs
    transport: Transport
    plans: Plans
    dataset: Dataset
    train: Train
    evaluate: Evaluate
    report: Report


def load(path: Path) -> Params:
    """Read and check a parameter file.

    Raises ParamsError with one line that names the file, the field and what is legal.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise ParamsError(f"{path}: no such file; run from the root of the project") from None


def parse(text: str, path: Path) -> Params:
    """Check the text of a parameter file; raises ParamsError as `load` does."""
    try:
        return Params.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise ParamsError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        complaints = []
        for one in error.errors():
            field = ".".join(map(str, one["loc"])) or "the file"
            given = f", but is {one['input']!r}" if not isinstance(one["input"], dict) else ""
            complaints.append(f"{field}: {one['msg']}{given}")
        raise ParamsError(f"{path}: {'; '.join(complaints)}") from None
