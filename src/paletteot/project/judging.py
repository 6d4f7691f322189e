"""What judging needs of the project at hand: its labelled pairs, and the terms and circumstances of what is judged."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from paletteot.benchmark.records.facts import Measured, Terms
from paletteot.dataset.load import Pairs, load_palettes, load_plans
from paletteot.project import paths, provenance

if TYPE_CHECKING:
    from paletteot.config.transport import Transport


@lru_cache(maxsize=8)
def pairs_of(split: str) -> Pairs:
    """Return the labelled pairs of a split, read once in a process."""
    return load_plans(paths.PLANS, load_palettes(paths.PALETTES), split)


def terms(data_version: str, transport: Transport) -> Terms:
    """Return what rows must share to be compared with those of this project."""
    return Terms(
        data_version=data_version, plans_dvc_hash=provenance.dvc_hash(paths.PLANS), transport=transport.model_dump()
    )


def measured(sandbox: str = "") -> Measured:
    """Return when, where and with which code something is judged that is judged now."""
    return Measured.model_validate({**provenance.now(), "sandbox": sandbox})
