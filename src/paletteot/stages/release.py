"""Stage 5: the data set as it is published."""

from __future__ import annotations

from paletteot import config
from paletteot.dataset import release, versions
from paletteot.files import write_json
from paletteot.images import manifest
from paletteot.stages import common, provenance

MADE_BY = ("images", "palettes", "pairs", "transport", "plans")


def stage(params: config.Params) -> None:
    """Read images, palettes and plans, write data/release and reports/release.json."""
    outs = (common.IMAGES, common.PALETTES, common.PAIRS, common.PLANS)
    facts = release.Facts(
        **params.dataset.model_dump(),
        params={section: getattr(params, section).model_dump() for section in MADE_BY},
        hashes={str(out): provenance.dvc_hash(out) for out in outs},
        commit=provenance.git_commit(),
    )
    release.build(
        common.RELEASE,
        images=common.IMAGES / manifest.NAME,
        palettes=common.PALETTES,
        plans=common.PLANS,
        facts=facts,
    )
    write_json(common.RELEASE_MANIFEST, versions.manifest(common.RELEASE))
