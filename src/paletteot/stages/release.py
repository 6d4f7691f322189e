"""Stage 5: the data set as it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paletteot.dataset import release, versions
from paletteot.files import write_json
from paletteot.images import manifest
from paletteot.project import paths, provenance

if TYPE_CHECKING:
    from paletteot.config.params import Params

MADE_BY = ("images", "palettes", "pairs", "transport", "plans")


def stage(params: Params) -> None:
    """Read images, palettes and plans, write data/release and reports/release.json."""
    outs = (paths.IMAGES, paths.PALETTES, paths.PAIRS, paths.PLANS)
    facts = release.ReleaseFacts(
        **params.dataset.model_dump(),
        params={section: getattr(params, section).model_dump() for section in MADE_BY},
        hashes={str(out): provenance.dvc_hash(out) for out in outs},
        commit=provenance.git_commit(),
    )
    release.build(
        paths.RELEASE,
        images=paths.IMAGES / manifest.NAME,
        palettes=paths.PALETTES,
        plans=paths.PLANS,
        facts=facts,
    )
    write_json(paths.RELEASE_MANIFEST, versions.manifest(paths.RELEASE))
