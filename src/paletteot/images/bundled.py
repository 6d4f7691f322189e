"""The embedded source: colour photographs that ship inside the wheels of this project's own dependencies."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files

import numpy as np
from PIL import Image

from paletteot.errors import DataError
from paletteot.files import sha256_of
from paletteot.images import crops
from paletteot.images import grading as gradings
from paletteot.images.source import Original, Picture, Pixels


@dataclass(frozen=True)
class Photograph:
    """A photograph in a wheel: its package on PyPI, the module and path it lies under, its hash, licence and maker."""

    distribution: str
    module: str
    path: str
    sha256: str
    licence: str
    attribution: str


PUBLIC_DOMAIN = "public domain"
CC0 = "CC0-1.0"
CC_BY = "CC-BY-2.0"

PHOTOGRAPHS = {
    "astronaut": Photograph(
        "scikit-image", "skimage.data", "astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        PUBLIC_DOMAIN, "NASA: Eileen Collins; https://flic.kr/p/r9qvLn",
    ),
    "chelsea": Photograph(
        "scikit-image", "skimage.data", "chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        CC0, "Stefan van der Walt: Chelsea the cat",
    ),
    "china": Photograph(
        "scikit-learn", "sklearn.datasets", "images/china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        CC_BY, "danielbuechele; https://www.flickr.com/photos/danielbuechele/6061409035; cropped and graded",
    ),
    "coffee": Photograph(
        "scikit-image", "skimage.data", "coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        CC0, "Rachel Michetti, courtesy of Pikolo Espresso Bar",
    ),
    "flower": Photograph(
        "scikit-learn", "sklearn.datasets", "images/flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        CC_BY, "vultilion; https://www.flickr.com/photos/vultilion/6056698931; cropped and graded",
    ),
    "grace_hopper": Photograph(
        "matplotlib", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg",
        "a8ca6d734765703b09728ab47fe59f473d93ae3967fc24c7c0288c3c7adb7130",
        PUBLIC_DOMAIN, "James S. Davis, United States Navy: Grace Hopper, 1984",
    ),
    "hubble_deep_field": Photograph(
        "scikit-image", "skimage.data", "hubble_deep_field.jpg",
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
        PUBLIC_DOMAIN, "NASA: Hubble eXtreme Deep Field; http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
    ),
    "retina": Photograph(
        "scikit-image", "skimage.data", "retina.jpg",
        "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
        CC0, "Mikael Häggström: Fundus photograph of normal left eye; doi:10.15347/wjm/2014.008",
    ),
    "rocket": Photograph(
        "scikit-image", "skimage.data", "rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        PUBLIC_DOMAIN, "SpaceX: launch of DSCOVR; https://www.flickr.com/photos/spacexphotos/16511594820",
    ),
}  # fmt: skip
"""Every colour photograph in those wheels that states a licence or the public domain (docs/pictures.md)."""


class Bundled:
    """Seeded crops of the bundled photographs with seeded colour gradings, equally many of each."""

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}
        self.state = None

    def pictures(self, count: int, *, grading: float, seed: int) -> list[Picture]:
        """Return crops and gradings; picture i depends on the seed and i alone."""
        names = list(PHOTOGRAPHS)
        made = []
        for number in range(count):
            name = names[number % len(names)]
            photograph = PHOTOGRAPHS[name]
            rng = np.random.default_rng([seed, number])
            made.append(
                Picture(
                    image_id=f"bundled-{number:05d}",
                    photograph=name,
                    group=name,
                    source=_release(photograph.distribution),
                    licence=photograph.licence,
                    attribution=photograph.attribution,
                    place=photograph.path,
                    crop=crops.draw(rng, *_decoded(name).shape[1::-1]),
                    grading=gradings.draw(rng, grading),
                )
            )
        return made

    def fetch(self, pictures: Sequence[Picture]) -> Mapping[str, str]:  # noqa: ARG002
        """Return nothing: all are here."""
        return {}

    def open(self, picture: Picture) -> Original:
        """Return the photograph of a picture; raises DataError where a package does not hold it as recorded."""
        return Original(_decoded(picture.group), PHOTOGRAPHS[picture.group].sha256)


@cache
def _release(distribution: str) -> str:
    return f"{distribution} {version(distribution)}"  # version() parses the whole METADATA each time


@cache
def _decoded(name: str) -> Pixels:
    photograph = PHOTOGRAPHS[name]
    file = files(photograph.module).joinpath(photograph.path)
    where = f"{_release(photograph.distribution)}, {photograph.path}"
    if not file.is_file():
        raise DataError(f"{where}: the photograph is missing; install the version that constraints.txt names")
    content = file.read_bytes()
    if sha256_of(content) != photograph.sha256:
        raise DataError(
            f"{where}: the photograph differs from the one recorded; install the version of constraints.txt"
        )
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))
