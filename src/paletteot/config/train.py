"""Training of the learned warm starts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from paletteot.config.section import Section


class TrainPlanNetwork(Section):
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


class Networks(Section):
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
