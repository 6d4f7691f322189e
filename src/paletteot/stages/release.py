"""Stage 5: the data set as it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paletteot.dataset import versions
from paletteot.files import write_json
from paletteot.project import paths, releasing

if TYPE_CHECKING:
    from paletteot.config.params import Params


def stage(params: Params) -> None:
    """Read manifest, palettes, pairs and plans, write data/release and reports/release.json."""
    releasing.build(params)
    write_json(paths.RELEASE_MANIFEST, versions.manifest(paths.RELEASE))
