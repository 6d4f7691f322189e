"""Which pictures meet."""

from __future__ import annotations

from pydantic import Field

from paletteot.config.section import Section
from paletteot.splits import Split


class PairsParams(Section):
    """How many pairs each split has, and the share of pictures, photographs and groups kept for each unseen side."""

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
