"""Colour transfers of other libraries, each called as its documentation says, behind one contract."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata

import numpy as np
import ot
from numpy.typing import NDArray
from scipy.stats import special_ortho_group
from skimage import color, exposure

from paletteot.extras import BENCHMARK, MissingPackageError

Pixels = NDArray[np.uint8]
Unit = NDArray[np.float64]

SAMPLE = 1000
"""Pixels of each picture that POT's examples fit on,"""
MAPPING_SAMPLE = 500
"""and those of its example of mappings."""

BATCH = 4096

ROTATIONS = 20
"""Of iterative distribution transfer, each a step."""


@dataclass(frozen=True)
class Peer:
    """A colour transfer of somebody else's.

    transfer: of A and B, (h, w, 3) uint8 sRGB each, and a seed; returns A with B's colours, of A's shape, uint8, and
    leaves both as they are. package: the distribution that does the work.
    """

    name: str
    package: str
    citation: str
    transfer: Callable[[Pixels, Pixels, int], Pixels]

    @property
    def version(self) -> str:
        """Version of the package; raises MissingPackageError where it is not installed."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            raise MissingPackageError(f"this needs {self.package}: pip install 'paletteot[{BENCHMARK}]'") from None


class FallenError(Exception):
    """A peer gave no picture; the message says why."""


def attempt(peer: Peer, a: Pixels, b: Pixels, seed: int) -> Pixels:
    """Return what a peer makes of A and B.

    Raises FallenError, in one line, where it raises, or returns what is no picture of A's size.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of colours out of range, which are clipped
            result = peer.transfer(a.copy(), b.copy(), seed)
    except MissingPackageError:
        raise
    except Exception as error:  # strangers' code raises what it likes, a bare Exception too
        raise FallenError(f"{type(error).__name__}: {' '.join(str(error).split())}") from error
    if result.shape != a.shape or result.dtype != np.uint8:
        raise FallenError(f"returns {result.dtype} {result.shape}, not uint8 {a.shape}")
    return result


def reinhard(a: Pixels, b: Pixels, seed: int) -> Pixels:
    """Give A the mean and standard deviation of B along each axis of CIELAB."""
    del seed
    x, y = color.rgb2lab(a), color.rgb2lab(b)
    scale = y.std(axis=(0, 1)) / np.maximum(x.std(axis=(0, 1)), 1e-9)
    return _bytes(color.lab2rgb((x - x.mean(axis=(0, 1))) * scale + y.mean(axis=(0, 1))))


def color_matcher(a: Pixels, b: Pixels, seed: int, *, method: str) -> Pixels:
    """Run color-matcher's method of that name; it works on doubles of 0 to 255, and writes into them."""
    del seed
    try:
        from color_matcher import ColorMatcher
    except ModuleNotFoundError as error:
        raise MissingPackageError(f"this needs color-matcher: pip install 'paletteot[{BENCHMARK}]'") from error
    matcher = ColorMatcher(method=method)  # given again below, as its transfer forgets which solver was asked for
    return _bytes(matcher.transfer(src=a.astype(np.float64), ref=b.astype(np.float64), method=method) / 255.0)


def match_histograms(a: Pixels, b: Pixels, seed: int) -> Pixels:
    """Give each channel of A the histogram of B's."""
    del seed
    return _bytes(exposure.match_histograms(a / 255.0, b / 255.0, channel_axis=-1))


def distribution_transfer(a: Pixels, b: Pixels, seed: int) -> Pixels:
    """Match the distributions along the axes of one random rotation after another, in RGB."""
    x, y = a.reshape(-1, 3) / 255.0, b.reshape(-1, 3) / 255.0
    ours, theirs = np.linspace(0.0, 1.0, len(x)), np.linspace(0.0, 1.0, len(y))
    for rotation in special_ortho_group.rvs(3, size=ROTATIONS, random_state=seed):
        turned, wanted = x @ rotation.T, y @ rotation.T
        moved = np.empty_like(turned)
        for axis in range(3):
            order = np.argsort(turned[:, axis], kind="stable")
            moved[order, axis] = np.interp(ours, theirs, np.sort(wanted[:, axis]))
        x = moved @ rotation
    return _bytes(x.reshape(a.shape))


def pot(
    a: Pixels, b: Pixels, seed: int, *, make: Callable[[], ot.da.BaseTransport], sample: int, batch: int | None
) -> Pixels:
    """Fit one of POT's transports on random pixels of both, and move all of A's by it, as its examples do.

    batch: pixels that it moves at a time, where it asks: it makes its map anew for each batch, and of 128, as it has
    them, takes twenty times as long for the same pixels.
    """
    rng = np.random.RandomState(seed)
    x, y = a.reshape(-1, 3) / 255.0, b.reshape(-1, 3) / 255.0
    few, other = x[rng.randint(len(x), size=sample)], y[rng.randint(len(y), size=sample)]
    transport = make()
    transport.fit(Xs=few, Xt=other)
    moved = transport.transform(Xs=x) if batch is None else transport.transform(Xs=x, batch_size=batch)
    return _bytes(moved.reshape(a.shape))


def _bytes(unit: Unit) -> Pixels:
    """Return colours of 0 to 1 as bytes; what leaves that range is clipped. Raises ValueError of NaN."""
    if np.isnan(unit).any():
        raise ValueError("returns NaN")
    return (np.clip(unit, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _matcher(method: str, citation: str) -> Peer:
    return Peer(
        f"color_matcher_{method.replace('-', '_')}", "color-matcher", citation, partial(color_matcher, method=method)
    )


def _pot(
    name: str, citation: str, make: Callable[[], ot.da.BaseTransport], sample: int = SAMPLE, batch: int | None = None
) -> Peer:
    return Peer(f"pot_{name}", "POT", citation, partial(pot, make=make, sample=sample, batch=batch))


REINHARD = "Reinhard et al. 2001, Color transfer between images"
MKL = "Pitié and Kokaram 2007, The linear Monge-Kantorovitch linear colour mapping"
HAHNE = "Hahne and Aggoun 2021, PlenoptiCam"
REGULARISED = "Ferradans et al. 2014, Regularized discrete optimal transport"
MAPPING = "Perrot et al. 2016, Mapping estimation for discrete optimal transport"
HISTOGRAMS = "Gonzalez and Woods, Digital image processing"

PEERS = {
    one.name: one
    for one in (
        Peer("reinhard", "scikit-image", REINHARD, reinhard),
        Peer("match_histograms", "scikit-image", HISTOGRAMS, match_histograms),
        Peer(
            "distribution_transfer", "scipy",
            "Pitié et al. 2007, Automated colour grading using colour distribution transfer", distribution_transfer,
        ),
        _matcher("reinhard", REINHARD),
        _matcher("hm", HISTOGRAMS),
        _matcher("mkl", MKL),
        _matcher("mvgd", HAHNE),
        _matcher("hm-mkl-hm", HAHNE),
        _matcher("hm-mvgd-hm", HAHNE),
        _pot("sinkhorn", REGULARISED, partial(ot.da.SinkhornTransport, reg_e=1e-1), batch=BATCH),
        _pot("emd", REGULARISED, ot.da.EMDTransport, batch=BATCH),
        _pot("linear", MKL, ot.da.LinearTransport),
        _pot(
            "mapping_linear", MAPPING,
            partial(ot.da.MappingTransport, mu=1.0, eta=1e-8, bias=True, max_iter=20), MAPPING_SAMPLE,
        ),
        _pot(
            "mapping_gaussian", MAPPING,
            partial(ot.da.MappingTransport, mu=1.0, eta=1e-2, sigma=1.0, bias=False, max_iter=10, kernel="gaussian"),
            MAPPING_SAMPLE,
        ),
    )
}  # fmt: skip
"""Every peer by its name; those that a run meets are named in params.yaml."""
