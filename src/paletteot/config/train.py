"""Training of the learned warm starts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from paletteot.config.section import Section

Architecture = Literal["plan", "dual"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)


class TrainNetwork(Section):
    """Training of a network, whatever its architecture."""

    loss: str = Field(min_length=1, description="name of a loss of its architecture: paletteot.networks.losses.LOSSES")
    epochs: int = Field(ge=1)
    block: int = Field(ge=2, description="palettes on each side of a batch")
    learning_rate: float = Field(gt=0)
    pairs: int = Field(ge=1, description="training pairs visited in an epoch; all where there are fewer")
    hidden: int = Field(ge=8)


class TrainPlanNetwork(TrainNetwork):
    """Training of the seed's model."""

    architecture: Literal["plan"]


class TrainDualNetwork(TrainNetwork):
    """Training of the network that predicts g."""

    architecture: Literal["dual"]
    matrix_rate: float = Field(gt=0, description="learning rate of the matrices of hidden layers (Muon)")
    temperatures: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        min_length=1, description="regularisation of each block and its pass, LAB units"
    )


Settings = TrainPlanNetwork | TrainDualNetwork


class Larger(Section):
    """What a training on a GPU sets otherwise."""

    epochs: int | None = Field(None, ge=1)
    block: int | None = Field(None, ge=2)
    learning_rate: float | None = Field(None, gt=0)
    pairs: int | None = Field(None, ge=1)
    hidden: int | None = Field(None, ge=8)


class Train(Section):
    """Training of the learned warm starts."""

    device: Literal["auto", "cpu", "cuda", "mps"]
    scale: Literal["small", "large"] = Field("small", description="large: with the settings of large put in")
    experiment: str = Field(min_length=1)
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1, description="one training of each for each")
    networks: dict[str, Annotated[Settings, Field(discriminator="architecture")]] = Field(
        min_length=1, description="name of a learned contestant -> how its network is trained"
    )
    large: dict[str, Larger] = Field(description="for a GPU: what is other for each network")

    def model_post_init(self, _context: Any) -> None:
        """Check that large speaks of the same networks; raises ValueError where it does not."""
        if wrong := sorted(self.networks.keys() ^ self.large.keys()):
            raise ValueError(f"networks and large must name the same networks, but {wrong[0]} is in one alone")

    def settings(self, name: str) -> Settings:
        """Return the settings of a network at the scale that is asked for."""
        changes = self.large[name].model_dump(exclude_none=True) if self.scale == "large" else {}
        return self.networks[name].model_copy(update=changes)
