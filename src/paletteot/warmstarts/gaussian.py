"""Closed-form potentials between Gaussian fits of the two palettes."""

from __future__ import annotations

import numpy as np

from paletteot.ot.problem import Array, Problems
from paletteot.warmstarts.contract import Start

FLOOR = 1e-4
"""Variance, LAB units squared, added along every axis, so that fits to one colour or to a line have an inverse."""

SOFTENING = 1.0
"""Displacement, LAB units, below which its direction counts for less: a fit does not resolve it."""

NODES = 16
"""Nodes of the Gauss-Legendre quadrature along a ray."""


class Gaussian:
    """Integrate the direction of transport between Gaussian fits.

    For the squared distance the map between Gaussians is affine and the potentials are quadratic (Thornton and Cuturi
    2022). For the distance itself the gradient of g at y is the unit vector to y from where y's mass comes. The affine
    map S of the target's fit onto the source's gives these directions, and g is their integral along the ray from the
    target's mean m to y:

        g(y) = integral over t in (0, 1) of <y - m, d(z_t) / |d(z_t)|>,   d(z) = z - S(z),   z_t = m + t (y - m).

    No pass over the kernel.
    """

    name = "gaussian"
    summary = "optimal map between Gaussian fits, its directions integrated to a potential of the distance"
    citation = "Thornton and Cuturi 2022, Rethinking initialization of the Sinkhorn algorithm"

    def start(self, problems: Problems) -> Start:
        """Return g, (batch, l), LAB units; 0 at the target's mean and where the weight is 0."""
        source, spread = moments(problems.x, problems.a)
        target, own_spread = moments(problems.y, problems.b)
        matrix = gaussian_map(own_spread, spread)
        ray = np.where(problems.b[..., None] > 0, problems.y - target[:, None], 0.0)
        slope = ray - ray @ matrix  # d along a ray is linear in t
        offset = (target - source)[:, None]
        nodes, shares = np.polynomial.legendre.leggauss(NODES)
        g = np.zeros_like(problems.b)
        for t, share in zip((nodes + 1) / 2, shares / 2, strict=True):
            displacement = offset + t * slope
            length = np.sqrt((displacement**2).sum(-1) + SOFTENING**2)
            g += share * (ray * displacement).sum(-1) / length
        return Start(g)


def moments(x: Array, a: Array) -> tuple[Array, Array]:
    """Return means (n, 3), LAB units, and covariances (n, 3, 3) of palettes x (n, k, 3), a (n, k)."""
    points = np.where(a[..., None] > 0, x, 0.0)  # where there is no atom anything may stand, NaN too
    mean = np.einsum("nkc,nk->nc", points, a)
    centred = points - mean[:, None]
    return mean, np.einsum("nkc,nkd,nk->ncd", centred, centred, a)


def root(matrices: Array) -> Array:
    """Return the symmetric square roots of symmetric positive semidefinite matrices, (n, d, d)."""
    values, vectors = np.linalg.eigh(matrices)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.swapaxes(1, 2))


def gaussian_map(here: Array, there: Array) -> Array:
    """Return the matrices A of the optimal maps between centred Gaussians, A here A = there, (n, 3, 3).

    A = here^-1/2 (here^1/2 there here^1/2)^1/2 here^-1/2 (Peyre and Cuturi 2019, section 2.6), with FLOOR added to
    the variances here. here, there: covariances (n, 3, 3), LAB units squared; any rank.
    """
    half = root(here + FLOOR * np.eye(here.shape[-1]))
    inverse = np.linalg.inv(half)
    return np.asarray(inverse @ root(half @ there @ half) @ inverse)
